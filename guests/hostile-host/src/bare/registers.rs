//! Registers and instructions that belong to EL2.

use super::{check, syndrome_of};
use guest_support::instruction;

/// EC 0 with ESR.IL, and nothing else.
const UNDEFINED: i64 = 0x0200_0000;

/// Checks that each instruction is undefined here.
macro_rules! undefined {
    ($($text:literal),+ $(,)?) => {
        $(check($text, 0, syndrome_of(|| instruction!($text)), UNDEFINED);)+
    };
}

pub(super) fn run() {
    undefined!(
        "msr hcr_el2, xzr",
        "msr vbar_el2, xzr",
        "msr vttbr_el2, xzr",
        "msr vtcr_el2, xzr",
        "msr sctlr_el2, xzr",
        "msr ttbr0_el2, xzr",
        "msr tcr_el2, xzr",
        "msr mair_el2, xzr",
        "msr cptr_el2, xzr",
        "msr mdcr_el2, xzr",
        "msr elr_el2, xzr",
        "msr spsr_el2, xzr",
        "msr esr_el2, xzr",
        "msr tpidr_el2, xzr",
        "msr cnthctl_el2, xzr",
        "msr vmpidr_el2, xzr",
        "msr sp_el1, xzr",
        "msr S3_4_C12_C11_0, xzr",
        "msr S3_4_C12_C9_5, xzr",
        "msr S3_5_C1_C0_0, xzr",
        "mrs x9, hcr_el2",
        "mrs x9, vbar_el2",
        "mrs x9, S3_5_C12_C0_0",
        "tlbi alle2",
        "tlbi alle1is",
        "tlbi vmalls12e1is",
        "tlbi ipas2e1is, xzr",
        "at s12e1r, xzr",
        "at s1e2r, xzr",
        "msr S3_6_C1_C1_0, xzr",
    );
    // That they were refused and not executed: all of these would have been the end of stage 2.
    check("syndrome is recorded", 0, syndrome_of(|| instruction!("svc #7")), 0x5600_0007);
    illegal_return();
}

/// A return to EL2: PSTATE.IL, and the next instruction is an Illegal Execution state exception.
fn illegal_return() {
    for (name, pstate) in [("ERET to EL2h", 0x3c9_u64), ("ERET to EL2t", 0x3c8), ("ERET to EL3h", 0x3cd)] {
        let syndrome = syndrome_of(|| {
            // SAFETY: comes back at the label, one instruction later.
            unsafe {
                core::arch::asm!(
                    "adr x9, 1f", "msr elr_el1, x9", "msr spsr_el1, {}", "isb", "eret", "1:", "nop", "nop",
                    in(reg) pstate, out("x9") _, options(nostack)
                );
            }
        });
        check(name, pstate, syndrome, 0x0e << 26 | UNDEFINED);
        check("still at EL1", pstate, guest_support::sysreg::current_el() as i64, 1);
    }
}
