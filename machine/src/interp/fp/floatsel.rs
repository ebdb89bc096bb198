//! Floating-point conditional select.

use super::lanes::lane;
use crate::cpu::Vcpu;
use crate::fp::{Double, Format, Half, Single};
use crate::interp::operand::{bits, condition_holds, rd, rm, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FCSEL_S_floatsel => select::<Single>,
        FCSEL_D_floatsel => select::<Double>,
        FCSEL_H_floatsel => select::<Half>,
        _ => return None,
    };
    Some(handler)
}

/// FCSEL.
fn select<F: Format>(cpu: &mut Vcpu, word: u32) -> Exec {
    cpu.check_fp()?;
    let source =
        if condition_holds(cpu.state.nzcv.bits(), bits::<12, 4>(word)) { rn(word) } else { rm(word) };
    cpu.set_v(rd(word), u128::from(lane::<F>(cpu.v(source), 0)));
    Ok(Flow::Next)
}
