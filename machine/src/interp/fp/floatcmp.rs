//! Floating-point compare.

use super::lanes::{lane, with_env};
use crate::cpu::Vcpu;
use crate::fp::{self, Double, Format, Half, Single};
use crate::interp::operand::{rm, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FCMP_S_floatcmp => compare::<Single, false, false>,
        FCMP_SZ_floatcmp => compare::<Single, false, true>,
        FCMPE_S_floatcmp => compare::<Single, true, false>,
        FCMPE_SZ_floatcmp => compare::<Single, true, true>,
        FCMP_D_floatcmp => compare::<Double, false, false>,
        FCMP_DZ_floatcmp => compare::<Double, false, true>,
        FCMPE_D_floatcmp => compare::<Double, true, false>,
        FCMPE_DZ_floatcmp => compare::<Double, true, true>,
        FCMP_H_floatcmp => compare::<Half, false, false>,
        FCMP_HZ_floatcmp => compare::<Half, false, true>,
        FCMPE_H_floatcmp => compare::<Half, true, false>,
        FCMPE_HZ_floatcmp => compare::<Half, true, true>,
        _ => return None,
    };
    Some(handler)
}

/// FCMP and FCMPE, with a register or with zero.
fn compare<F: Format, const SIGNAL_ALL: bool, const WITH_ZERO: bool>(cpu: &mut Vcpu, word: u32) -> Exec {
    cpu.check_fp()?;
    let n = lane::<F>(cpu.v(rn(word)), 0);
    let m = if WITH_ZERO { 0 } else { lane::<F>(cpu.v(rm(word)), 0) };
    let flags = with_env(cpu, |env| fp::compare::<F>(n, m, SIGNAL_ALL, env));
    cpu.state.nzcv.set(flags);
    Ok(Flow::Next)
}
