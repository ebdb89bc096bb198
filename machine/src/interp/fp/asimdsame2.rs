//! AdvSIMD three-register extension: complex arithmetic and BFloat16 products.

use super::lanes::{at, build, lane, q, write};
use crate::cpu::Vcpu;
use crate::fp::{self, Bfloat16, Double, Format, Half, Single};
use crate::interp::operand::{bits, rd, rm, rn};
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;
use droste_arch::feature::Feature;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    match e {
        Encoding::FCMLA_asimdsame2_C => Some(complex_multiply),
        Encoding::FCADD_asimdsame2_C => Some(complex_add),
        Encoding::BFDOT_asimdsame2_D => Some(bfloat16_dot),
        Encoding::BFMMLA_asimdsame2_E => Some(bfloat16_matrix),
        Encoding::BFMLAL_asimdsame2_F_ => Some(bfloat16_widening),
        _ => None,
    }
}

/// FCMLA: a rotation of the second operand by a multiple of 90 degrees.
fn complex_multiply(cpu: &mut Vcpu, word: u32) -> Exec {
    let rotation = bits::<11, 2>(word);
    match bits::<22, 2>(word) {
        1 if cpu.has(Feature::FEAT_FP16) => {
            multiply_pairs::<Half>(cpu, word, rotation, |cpu, i| cpu.v(rm(word)) >> (32 * i))
        }
        2 => multiply_pairs::<Single>(cpu, word, rotation, |cpu, i| cpu.v(rm(word)) >> (64 * i)),
        3 if q(word) => multiply_pairs::<Double>(cpu, word, rotation, |cpu, _| cpu.v(rm(word))),
        _ => Err(cpu.undefined()),
    }
}

/// Accumulates one half of a complex product per pair of lanes; `pair_of` gives the second operand's pair in
/// its lowest two lanes.
#[inline(always)]
pub(super) fn multiply_pairs<F: Format>(
    cpu: &mut Vcpu,
    word: u32,
    rotation: u32,
    pair_of: impl Fn(&Vcpu, u32) -> u128,
) -> Exec {
    write(cpu, word, |cpu, env| {
        let (d, n) = (cpu.v(rd(word)), cpu.v(rn(word)));
        let pair_count = if q(word) { 64 } else { 32 } / F::BITS;
        let mut result = 0;
        for i in 0..pair_count {
            let m = pair_of(cpu, i);
            let (real, imaginary) = (lane::<F>(m, 0), lane::<F>(m, 1));
            // The part of Rn that multiplies, and what it multiplies for the real and the imaginary lane.
            let (part, for_real, for_imaginary) = match rotation {
                0 => (2 * i, real, imaginary),
                1 => (2 * i + 1, fp::neg::<F>(imaginary), real),
                2 => (2 * i, fp::neg::<F>(real), fp::neg::<F>(imaginary)),
                _ => (2 * i + 1, imaginary, fp::neg::<F>(real)),
            };
            let n = lane::<F>(n, part);
            let real = fp::mul_add::<F>(lane::<F>(d, 2 * i), n, for_real, env);
            let imaginary = fp::mul_add::<F>(lane::<F>(d, 2 * i + 1), n, for_imaginary, env);
            result |= at::<F>(real, 2 * i) | at::<F>(imaginary, 2 * i + 1);
        }
        result
    })
}

/// FCADD: adds the second operand rotated by 90 or 270 degrees.
fn complex_add(cpu: &mut Vcpu, word: u32) -> Exec {
    match bits::<22, 2>(word) {
        1 if cpu.has(Feature::FEAT_FP16) => add_pairs::<Half>(cpu, word),
        2 => add_pairs::<Single>(cpu, word),
        3 if q(word) => add_pairs::<Double>(cpu, word),
        _ => Err(cpu.undefined()),
    }
}

#[inline(always)]
fn add_pairs<F: Format>(cpu: &mut Vcpu, word: u32) -> Exec {
    write(cpu, word, |cpu, env| {
        let (n, m) = (cpu.v(rn(word)), cpu.v(rm(word)));
        let rotate_by_270 = bits::<12, 1>(word) != 0;
        let pair_count = if q(word) { 64 } else { 32 } / F::BITS;
        let mut result = 0;
        for i in 0..pair_count {
            let (real, imaginary) = (lane::<F>(m, 2 * i), lane::<F>(m, 2 * i + 1));
            let (for_real, for_imaginary) =
                if rotate_by_270 { (imaginary, fp::neg::<F>(real)) } else { (fp::neg::<F>(imaginary), real) };
            let real = fp::add::<F>(lane::<F>(n, 2 * i), for_real, env);
            let imaginary = fp::add::<F>(lane::<F>(n, 2 * i + 1), for_imaginary, env);
            result |= at::<F>(real, 2 * i) | at::<F>(imaginary, 2 * i + 1);
        }
        result
    })
}

/// Two neighbouring BFloat16 lanes.
#[inline(always)]
pub(super) fn bfloat16_pair(value: u128, pair: u32) -> [u64; 2] {
    [lane::<Bfloat16>(value, 2 * pair), lane::<Bfloat16>(value, 2 * pair + 1)]
}

/// BFDOT: a dot product of pairs in each single-precision lane.
fn bfloat16_dot(cpu: &mut Vcpu, word: u32) -> Exec {
    write(cpu, word, |cpu, _| {
        let (d, n, m) = (cpu.v(rd(word)), cpu.v(rn(word)), cpu.v(rm(word)));
        build::<Single>(q(word), |i| {
            fp::dot_add_bfloat16(lane::<Single>(d, i), bfloat16_pair(n, i), bfloat16_pair(m, i))
        })
    })
}

/// BFMMLA: adds the product of a 2x4 and a 4x2 matrix, the latter stored by columns, to a 2x2 matrix.
fn bfloat16_matrix(cpu: &mut Vcpu, word: u32) -> Exec {
    write(cpu, word, |cpu, _| {
        let (d, n, m) = (cpu.v(rd(word)), cpu.v(rn(word)), cpu.v(rm(word)));
        build::<Single>(true, |i| {
            let (row, column) = (i / 2, i % 2);
            (0..2).fold(lane::<Single>(d, i), |sum, k| {
                fp::dot_add_bfloat16(sum, bfloat16_pair(n, 2 * row + k), bfloat16_pair(m, 2 * column + k))
            })
        })
    })
}

/// BFMLALB and (`Q`) BFMLALT: products of the even or odd lanes.
fn bfloat16_widening(cpu: &mut Vcpu, word: u32) -> Exec {
    write(cpu, word, |cpu, env| {
        let (d, n, m) = (cpu.v(rd(word)), cpu.v(rn(word)), cpu.v(rm(word)));
        let odd = u32::from(q(word));
        build::<Single>(true, |i| {
            let [n, m] = [n, m].map(|v| lane::<Bfloat16>(v, 2 * i + odd));
            fp::mul_add_bfloat16(lane::<Single>(d, i), n, m, env)
        })
    })
}
