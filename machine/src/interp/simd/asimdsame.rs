//! Advanced SIMD three same, integer: `asimdsame`.

use super::fields::{self, finish, q, rd, rm, rn, set_vector, size, sizes, v};
use super::lanes::{lanes, lanes_mut};
use super::loops::{Out, map, map_pairs};
use super::ops::*;
use crate::cpu::Vcpu;
use crate::crypto::polynomial;
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;

const S: bool = true;
const U: bool = false;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding as E;
    use sizes::{ALL, BHS, HS};
    Some(match e {
        E::SHADD_asimdsame_only => same::<HalvingAdd, S, BHS>,
        E::UHADD_asimdsame_only => same::<HalvingAdd, U, BHS>,
        E::SRHADD_asimdsame_only => same::<RoundingHalvingAdd, S, BHS>,
        E::URHADD_asimdsame_only => same::<RoundingHalvingAdd, U, BHS>,
        E::SHSUB_asimdsame_only => same::<HalvingSub, S, BHS>,
        E::UHSUB_asimdsame_only => same::<HalvingSub, U, BHS>,
        E::SQADD_asimdsame_only => same::<SaturatingAdd, S, ALL>,
        E::UQADD_asimdsame_only => same::<SaturatingAdd, U, ALL>,
        E::SQSUB_asimdsame_only => same::<SaturatingSub, S, ALL>,
        E::UQSUB_asimdsame_only => same::<SaturatingSub, U, ALL>,
        E::CMGT_asimdsame_only => same::<Greater, S, ALL>,
        E::CMHI_asimdsame_only => same::<Greater, U, ALL>,
        E::CMGE_asimdsame_only => same::<GreaterEqual, S, ALL>,
        E::CMHS_asimdsame_only => same::<GreaterEqual, U, ALL>,
        E::CMEQ_asimdsame_only => same::<Equal, U, ALL>,
        E::CMTST_asimdsame_only => same::<Test, U, ALL>,
        E::SSHL_asimdsame_only => same::<ShiftBy, S, ALL>,
        E::USHL_asimdsame_only => same::<ShiftBy, U, ALL>,
        E::SRSHL_asimdsame_only => same::<RoundingShiftBy, S, ALL>,
        E::URSHL_asimdsame_only => same::<RoundingShiftBy, U, ALL>,
        E::SQSHL_asimdsame_only => same::<SaturatingShiftBy, S, ALL>,
        E::UQSHL_asimdsame_only => same::<SaturatingShiftBy, U, ALL>,
        E::SQRSHL_asimdsame_only => same::<SaturatingRoundingShiftBy, S, ALL>,
        E::UQRSHL_asimdsame_only => same::<SaturatingRoundingShiftBy, U, ALL>,
        E::SMAX_asimdsame_only => same::<Max, S, BHS>,
        E::UMAX_asimdsame_only => same::<Max, U, BHS>,
        E::SMIN_asimdsame_only => same::<Min, S, BHS>,
        E::UMIN_asimdsame_only => same::<Min, U, BHS>,
        E::SABD_asimdsame_only => same::<AbsDiff, S, BHS>,
        E::UABD_asimdsame_only => same::<AbsDiff, U, BHS>,
        E::SABA_asimdsame_only => same::<AbsDiffAdd, S, BHS>,
        E::UABA_asimdsame_only => same::<AbsDiffAdd, U, BHS>,
        E::ADD_asimdsame_only => same::<Add, U, ALL>,
        E::SUB_asimdsame_only => same::<Sub, U, ALL>,
        E::MUL_asimdsame_only => same::<Mul, U, BHS>,
        E::MLA_asimdsame_only => same::<MulAdd, U, BHS>,
        E::MLS_asimdsame_only => same::<MulSub, U, BHS>,
        E::SQDMULH_asimdsame_only => same::<DoublingMulHigh, S, HS>,
        E::SQRDMULH_asimdsame_only => same::<RoundingDoublingMulHigh, S, HS>,
        E::PMUL_asimdsame_only => pmul,
        E::ADDP_asimdsame_only => pairwise::<Add, U, ALL>,
        E::SMAXP_asimdsame_only => pairwise::<Max, S, BHS>,
        E::UMAXP_asimdsame_only => pairwise::<Max, U, BHS>,
        E::SMINP_asimdsame_only => pairwise::<Min, S, BHS>,
        E::UMINP_asimdsame_only => pairwise::<Min, U, BHS>,
        E::AND_asimdsame_only => |cpu, w| logical(cpu, w, |n, m, _| n & m),
        E::BIC_asimdsame_only => |cpu, w| logical(cpu, w, |n, m, _| n & !m),
        E::ORR_asimdsame_only => |cpu, w| logical(cpu, w, |n, m, _| n | m),
        E::ORN_asimdsame_only => |cpu, w| logical(cpu, w, |n, m, _| n | !m),
        E::EOR_asimdsame_only => |cpu, w| logical(cpu, w, |n, m, _| n ^ m),
        E::BSL_asimdsame_only => |cpu, w| logical(cpu, w, |n, m, d| (n & d) | (m & !d)),
        E::BIT_asimdsame_only => |cpu, w| logical(cpu, w, |n, m, d| (n & m) | (d & !m)),
        E::BIF_asimdsame_only => |cpu, w| logical(cpu, w, |n, m, d| (n & !m) | (d & m)),
        _ => return None,
    })
}

