//! AdvSIMD modified immediate: FMOV.

use super::lanes::{build, q, write};
use super::ops::expand_imm;
use crate::cpu::Vcpu;
use crate::fp::{Double, Format, Half, Single};
use crate::interp::operand::bits;
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    match e {
        Encoding::FMOV_asimdimm_S_s => Some(mov::<Single>),
        Encoding::FMOV_asimdimm_H_h => Some(mov::<Half>),
        Encoding::FMOV_asimdimm_D2_d => Some(mov::<Double>),
        _ => None,
    }
}

/// FMOV (vector, immediate).
fn mov<F: Format>(cpu: &mut Vcpu, word: u32) -> Exec {
    let value = expand_imm::<F>(bits::<16, 3>(word) << 5 | bits::<5, 5>(word));
    write(cpu, word, |_, _| build::<F>(q(word), |_| value))
}
