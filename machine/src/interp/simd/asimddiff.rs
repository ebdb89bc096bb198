//! Advanced SIMD three different: `asimddiff` (long, wide and narrowing forms).

use super::fields::{finish_full, q, rd, rm, rn, set_half, size, sizes, v};
use super::lanes::{lanes, lanes_mut};
use super::loops::{Out, high_narrow, map_long, map_wide};
use super::ops::*;
use crate::cpu::Vcpu;
use crate::crypto::polynomial;
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;
use droste_arch::feature::Feature;

const S: bool = true;
const U: bool = false;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding as E;
    use sizes::{BHS, HS};
    Some(match e {
        E::SADDL_asimddiff_L => long::<Add, S, BHS>,
        E::UADDL_asimddiff_L => long::<Add, U, BHS>,
        E::SADDW_asimddiff_W => wide::<Add, S>,
        E::UADDW_asimddiff_W => wide::<Add, U>,
        E::SSUBL_asimddiff_L => long::<Sub, S, BHS>,
        E::USUBL_asimddiff_L => long::<Sub, U, BHS>,
        E::SSUBW_asimddiff_W => wide::<Sub, S>,
        E::USUBW_asimddiff_W => wide::<Sub, U>,
        E::ADDHN_asimddiff_N => high_half::<Add, false>,
        E::RADDHN_asimddiff_N => high_half::<Add, true>,
        E::SUBHN_asimddiff_N => high_half::<Sub, false>,
        E::RSUBHN_asimddiff_N => high_half::<Sub, true>,
        E::SABAL_asimddiff_L => long::<AbsDiffAdd, S, BHS>,
        E::UABAL_asimddiff_L => long::<AbsDiffAdd, U, BHS>,
        E::SABDL_asimddiff_L => long::<AbsDiff, S, BHS>,
        E::UABDL_asimddiff_L => long::<AbsDiff, U, BHS>,
        E::SMLAL_asimddiff_L => long::<MulAdd, S, BHS>,
        E::UMLAL_asimddiff_L => long::<MulAdd, U, BHS>,
        E::SMLSL_asimddiff_L => long::<MulSub, S, BHS>,
        E::UMLSL_asimddiff_L => long::<MulSub, U, BHS>,
        E::SMULL_asimddiff_L => long::<Mul, S, BHS>,
        E::UMULL_asimddiff_L => long::<Mul, U, BHS>,
        E::SQDMULL_asimddiff_L => long::<DoublingMul, S, HS>,
        E::SQDMLAL_asimddiff_L => long::<DoublingMulAdd, S, HS>,
        E::SQDMLSL_asimddiff_L => long::<DoublingMulSub, S, HS>,
        E::PMULL_asimddiff_L => pmull,
        _ => return None,
    })
}

/// Applies `O` to one half of `n` and `m`, widened from lanes of `8 << size` bits.
#[inline(always)]
pub(super) fn long_by_size<O: Lanewise, const SIGNED: bool>(
    out: &mut Out,
    size: u32,
    n: &u128,
    m: &u128,
    d: &u128,
    upper: bool,
) {
    match (SIGNED, size) {
        (false, 0) => map_long::<O, u8>(out, n, m, d, upper),
        (false, 1) => map_long::<O, u16>(out, n, m, d, upper),
        (false, _) => map_long::<O, u32>(out, n, m, d, upper),
        (true, 0) => map_long::<O, i8>(out, n, m, d, upper),
        (true, 1) => map_long::<O, i16>(out, n, m, d, upper),
        (true, _) => map_long::<O, i32>(out, n, m, d, upper),
    }
}

fn long<O: Lanewise, const SIGNED: bool, const SIZES: u8>(cpu: &mut Vcpu, w: u32) -> Exec {
    if SIZES >> size(w) & 1 == 0 {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let mut out = Out::default();
    long_by_size::<O, SIGNED>(&mut out, size(w), v(cpu, rn(w)), v(cpu, rm(w)), v(cpu, rd(w)), q(w));
    finish_full(cpu, w, &out)
}

fn wide<O: Lanewise, const SIGNED: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    if size(w) == 3 {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let mut out = Out::default();
    let (n, m, upper) = (v(cpu, rn(w)), v(cpu, rm(w)), q(w));
    match (SIGNED, size(w)) {
        (false, 0) => map_wide::<O, u8>(&mut out, n, m, upper),
        (false, 1) => map_wide::<O, u16>(&mut out, n, m, upper),
        (false, _) => map_wide::<O, u32>(&mut out, n, m, upper),
        (true, 0) => map_wide::<O, i8>(&mut out, n, m, upper),
        (true, 1) => map_wide::<O, i16>(&mut out, n, m, upper),
        (true, _) => map_wide::<O, i32>(&mut out, n, m, upper),
    }
    finish_full(cpu, w, &out)
}

fn high_half<O: Lanewise, const ROUND: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    if size(w) == 3 {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let (n, m) = (v(cpu, rn(w)), v(cpu, rm(w)));
    let mut out = Out::default();
    match size(w) {
        0 => high_narrow::<O, u8>(&mut out, n, m, ROUND),
        1 => high_narrow::<O, u16>(&mut out, n, m, ROUND),
        _ => high_narrow::<O, u32>(&mut out, n, m, ROUND),
    }
    set_half(cpu, w, out.value as u64)
}

fn pmull(cpu: &mut Vcpu, w: u32) -> Exec {
    match size(w) {
        0 => {}
        3 if cpu.has(Feature::FEAT_PMULL) => {}
        _ => return Err(cpu.undefined()),
    }
    cpu.check_fp()?;
    let (n, m) = (v(cpu, rn(w)), v(cpu, rm(w)));
    let mut r = 0;
    if size(w) == 3 {
        let index = usize::from(q(w));
        r = polynomial::multiply64(lanes(n)[index], lanes(m)[index]);
    } else {
        let first = if q(w) { 8 } else { 0 };
        for (i, product) in lanes_mut::<u16>(&mut r).iter_mut().enumerate() {
            *product = polynomial::multiply8(lanes(n)[first + i], lanes(m)[first + i]);
        }
    }
    cpu.set_v(rd(w), r);
    Ok(Flow::Next)
}
