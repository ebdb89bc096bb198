//! FEAT_NV, FEAT_NV2 and their successors: EL1 that takes itself for EL2. The names begin with the rule in question, of
//! `docs/src/nested-virtualization.md`.

mod faults;
mod guest;
mod memory;
mod newer;
mod redirected;
mod stage1;
mod traps;
mod virtual_gic;

use super::harness::skip;
use guest_support::mrs;

/// What the ID registers say.
#[derive(Clone, Copy)]
pub(crate) struct Level {
    /// ID_AA64MMFR2_EL1.NV: 1 is FEAT_NV, 2 is FEAT_NV2.
    nv: u64,
    /// ID_AA64MMFR4_EL1.NV_frac: 1 is FEAT_NV2 without a choice, 2 is FEAT_NV2p1, 3 is FEAT_NV3.
    frac: u64,
}

pub(crate) fn run() {
    let level = Level { nv: mrs!("id_aa64mmfr2_el1") >> 24 & 0xf, frac: mrs!("S3_0_C0_C7_4") >> 20 & 0xf };
    if level.nv == 0 && level.frac == 0 {
        skip("nested: FEAT_NV is not implemented");
        return;
    }
    guest::prepare();
    traps::run(level);
    stage1::run();
    virtual_gic::run();
    if level.nv < 2 && level.frac == 0 {
        skip("nested: FEAT_NV2 is not implemented");
        return;
    }
    memory::run(level);
    redirected::run();
    faults::run();
    newer::run(level);
}
