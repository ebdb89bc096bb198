//! Floating-point conditional compare.

use super::lanes::{lane, with_env};
use crate::cpu::Vcpu;
use crate::fp::{self, Double, Format, Half, Single};
use crate::interp::operand::{bits, condition_holds, rm, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FCCMP_S_floatccmp => compare::<Single, false>,
        FCCMPE_S_floatccmp => compare::<Single, true>,
        FCCMP_D_floatccmp => compare::<Double, false>,
        FCCMPE_D_floatccmp => compare::<Double, true>,
        FCCMP_H_floatccmp => compare::<Half, false>,
        FCCMPE_H_floatccmp => compare::<Half, true>,
        _ => return None,
    };
    Some(handler)
}

/// FCCMP and FCCMPE.
fn compare<F: Format, const SIGNAL_ALL: bool>(cpu: &mut Vcpu, word: u32) -> Exec {
    cpu.check_fp()?;
    let flags = if condition_holds(cpu.state.nzcv.bits(), bits::<12, 4>(word)) {
        let (n, m) = (lane::<F>(cpu.v(rn(word)), 0), lane::<F>(cpu.v(rm(word)), 0));
        with_env(cpu, |env| fp::compare::<F>(n, m, SIGNAL_ALL, env))
    } else {
        bits::<0, 4>(word) << 28
    };
    cpu.state.nzcv.set(flags);
    Ok(Flow::Next)
}
