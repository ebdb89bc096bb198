//! PAN and unprivileged accesses, at EL1.

use super::catch::{Caught, catch};
use super::harness::{check, equal};
use super::mmu::TABLES;
use core::arch::asm;
use core::cell::UnsafeCell;
use guest_support::paging::{self, attr};
use guest_support::{instruction, mrs, msr};

#[repr(C, align(4096))]
struct Page(UnsafeCell<[u64; 512]>);
// SAFETY: used by one CPU.
unsafe impl Sync for Page {}
static PAGE: Page = Page(UnsafeCell::new([7; 512]));

const USER: u64 = 0x20_0000_0000;
const KERNEL: u64 = USER + 0x1000;

fn load(va: u64) {
    // SAFETY: an address of the test page, or a fault that is caught.
    unsafe { asm!("ldr {0}, [{1}]", out(reg) _, in(reg) va) };
}

fn load_unprivileged(va: u64) {
    // SAFETY: an address of the test page, or a fault that is caught.
    unsafe { asm!("ldtr {0}, [{1}]", out(reg) _, in(reg) va) };
}

fn fault(caught: Option<Caught>) -> Option<(u64, u64, u64)> {
    caught.map(|c| (c.class, c.iss & 0x7f, c.far))
}

pub(crate) fn run() {
    let page = PAGE.0.get() as u64;
    TABLES.set(USER, 3, page | attr::NORMAL | attr::XN | attr::PXN | attr::USER | 3);
    TABLES.set(KERNEL, 3, page | attr::NORMAL | attr::XN | attr::PXN | 3);
    paging::flush();
    check("EL1 loads from a page of EL0", catch(|| load(USER)).is_none());
    check("LDTR from a page of EL0", catch(|| load_unprivileged(USER)).is_none());
    let got = fault(catch(|| load_unprivileged(KERNEL)));
    equal("LDTR from a page of EL1: permission fault", got, Some((0x25, 0x0f, KERNEL)));
    if mrs!("id_aa64mmfr1_el1") >> 20 & 0xf != 0 {
        instruction!("msr S0_0_C4_C1_4, xzr"); // MSR PAN, #1
        let pan = mrs!("S3_0_C4_C2_3");
        let got = fault(catch(|| load(USER)));
        let allowed = catch(|| load_unprivileged(USER)).is_none() && catch(|| load(KERNEL)).is_none();
        instruction!("msr S0_0_C4_C0_4, xzr"); // MSR PAN, #0
        equal("PAN is set", pan, 1 << 22);
        equal("PAN: EL1 may not load from a page of EL0", got, Some((0x25, 0x0f, USER)));
        check("PAN: LDTR and pages of EL1 are as before", allowed);
    }
    if mrs!("id_aa64mmfr2_el1") >> 4 & 0xf != 0 {
        msr!("S3_0_C4_C2_4", 1 << 23); // UAO
        let got = catch(|| load_unprivileged(KERNEL));
        msr!("S3_0_C4_C2_4", 0);
        check("UAO: LDTR from a page of EL1", got.is_none());
    }
}
