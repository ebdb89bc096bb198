//! Conversion between floating-point and integer, and FMOV with general registers.

use super::lanes::{lane, with_env, write};
use crate::cpu::Vcpu;
use crate::fp::{self, Double, Format, Half, Rounding, Single};
use crate::interp::operand::{rd, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FCVTNS_32S_float2int => |c, w| to_int::<Single, 32, false>(c, w, Rounding::TieEven),
        FCVTNU_32S_float2int => |c, w| to_int::<Single, 32, true>(c, w, Rounding::TieEven),
        FCVTPS_32S_float2int => |c, w| to_int::<Single, 32, false>(c, w, Rounding::PosInf),
        FCVTPU_32S_float2int => |c, w| to_int::<Single, 32, true>(c, w, Rounding::PosInf),
        FCVTMS_32S_float2int => |c, w| to_int::<Single, 32, false>(c, w, Rounding::NegInf),
        FCVTMU_32S_float2int => |c, w| to_int::<Single, 32, true>(c, w, Rounding::NegInf),
        FCVTZS_32S_float2int => |c, w| to_int::<Single, 32, false>(c, w, Rounding::Zero),
        FCVTZU_32S_float2int => |c, w| to_int::<Single, 32, true>(c, w, Rounding::Zero),
        FCVTAS_32S_float2int => |c, w| to_int::<Single, 32, false>(c, w, Rounding::TieAway),
        FCVTAU_32S_float2int => |c, w| to_int::<Single, 32, true>(c, w, Rounding::TieAway),
        SCVTF_S32_float2int => from_int::<Single, 32, false>,
        UCVTF_S32_float2int => from_int::<Single, 32, true>,
        FCVTNS_32D_float2int => |c, w| to_int::<Double, 32, false>(c, w, Rounding::TieEven),
        FCVTNU_32D_float2int => |c, w| to_int::<Double, 32, true>(c, w, Rounding::TieEven),
        FCVTPS_32D_float2int => |c, w| to_int::<Double, 32, false>(c, w, Rounding::PosInf),
        FCVTPU_32D_float2int => |c, w| to_int::<Double, 32, true>(c, w, Rounding::PosInf),
        FCVTMS_32D_float2int => |c, w| to_int::<Double, 32, false>(c, w, Rounding::NegInf),
        FCVTMU_32D_float2int => |c, w| to_int::<Double, 32, true>(c, w, Rounding::NegInf),
        FCVTZS_32D_float2int => |c, w| to_int::<Double, 32, false>(c, w, Rounding::Zero),
        FCVTZU_32D_float2int => |c, w| to_int::<Double, 32, true>(c, w, Rounding::Zero),
        FCVTAS_32D_float2int => |c, w| to_int::<Double, 32, false>(c, w, Rounding::TieAway),
        FCVTAU_32D_float2int => |c, w| to_int::<Double, 32, true>(c, w, Rounding::TieAway),
        SCVTF_D32_float2int => from_int::<Double, 32, false>,
        UCVTF_D32_float2int => from_int::<Double, 32, true>,
        FCVTNS_32H_float2int => |c, w| to_int::<Half, 32, false>(c, w, Rounding::TieEven),
        FCVTNU_32H_float2int => |c, w| to_int::<Half, 32, true>(c, w, Rounding::TieEven),
        FCVTPS_32H_float2int => |c, w| to_int::<Half, 32, false>(c, w, Rounding::PosInf),
        FCVTPU_32H_float2int => |c, w| to_int::<Half, 32, true>(c, w, Rounding::PosInf),
        FCVTMS_32H_float2int => |c, w| to_int::<Half, 32, false>(c, w, Rounding::NegInf),
        FCVTMU_32H_float2int => |c, w| to_int::<Half, 32, true>(c, w, Rounding::NegInf),
        FCVTZS_32H_float2int => |c, w| to_int::<Half, 32, false>(c, w, Rounding::Zero),
        FCVTZU_32H_float2int => |c, w| to_int::<Half, 32, true>(c, w, Rounding::Zero),
        FCVTAS_32H_float2int => |c, w| to_int::<Half, 32, false>(c, w, Rounding::TieAway),
        FCVTAU_32H_float2int => |c, w| to_int::<Half, 32, true>(c, w, Rounding::TieAway),
        SCVTF_H32_float2int => from_int::<Half, 32, false>,
        UCVTF_H32_float2int => from_int::<Half, 32, true>,
        FCVTNS_64S_float2int => |c, w| to_int::<Single, 64, false>(c, w, Rounding::TieEven),
        FCVTNU_64S_float2int => |c, w| to_int::<Single, 64, true>(c, w, Rounding::TieEven),
        FCVTPS_64S_float2int => |c, w| to_int::<Single, 64, false>(c, w, Rounding::PosInf),
        FCVTPU_64S_float2int => |c, w| to_int::<Single, 64, true>(c, w, Rounding::PosInf),
        FCVTMS_64S_float2int => |c, w| to_int::<Single, 64, false>(c, w, Rounding::NegInf),
        FCVTMU_64S_float2int => |c, w| to_int::<Single, 64, true>(c, w, Rounding::NegInf),
        FCVTZS_64S_float2int => |c, w| to_int::<Single, 64, false>(c, w, Rounding::Zero),
        FCVTZU_64S_float2int => |c, w| to_int::<Single, 64, true>(c, w, Rounding::Zero),
        FCVTAS_64S_float2int => |c, w| to_int::<Single, 64, false>(c, w, Rounding::TieAway),
        FCVTAU_64S_float2int => |c, w| to_int::<Single, 64, true>(c, w, Rounding::TieAway),
        SCVTF_S64_float2int => from_int::<Single, 64, false>,
        UCVTF_S64_float2int => from_int::<Single, 64, true>,
        FCVTNS_64D_float2int => |c, w| to_int::<Double, 64, false>(c, w, Rounding::TieEven),
        FCVTNU_64D_float2int => |c, w| to_int::<Double, 64, true>(c, w, Rounding::TieEven),
        FCVTPS_64D_float2int => |c, w| to_int::<Double, 64, false>(c, w, Rounding::PosInf),
        FCVTPU_64D_float2int => |c, w| to_int::<Double, 64, true>(c, w, Rounding::PosInf),
        FCVTMS_64D_float2int => |c, w| to_int::<Double, 64, false>(c, w, Rounding::NegInf),
        FCVTMU_64D_float2int => |c, w| to_int::<Double, 64, true>(c, w, Rounding::NegInf),
        FCVTZS_64D_float2int => |c, w| to_int::<Double, 64, false>(c, w, Rounding::Zero),
        FCVTZU_64D_float2int => |c, w| to_int::<Double, 64, true>(c, w, Rounding::Zero),
        FCVTAS_64D_float2int => |c, w| to_int::<Double, 64, false>(c, w, Rounding::TieAway),
        FCVTAU_64D_float2int => |c, w| to_int::<Double, 64, true>(c, w, Rounding::TieAway),
        SCVTF_D64_float2int => from_int::<Double, 64, false>,
        UCVTF_D64_float2int => from_int::<Double, 64, true>,
        FCVTNS_64H_float2int => |c, w| to_int::<Half, 64, false>(c, w, Rounding::TieEven),
        FCVTNU_64H_float2int => |c, w| to_int::<Half, 64, true>(c, w, Rounding::TieEven),
        FCVTPS_64H_float2int => |c, w| to_int::<Half, 64, false>(c, w, Rounding::PosInf),
        FCVTPU_64H_float2int => |c, w| to_int::<Half, 64, true>(c, w, Rounding::PosInf),
        FCVTMS_64H_float2int => |c, w| to_int::<Half, 64, false>(c, w, Rounding::NegInf),
        FCVTMU_64H_float2int => |c, w| to_int::<Half, 64, true>(c, w, Rounding::NegInf),
        FCVTZS_64H_float2int => |c, w| to_int::<Half, 64, false>(c, w, Rounding::Zero),
        FCVTZU_64H_float2int => |c, w| to_int::<Half, 64, true>(c, w, Rounding::Zero),
        FCVTAS_64H_float2int => |c, w| to_int::<Half, 64, false>(c, w, Rounding::TieAway),
        FCVTAU_64H_float2int => |c, w| to_int::<Half, 64, true>(c, w, Rounding::TieAway),
        SCVTF_H64_float2int => from_int::<Half, 64, false>,
        UCVTF_H64_float2int => from_int::<Half, 64, true>,
        FMOV_32S_float2int => mov_to_general::<32, 0>,
        FMOV_64D_float2int => mov_to_general::<64, 0>,
        FMOV_32H_float2int | FMOV_64H_float2int => mov_to_general::<16, 0>,
        FMOV_64VX_float2int => mov_to_general::<64, 64>,
        FMOV_S32_float2int => mov_from_general::<32>,
        FMOV_D64_float2int => mov_from_general::<64>,
        FMOV_H32_float2int | FMOV_H64_float2int => mov_from_general::<16>,
        FMOV_V64I_float2int => mov_to_upper_half,
        FJCVTZS_32D_float2int => javascript,
        _ => return None,
    };
    Some(handler)
}

