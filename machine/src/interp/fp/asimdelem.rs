//! AdvSIMD vector by indexed element.

use super::asimdsame2::{bfloat16_pair, multiply_pairs};
use super::lanes::{build, element, lane, on, q, write};
use super::ops;
use crate::cpu::Vcpu;
use crate::fp::{self, Bfloat16, Half, Single};
use crate::interp::operand::{bits, rd, rn};
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;
use droste_arch::feature::Feature;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FMLA_asimdelem_RH_H => on!(indexed3::<Half, false>, ops::mla),
        FMLA_asimdelem_R_SD => on!(by_size indexed3::<false>, ops::mla),
        FMLS_asimdelem_RH_H => on!(indexed3::<Half, false>, ops::mls),
        FMLS_asimdelem_R_SD => on!(by_size indexed3::<false>, ops::mls),
        FMUL_asimdelem_RH_H => on!(indexed2::<Half, false>, fp::mul),
        FMUL_asimdelem_R_SD => on!(by_size indexed2::<false>, fp::mul),
        FMULX_asimdelem_RH_H => on!(indexed2::<Half, false>, fp::mulx),
        FMULX_asimdelem_R_SD => on!(by_size indexed2::<false>, fp::mulx),
        FMLAL_asimdelem_LH => widening::<false, false>,
        FMLSL_asimdelem_LH => widening::<true, false>,
        FMLAL2_asimdelem_LH => widening::<false, true>,
        FMLSL2_asimdelem_LH => widening::<true, true>,
        FCMLA_advsimd_elt => complex_multiply,
        BFDOT_asimdelem_E => bfloat16_dot,
        BFMLAL_asimdelem_F => bfloat16_widening,
        _ => return None,
    };
    Some(handler)
}

/// FMLAL, FMLSL and, on the upper half of `Rn`, FMLAL2, FMLSL2, by element.
fn widening<const SUBTRACT: bool, const UPPER: bool>(cpu: &mut Vcpu, word: u32) -> Exec {
    let Some((register, index)) = element::<Half>(word) else {
        return Err(cpu.undefined());
    };
    write(cpu, word, |cpu, env| {
        let (d, n, m) = (cpu.v(rd(word)), cpu.v(rn(word)), lane::<Half>(cpu.v(register), index));
        let lane_count = if q(word) { 4 } else { 2 };
        let from = if UPPER { lane_count } else { 0 };
        build::<Single>(q(word), |i| {
            let n = lane::<Half>(n, from + i);
            let n = if SUBTRACT { fp::neg::<Half>(n) } else { n };
            fp::mul_add_half(lane::<Single>(d, i), n, m, env)
        })
    })
}

/// FCMLA by element: the element is a pair.
fn complex_multiply(cpu: &mut Vcpu, word: u32) -> Exec {
    let (l, h) = (bits::<21, 1>(word), bits::<11, 1>(word));
    let register = bits::<16, 5>(word);
    let rotation = bits::<13, 2>(word);
    match bits::<22, 2>(word) {
        1 if cpu.has(Feature::FEAT_FP16) && (q(word) || h == 0) => {
            let pair = h << 1 | l;
            multiply_pairs::<Half>(cpu, word, rotation, |cpu, _| cpu.v(register) >> (32 * pair))
        }
        2 if q(word) && l == 0 => {
            multiply_pairs::<Single>(cpu, word, rotation, |cpu, _| cpu.v(register) >> (64 * h))
        }
        _ => Err(cpu.undefined()),
    }
}

/// BFDOT by element: the element is a pair.
fn bfloat16_dot(cpu: &mut Vcpu, word: u32) -> Exec {
    let Some((register, index)) = element::<Single>(word) else {
        return Err(cpu.undefined());
    };
    write(cpu, word, |cpu, _| {
        let (d, n, m) = (cpu.v(rd(word)), cpu.v(rn(word)), bfloat16_pair(cpu.v(register), index));
        build::<Single>(q(word), |i| fp::dot_add_bfloat16(lane::<Single>(d, i), bfloat16_pair(n, i), m))
    })
}

/// BFMLALB and (`Q`) BFMLALT by element: products of the even or odd lanes.
fn bfloat16_widening(cpu: &mut Vcpu, word: u32) -> Exec {
    let Some((register, index)) = element::<Bfloat16>(word) else {
        return Err(cpu.undefined());
    };
    write(cpu, word, |cpu, env| {
        let (d, n, m) = (cpu.v(rd(word)), cpu.v(rn(word)), lane::<Bfloat16>(cpu.v(register), index));
        let odd = u32::from(q(word));
        build::<Single>(true, |i| {
            fp::mul_add_bfloat16(lane::<Single>(d, i), lane::<Bfloat16>(n, 2 * i + odd), m, env)
        })
    })
}
