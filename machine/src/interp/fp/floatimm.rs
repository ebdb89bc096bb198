//! Floating-point immediate.

use super::lanes::write;
use super::ops::expand_imm;
use crate::cpu::Vcpu;
use crate::fp::{Double, Format, Half, Single};
use crate::interp::operand::bits;
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FMOV_S_floatimm => mov::<Single>,
        FMOV_D_floatimm => mov::<Double>,
        FMOV_H_floatimm => mov::<Half>,
        _ => return None,
    };
    Some(handler)
}

/// FMOV (scalar, immediate).
fn mov<F: Format>(cpu: &mut Vcpu, word: u32) -> Exec {
    write(cpu, word, |_, _| u128::from(expand_imm::<F>(bits::<13, 8>(word))))
}
