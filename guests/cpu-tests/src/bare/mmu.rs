//! Stage 1 of this level with the 4 KiB granule: translation, faults, maintenance, AT.

use super::catch::{Caught, catch};
use super::harness::{check, equal};
use core::arch::asm;
use core::cell::UnsafeCell;
use guest_support::paging::{self, Tables, attr};
use guest_support::sysreg::current_el;
use guest_support::{board, mrs, msr};

/// The tables that the program goes on with.
pub(crate) static TABLES: Tables<16> = Tables::new();

#[repr(C, align(4096))]
struct Page(UnsafeCell<[u64; 512]>);
// SAFETY: used by one CPU.
unsafe impl Sync for Page {}
static PAGES: [Page; 2] = [const { Page(UnsafeCell::new([0; 512])) }; 2];

const VA: u64 = 0x10_0000_0000;
const DATA: u64 = attr::XN;

fn page(n: usize) -> u64 {
    PAGES[n].0.get() as u64
}

/// Bits of a leaf that are RES1 at EL2, where there is one privilege level.
fn res1() -> u64 {
    if current_el() == 2 { attr::USER } else { 0 }
}

fn map(va: u64, pa: u64, attributes: u64) {
    TABLES.set(va, 3, pa | attributes | res1() | 3);
    paging::flush();
}

fn load(va: u64) -> u64 {
    let value;
    // SAFETY: an address of a test page, or a fault that is caught; then the register keeps its value.
    unsafe { asm!("ldr {0}, [{1}]", inout(reg) 0xdead_u64 => value, in(reg) va) };
    value
}

fn store(va: u64, value: u64) {
    // SAFETY: an address of a test page, or a fault that is caught.
    unsafe { asm!("str {0}, [{1}]", in(reg) value, in(reg) va) };
}

fn fault(caught: Option<Caught>) -> Option<(u64, u64, u64)> {
    caught.map(|c| (c.class, c.iss & 0x7f, c.far))
}

pub(crate) fn run() {
    store(page(0), 0x1111);
    store(page(1), 0x2222);
    let ram = board::RAM as u64;
    TABLES.map(ram, ram, 32 << 20, attr::NORMAL | res1());
    TABLES.map(0x0800_0000, 0x0800_0000, 32 << 20, attr::DEVICE | attr::XN | res1());
    TABLES.enable();
    check("the MMU is on", mrs!("CurrentEL") != 0 && sctlr() & 1 == 1);
    translation();
    faults();
    execution();
    at();
    alignment();
}

fn sctlr() -> u64 {
    if current_el() == 2 { mrs!("sctlr_el2") } else { mrs!("sctlr_el1") }
}

fn translation() {
    map(VA, page(0), attr::NORMAL | DATA);
    map(VA + 0x1000, page(1), attr::NORMAL | DATA);
    equal("two pages are read through their mappings", (load(VA), load(VA + 0x1000)), (0x1111, 0x2222));
    store(VA + 8, 0x3333);
    equal("a store through a mapping is seen at the physical address", load(page(0) + 8), 0x3333);
    map(VA, page(1), attr::NORMAL | DATA);
    equal("after a change of the table and TLBI the new page is read", load(VA), 0x2222);
    let across = VA + 0xffc;
    store(page(1) + 0xff8, 0x4444_4444_0000_0000);
    store(page(1), 0x5555_5555);
    equal("an unaligned load across two pages", load(across), 0x5555_5555_4444_4444);
    // A block of 2 MiB at level 2.
    let block = page(0) & !0x1f_ffff;
    TABLES.set(VA + (1 << 21), 2, block | attr::NORMAL | DATA | res1() | 1);
    paging::flush();
    equal("a block of 2 MiB", load(VA + (1 << 21) + (page(0) - block)), 0x1111);
}