/// Applies `O` to lanes of `8 << size` bits.
#[inline(always)]
pub(super) fn by_size<O: Lanewise, const SIGNED: bool>(
    out: &mut Out,
    size: u32,
    n: &u128,
    m: &u128,
    d: &u128,
) {
    match (SIGNED, size & 3) {
        (false, 0) => map::<O, u8>(out, n, m, d),
        (false, 1) => map::<O, u16>(out, n, m, d),
        (false, 2) => map::<O, u32>(out, n, m, d),
        (false, _) => map::<O, u64>(out, n, m, d),
        (true, 0) => map::<O, i8>(out, n, m, d),
        (true, 1) => map::<O, i16>(out, n, m, d),
        (true, 2) => map::<O, i32>(out, n, m, d),
        (true, _) => map::<O, i64>(out, n, m, d),
    }
}

pub(super) fn same<O: Lanewise, const SIGNED: bool, const SIZES: u8>(cpu: &mut Vcpu, w: u32) -> Exec {
    if is_reserved(w, SIZES) {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let mut out = Out::default();
    by_size::<O, SIGNED>(&mut out, size(w), v(cpu, rn(w)), v(cpu, rm(w)), v(cpu, rd(w)));
    finish(cpu, w, &out)
}

/// Whether the lane size is not one of `sizes`, or a doubleword in a short vector.
#[inline(always)]
pub(super) fn is_reserved(w: u32, sizes: u8) -> bool {
    sizes >> size(w) & 1 == 0 || (size(w) == 3 && !q(w))
}

fn pairwise<O: Lanewise, const SIGNED: bool, const SIZES: u8>(cpu: &mut Vcpu, w: u32) -> Exec {
    if is_reserved(w, SIZES) {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let (mut n, mut m) = (cpu.v(rn(w)), cpu.v(rm(w)));
    if !q(w) {
        // The pairs of a short vector are those of the two lower halves, one after the other.
        n = n & fields::low(64) | m << 64;
        m = 0;
    }
    let mut out = Out::default();
    match (SIGNED, size(w)) {
        (false, 0) => map_pairs::<O, u8>(&mut out, &n, &m),
        (false, 1) => map_pairs::<O, u16>(&mut out, &n, &m),
        (false, 2) => map_pairs::<O, u32>(&mut out, &n, &m),
        (true, 0) => map_pairs::<O, i8>(&mut out, &n, &m),
        (true, 1) => map_pairs::<O, i16>(&mut out, &n, &m),
        (true, 2) => map_pairs::<O, i32>(&mut out, &n, &m),
        // Doublewords: ADDP alone.
        _ => {
            let pair = |v: u128| (v as u64).wrapping_add((v >> 64) as u64);
            out.value = u128::from(pair(m)) << 64 | u128::from(pair(n));
        }
    }
    set_vector(cpu, w, out.value)
}

#[inline(always)]
fn logical(cpu: &mut Vcpu, w: u32, f: impl Fn(u128, u128, u128) -> u128) -> Exec {
    cpu.check_fp()?;
    let r = f(cpu.v(rn(w)), cpu.v(rm(w)), cpu.v(rd(w)));
    set_vector(cpu, w, r)
}

fn pmul(cpu: &mut Vcpu, w: u32) -> Exec {
    if is_reserved(w, sizes::B) {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let mut r = 0;
    for (i, byte) in lanes_mut::<u8>(&mut r).iter_mut().enumerate() {
        *byte = polynomial::multiply8(lanes(v(cpu, rn(w)))[i], lanes(v(cpu, rm(w)))[i]) as u8;
    }
    set_vector(cpu, w, r)
}
