//! Section R of the rules: registers of EL2 that are those of EL1.

use super::guest::{run as guest_run, *};
use crate::bare::harness::{equal, skip};
use guest_support::{mrs, msr};

const BOTH: u64 = NV | NV2;

pub(super) fn run() {
    macro_rules! redirected {
        ($name:literal, $register:expr, $el1:literal, $value:expr) => {
            msr!($el1, $value);
            let read = guest_run(BOTH, &[$register.read()], 0);
            let write = guest_run(BOTH, &[$register.write()], $value ^ 0xc0);
            let got = (what(read), read.x0, what(write), mrs!($el1));
            equal($name, got, (DONE, $value, DONE, $value ^ 0xc0));
            let both = guest_run(BOTH | NV1, &[$register.read()], 0);
            equal("   with NV1 too", (what(both), both.x0), (DONE, $value ^ 0xc0));
        };
    }
    redirected!("R1: ELR_EL2 is ELR_EL1", ELR_EL2, "elr_el1", 0x1234_5678_u64);
    redirected!("R1: ESR_EL2 is ESR_EL1", ESR_EL2, "esr_el1", 0x5600_0042_u64);
    redirected!("R1: FAR_EL2 is FAR_EL1", FAR_EL2, "far_el1", 0xffff_0000_1234_5678_u64);
    // Bits that every CPU has: N, F and M.
    redirected!("R1: SPSR_EL2 is SPSR_EL1", SPSR_EL2, "spsr_el1", 0x8000_0045_u64);
    if mrs!("id_aa64mmfr0_el1") >> 56 & 0xf == 0 {
        skip("R4: FEAT_FGT is not implemented");
        return;
    }
    // HFGRTR_EL2.{FAR_EL1,ESR_EL1}.
    let old = mrs!("S3_4_C1_C1_4");
    msr!("S3_4_C1_C1_4", old | 3 << 16);
    equal("R4: fine-grained traps of EL1's registers are not about EL2's", one(BOTH, ESR_EL2.read()), DONE);
    msr!("S3_4_C1_C1_4", old);
}