/// FCVT to an integer of `WIDTH` bits.
#[inline(always)]
fn to_int<F: Format, const WIDTH: u32, const UNSIGNED: bool>(
    cpu: &mut Vcpu,
    word: u32,
    rounding: Rounding,
) -> Exec {
    cpu.check_fp()?;
    let n = lane::<F>(cpu.v(rn(word)), 0);
    let result = with_env(cpu, |env| fp::to_fixed::<F>(n, 0, UNSIGNED, WIDTH, rounding, env));
    cpu.set_x(rd(word), result);
    Ok(Flow::Next)
}

/// SCVTF and UCVTF from an integer of `WIDTH` bits.
fn from_int<F: Format, const WIDTH: u32, const UNSIGNED: bool>(cpu: &mut Vcpu, word: u32) -> Exec {
    write(cpu, word, |cpu, env| u128::from(fp::from_fixed::<F>(cpu.x(rn(word)), 0, UNSIGNED, WIDTH, env)))
}

/// FMOV of `WIDTH` bits, starting at bit `FROM`, to a general register.
fn mov_to_general<const WIDTH: u32, const FROM: u32>(cpu: &mut Vcpu, word: u32) -> Exec {
    cpu.check_fp()?;
    let value = (cpu.v(rn(word)) >> FROM) as u64 & (u64::MAX >> (64 - WIDTH));
    cpu.set_x(rd(word), value);
    Ok(Flow::Next)
}

/// FMOV of `WIDTH` bits from a general register.
fn mov_from_general<const WIDTH: u32>(cpu: &mut Vcpu, word: u32) -> Exec {
    write(cpu, word, |cpu, _| u128::from(cpu.x(rn(word)) & (u64::MAX >> (64 - WIDTH))))
}

/// FMOV to `Vd.D[1]`, keeping the lower half.
fn mov_to_upper_half(cpu: &mut Vcpu, word: u32) -> Exec {
    write(cpu, word, |cpu, _| u128::from(cpu.x(rn(word))) << 64 | u128::from(cpu.v(rd(word)) as u64))
}

/// FJCVTZS.
fn javascript(cpu: &mut Vcpu, word: u32) -> Exec {
    cpu.check_fp()?;
    let n = cpu.v(rn(word)) as u64;
    let (result, exact) = with_env(cpu, |env| fp::to_int32_javascript(n, env));
    cpu.set_w(rd(word), result);
    cpu.state.nzcv.set(u32::from(exact) << 30);
    Ok(Flow::Next)
}
