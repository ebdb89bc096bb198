//! AdvSIMD scalar shift by immediate: conversions between floating-point and fixed-point.

use super::lanes::scalar1;
use crate::cpu::Vcpu;
use crate::fp::{self, Double, Format, FpEnv, Half, Rounding, Single};
use crate::interp::operand::bits;
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;
use droste_arch::feature::Feature;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    match e {
        Encoding::SCVTF_asisdshf_C => Some(convert::<false, false>),
        Encoding::UCVTF_asisdshf_C => Some(convert::<false, true>),
        Encoding::FCVTZS_asisdshf_C => Some(convert::<true, false>),
        Encoding::FCVTZU_asisdshf_C => Some(convert::<true, true>),
        _ => None,
    }
}

/// Converts lanes whose width is given by the highest set bit of `immh`.
fn convert<const TO_FIXED: bool, const UNSIGNED: bool>(cpu: &mut Vcpu, word: u32) -> Exec {
    match bits::<19, 4>(word) {
        2..=3 if cpu.has(Feature::FEAT_FP16) => lanes::<Half, TO_FIXED, UNSIGNED>(cpu, word),
        4..=7 => lanes::<Single, TO_FIXED, UNSIGNED>(cpu, word),
        8..=15 => lanes::<Double, TO_FIXED, UNSIGNED>(cpu, word),
        _ => Err(cpu.undefined()),
    }
}

#[inline(always)]
fn lanes<F: Format, const TO_FIXED: bool, const UNSIGNED: bool>(cpu: &mut Vcpu, word: u32) -> Exec {
    let fraction_bits = 2 * F::BITS - bits::<16, 7>(word);
    scalar1::<F>(cpu, word, |n, env: &mut FpEnv| {
        if TO_FIXED {
            fp::to_fixed::<F>(n, fraction_bits, UNSIGNED, F::BITS, Rounding::Zero, env)
        } else {
            fp::from_fixed::<F>(n, fraction_bits, UNSIGNED, F::BITS, env)
        }
    })
}
