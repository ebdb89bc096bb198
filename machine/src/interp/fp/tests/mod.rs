//! Tests of the floating-point handlers.

mod coverage;
mod rules;
mod vectors;

use crate::cpu::Vcpu;
use crate::interp::{Abort, Flow};
use droste_arch::a64;
use droste_arch::feature::{Feature, FeatureSet};

/// A CPU with every feature that the handlers implement.
fn cpu() -> Vcpu {
    Vcpu::for_tests(FeatureSet::EMPTY.with(&[
        Feature::FEAT_FP,
        Feature::FEAT_AdvSIMD,
        Feature::FEAT_FP16,
        Feature::FEAT_FHM,
        Feature::FEAT_FCMA,
        Feature::FEAT_JSCVT,
        Feature::FEAT_FRINTTS,
        Feature::FEAT_BF16,
    ]))
}

/// Executes one instruction; `None` if no handler takes it.
fn execute(cpu: &mut Vcpu, word: u32) -> Option<Result<Flow, Abort>> {
    let handler = super::handler(a64::decode(word)?)?;
    Some(handler(cpu, word))
}