fn faults() {
    TABLES.set(VA, 3, 0);
    paging::flush();
    let far = VA + 0x10;
    equal(
        "unmapped page, load: translation fault at level 3",
        fault(catch(|| _ = load(far))),
        Some((0x25, 0x07, far)),
    );
    equal("unmapped page, store: WnR", fault(catch(|| store(far, 0))), Some((0x25, 0x47, far)));
    let far = VA + (1 << 30);
    equal(
        "no table at level 2: translation fault at level 1",
        fault(catch(|| _ = load(far))),
        Some((0x25, 0x05, far)),
    );
    let far = VA + (5 << 21);
    equal(
        "no table at level 3: translation fault at level 2",
        fault(catch(|| _ = load(far))),
        Some((0x25, 0x06, far)),
    );
    let far = 1 << 40;
    equal(
        "beyond the input size: translation fault at level 0",
        fault(catch(|| _ = load(far))),
        Some((0x25, 0x04, far)),
    );
    map(VA, page(0), (attr::NORMAL | DATA) & !attr::AF);
    equal("access flag clear: access flag fault", fault(catch(|| _ = load(VA))), Some((0x25, 0x0b, VA)));
    map(VA, page(0), attr::NORMAL | DATA | attr::READ_ONLY);
    equal("read-only page: a load works", load(VA), 0x1111);
    equal(
        "read-only page: a store is a permission fault",
        fault(catch(|| store(VA, 1))),
        Some((0x25, 0x4f, VA)),
    );
    equal("read-only page: the store did not happen", load(page(0)), 0x1111);
    map(VA, 1 << 44, attr::NORMAL | DATA);
    equal(
        "output address too large: address size fault",
        fault(catch(|| _ = load(VA))),
        Some((0x25, 0x03, VA)),
    );
    map(VA, page(0), attr::NORMAL | DATA);
}

fn execution() {
    map(VA, page(0), attr::NORMAL | attr::XN | attr::PXN);
    let caught = catch(|| {
        // SAFETY: the handler returns to X30.
        unsafe { asm!("blr {}", in(reg) VA, out("x30") _, clobber_abi("C")) }
    });
    equal("execute-never page: instruction abort, permission fault", fault(caught), Some((0x21, 0x0f, VA)));
    let caught = catch(|| {
        // SAFETY: the handler returns to X30.
        unsafe { asm!("blr {}", in(reg) VA + (7 << 21), out("x30") _, clobber_abi("C")) }
    });
    equal(
        "jump to nowhere: instruction abort, translation fault",
        fault(caught),
        Some((0x21, 0x06, VA + (7 << 21))),
    );
    // mov x0, #n; ret
    for (n, name) in
        [(1, "new code runs after cache maintenance"), (2, "changed code runs after cache maintenance")]
    {
        let code = page(1);
        store(code, 0xd65f_03c0_d280_0000 | n << 5);
        map(VA, code, attr::NORMAL);
        // SAFETY: cache maintenance.
        unsafe {
            asm!("dc cvau, {0}", "dsb ish", "ic ivau, {1}", "dsb ish", "isb", in(reg) code, in(reg) VA)
        };
        let got: u64;
        // SAFETY: the code above sets X0 and returns.
        unsafe { asm!("blr {}", in(reg) VA, out("x0") got, out("x30") _) };
        equal(name, got, n);
    }
}

/// Address translation instructions and PAR_EL1.
fn at() {
    map(VA, page(0), attr::NORMAL | DATA);
    let par = |va: u64| {
        if current_el() == 2 {
            // SAFETY: changes PAR_EL1 only.
            unsafe { asm!("at s1e2r, {}", "isb", in(reg) va) };
        } else {
            // SAFETY: changes PAR_EL1 only.
            unsafe { asm!("at s1e1r, {}", "isb", in(reg) va) };
        }
        mrs!("par_el1")
    };
    equal("AT of a mapped page: address, no fault", par(VA + 0x123) & 0xff_ffff_f001, page(0));
    equal(
        "AT of a mapped page: write-back, inner shareable",
        {
            let par = par(VA);
            (par >> 56, par >> 7 & 3)
        },
        (0xff, 3),
    );
    equal("AT of a device: Device-nGnRE", par(board::UART as u64) >> 56, 0x04);
    equal("AT of an unmapped page: F and the fault status", par(VA + (7 << 21)) & 0x7f, 0x06 << 1 | 1);
    msr!("par_el1", 0);
}

fn alignment() {
    let at = VA + 1;
    check("unaligned load from Normal memory", catch(|| _ = load(at)).is_none());
    let strict = sctlr() | 2;
    let relaxed = sctlr() & !2;
    let set =
        |value: u64| if current_el() == 2 { msr!("sctlr_el2", value) } else { msr!("sctlr_el1", value) };
    set(strict);
    let caught = catch(|| _ = load(at));
    set(relaxed);
    equal("unaligned load with SCTLR.A: alignment fault", fault(caught), Some((0x25, 0x21, at)));
    let caught = catch(|| {
        // SAFETY: reads a test page, or faults.
        unsafe { asm!("ldxr {0}, [{1}]", out(reg) _, in(reg) VA + 12) };
    });
    equal(
        "unaligned exclusive load across 16 bytes: alignment fault",
        // WnR aside: QEMU sets it here.
        caught.map(|c| (c.class, c.iss & 0x3f, c.far)),
        Some((0x25, 0x21, VA + 12)),
    );
}
