//! The hypervisor's memory: by every kind of access, and by the MMU's own.

use super::{FAULT, IMAGE, IMAGE_END, LEDGER, LEDGER_END, check, syndrome_of};
use core::arch::asm;
use core::sync::atomic::Ordering;
use guest_support::board::{RAM, UART};
use guest_support::paging::attr::{DEVICE, NORMAL};
use guest_support::paging::{Tables, disable};
use guest_support::sysreg::cpu;

/// Synchronous external abort at the same level, read and write.
const READ: i64 = 0x9600_0010;
const WRITE: i64 = READ | 0x40;
const CACHE_WRITE: i64 = WRITE | 0x100;

/// One instruction whose operand is an address.
macro_rules! access {
    ($instruction:literal, $at:expr) => {
        syndrome_of(|| {
            // SAFETY: an access that is meant to fault; the handler skips it.
            unsafe { asm!($instruction, inout("x8") $at => _, out("x9") _, out("x10") _, options(nostack)) }
        })
    };
}

pub(super) fn run() {
    refused();
    for at in [IMAGE - 8, IMAGE_END, LEDGER - 8] {
        check("read beside it", at, access!("ldr x9, [x8]", at), 0);
    }
    for at in [IMAGE, LEDGER] {
        check("byte", at, access!("ldrb w9, [x8]", at), READ);
        check("pair that ends in it", at, access!("ldp x9, x10, [x8]", at - 8), READ);
        check("exclusive", at, access!("ldxr x9, [x8]", at), READ);
        check("acquire", at, access!("ldar x9, [x8]", at), READ);
        check("release", at, access!("stlr x9, [x8]", at), WRITE);
        // A machine without caches need not translate.
        let syndrome = access!("dc ivac, x8", at);
        check("DC IVAC", at, i64::from(syndrome == 0 || syndrome == CACHE_WRITE), 1);
    }
    walk();
    execute();
    everywhere();
}

/// Read and write at many places.
pub(super) fn refused() {
    let inside =
        [IMAGE, IMAGE + 0x2000, IMAGE + 0x3_0000, IMAGE_END - 8, LEDGER, LEDGER + 0x1000, LEDGER_END - 8];
    for at in inside {
        check("read of", at, access!("ldr x9, [x8]", at), READ);
        check("FAR of", at, (FAULT[cpu()].load(Ordering::Relaxed) == at).into(), 1);
        check("write to", at, access!("str x9, [x8]", at), WRITE);
    }
}

/// A translation table of the host in the hypervisor's memory: the walk is the access.
fn walk() {
    static TABLES: Tables<8> = Tables::new();
    TABLES.map(RAM as u64, RAM as u64, LEDGER_END - RAM as u64, NORMAL);
    TABLES.map(UART as u64, UART as u64, 4096, DEVICE);
    for (n, at) in [IMAGE, IMAGE + 0x10_0000, LEDGER].into_iter().enumerate() {
        let through = (0x40 + n as u64) << 30;
        TABLES.set(through, 1, at | 3);
        TABLES.enable();
        let syndrome = access!("ldr x9, [x8]", through);
        disable();
        // External abort on a walk, at some level.
        check("walk through", at, syndrome & !3, READ & !0x3f | 0x14);
    }
}

/// Executing there: the handler of an instruction abort goes back to the caller.
fn execute() {
    for at in [IMAGE, IMAGE + 0x2000, LEDGER] {
        let syndrome = syndrome_of(|| {
            // SAFETY: the target faults, and the handler returns to behind the branch.
            unsafe { asm!("blr {}", in(reg) at, clobber_abi("C")) }
        });
        check("execution at", at, syndrome, 0x8600_0010);
    }
}

/// Many addresses, far apart: the tables of stage 2 have an end, which must not be the hypervisor's.
fn everywhere() {
    for n in 1..400_u64 {
        let at = n << 39;
        // Whatever is answered: a bus error, nothing, an address that is too large.
        access!("ldr x9, [x8]", at);
    }
    check("read after everything", 0, access!("ldr x9, [x8]", IMAGE_END), 0);
}
