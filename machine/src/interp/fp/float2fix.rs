//! Conversion between floating-point and fixed-point.

use super::lanes::{lane, with_env, write};
use crate::cpu::Vcpu;
use crate::fp::{self, Double, Format, Half, Rounding, Single};
use crate::interp::operand::{bits, rd, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        SCVTF_S32_float2fix => from_fixed::<Single, 32, false>,
        UCVTF_S32_float2fix => from_fixed::<Single, 32, true>,
        FCVTZS_32S_float2fix => to_fixed::<Single, 32, false>,
        FCVTZU_32S_float2fix => to_fixed::<Single, 32, true>,
        SCVTF_D32_float2fix => from_fixed::<Double, 32, false>,
        UCVTF_D32_float2fix => from_fixed::<Double, 32, true>,
        FCVTZS_32D_float2fix => to_fixed::<Double, 32, false>,
        FCVTZU_32D_float2fix => to_fixed::<Double, 32, true>,
        SCVTF_H32_float2fix => from_fixed::<Half, 32, false>,
        UCVTF_H32_float2fix => from_fixed::<Half, 32, true>,
        FCVTZS_32H_float2fix => to_fixed::<Half, 32, false>,
        FCVTZU_32H_float2fix => to_fixed::<Half, 32, true>,
        SCVTF_S64_float2fix => from_fixed::<Single, 64, false>,
        UCVTF_S64_float2fix => from_fixed::<Single, 64, true>,
        FCVTZS_64S_float2fix => to_fixed::<Single, 64, false>,
        FCVTZU_64S_float2fix => to_fixed::<Single, 64, true>,
        SCVTF_D64_float2fix => from_fixed::<Double, 64, false>,
        UCVTF_D64_float2fix => from_fixed::<Double, 64, true>,
        FCVTZS_64D_float2fix => to_fixed::<Double, 64, false>,
        FCVTZU_64D_float2fix => to_fixed::<Double, 64, true>,
        SCVTF_H64_float2fix => from_fixed::<Half, 64, false>,
        UCVTF_H64_float2fix => from_fixed::<Half, 64, true>,
        FCVTZS_64H_float2fix => to_fixed::<Half, 64, false>,
        FCVTZU_64H_float2fix => to_fixed::<Half, 64, true>,
        _ => return None,
    };
    Some(handler)
}

/// Bits after the point, from the field `scale`; more than the register has is reserved.
#[inline(always)]
fn fraction_bits<const WIDTH: u32>(word: u32) -> Option<u32> {
    let count = 64 - bits::<10, 6>(word);
    (count <= WIDTH).then_some(count)
}

/// FCVTZS and FCVTZU to a fixed-point number of `WIDTH` bits.
fn to_fixed<F: Format, const WIDTH: u32, const UNSIGNED: bool>(cpu: &mut Vcpu, word: u32) -> Exec {
    let Some(fraction_bits) = fraction_bits::<WIDTH>(word) else {
        return Err(cpu.undefined());
    };
    cpu.check_fp()?;
    let n = lane::<F>(cpu.v(rn(word)), 0);
    let result =
        with_env(cpu, |env| fp::to_fixed::<F>(n, fraction_bits, UNSIGNED, WIDTH, Rounding::Zero, env));
    cpu.set_x(rd(word), result);
    Ok(Flow::Next)
}

/// SCVTF and UCVTF from a fixed-point number of `WIDTH` bits.
fn from_fixed<F: Format, const WIDTH: u32, const UNSIGNED: bool>(cpu: &mut Vcpu, word: u32) -> Exec {
    let Some(fraction_bits) = fraction_bits::<WIDTH>(word) else {
        return Err(cpu.undefined());
    };
    write(cpu, word, |cpu, env| {
        u128::from(fp::from_fixed::<F>(cpu.x(rn(word)), fraction_bits, UNSIGNED, WIDTH, env))
    })
}
