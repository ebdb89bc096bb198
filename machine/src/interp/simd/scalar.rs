//! Scalar forms, integer: `asisdsame`, `asisdsame2`, `asisddiff`, `asisdelem`, `asisdmisc`, `asisdpair`.
//!
//! They do what the vector forms do and keep lane 0: they are too rare to have loops of their own.

use super::asimddiff::long_by_size;
use super::asimdelem::indexed;
use super::asimdmisc::clamp_by_size;
use super::asimdsame::by_size;
use super::fields::{finish_scalar, low, rd, rm, rn, set_qc, size, sizes, splat, v};
use super::loops::Out;
use super::ops::*;
use crate::cpu::Vcpu;
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

const S: bool = true;
const U: bool = false;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding as E;
    use sizes::{ALL, HS};
    Some(match e {
        E::SQADD_asisdsame_only => same::<SaturatingAdd, S, ALL>,
        E::UQADD_asisdsame_only => same::<SaturatingAdd, U, ALL>,
        E::SQSUB_asisdsame_only => same::<SaturatingSub, S, ALL>,
        E::UQSUB_asisdsame_only => same::<SaturatingSub, U, ALL>,
        E::CMGT_asisdsame_only => same::<Greater, S, ALL>,
        E::CMHI_asisdsame_only => same::<Greater, U, ALL>,
        E::CMGE_asisdsame_only => same::<GreaterEqual, S, ALL>,
        E::CMHS_asisdsame_only => same::<GreaterEqual, U, ALL>,
        E::CMEQ_asisdsame_only => same::<Equal, U, ALL>,
        E::CMTST_asisdsame_only => same::<Test, U, ALL>,
        E::SSHL_asisdsame_only => same::<ShiftBy, S, ALL>,
        E::USHL_asisdsame_only => same::<ShiftBy, U, ALL>,
        E::SRSHL_asisdsame_only => same::<RoundingShiftBy, S, ALL>,
        E::URSHL_asisdsame_only => same::<RoundingShiftBy, U, ALL>,
        E::SQSHL_asisdsame_only => same::<SaturatingShiftBy, S, ALL>,
        E::UQSHL_asisdsame_only => same::<SaturatingShiftBy, U, ALL>,
        E::SQRSHL_asisdsame_only => same::<SaturatingRoundingShiftBy, S, ALL>,
        E::UQRSHL_asisdsame_only => same::<SaturatingRoundingShiftBy, U, ALL>,
        E::ADD_asisdsame_only => same::<Add, U, ALL>,
        E::SUB_asisdsame_only => same::<Sub, U, ALL>,
        E::SQDMULH_asisdsame_only => same::<DoublingMulHigh, S, HS>,
        E::SQRDMULH_asisdsame_only => same::<RoundingDoublingMulHigh, S, HS>,
        E::SQRDMLAH_asisdsame2_only => same::<RoundingDoublingMulAddHigh, S, HS>,
        E::SQRDMLSH_asisdsame2_only => same::<RoundingDoublingMulSubHigh, S, HS>,

        E::SQDMULL_asisddiff_only => long::<DoublingMul>,
        E::SQDMLAL_asisddiff_only => long::<DoublingMulAdd>,
        E::SQDMLSL_asisddiff_only => long::<DoublingMulSub>,

        E::SQDMULL_asisdelem_L => long_element::<DoublingMul>,
        E::SQDMLAL_asisdelem_L => long_element::<DoublingMulAdd>,
        E::SQDMLSL_asisdelem_L => long_element::<DoublingMulSub>,
        E::SQDMULH_asisdelem_R => same_element::<DoublingMulHigh>,
        E::SQRDMULH_asisdelem_R => same_element::<RoundingDoublingMulHigh>,
        E::SQRDMLAH_asisdelem_R => same_element::<RoundingDoublingMulAddHigh>,
        E::SQRDMLSH_asisdelem_R => same_element::<RoundingDoublingMulSubHigh>,

        E::SUQADD_asisdmisc_R => unary::<AddOtherSign, S>,
        E::USQADD_asisdmisc_R => unary::<AddOtherSign, U>,
        E::SQABS_asisdmisc_R => unary::<SaturatingAbs, S>,
        E::SQNEG_asisdmisc_R => unary::<SaturatingNegate, S>,
        E::ABS_asisdmisc_R => unary::<Abs, S>,
        E::NEG_asisdmisc_R => unary::<Negate, U>,
        E::CMGT_asisdmisc_Z => unary::<Greater, S>,
        E::CMGE_asisdmisc_Z => unary::<GreaterEqual, S>,
        E::CMEQ_asisdmisc_Z => unary::<Equal, U>,
        E::CMLE_asisdmisc_Z => unary::<LessEqual, S>,
        E::CMLT_asisdmisc_Z => unary::<Less, S>,
        E::SQXTN_asisdmisc_N => narrowing::<ClampToHalf, S>,
        E::UQXTN_asisdmisc_N => narrowing::<ClampToHalf, U>,
        E::SQXTUN_asisdmisc_N => narrowing::<ClampToUnsignedHalf, S>,

        E::ADDP_asisdpair_only => addp,
        _ => return None,
    })
}

fn same<O: Lanewise, const SIGNED: bool, const SIZES: u8>(cpu: &mut Vcpu, w: u32) -> Exec {
    if SIZES >> size(w) & 1 == 0 {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let mut out = Out::default();
    by_size::<O, SIGNED>(&mut out, size(w), v(cpu, rn(w)), v(cpu, rm(w)), v(cpu, rd(w)));
    finish_scalar(cpu, w, &out, 8 << size(w))
}

fn unary<O: Lanewise, const SIGNED: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    cpu.check_fp()?;
    let mut out = Out::default();
    by_size::<O, SIGNED>(&mut out, size(w), v(cpu, rn(w)), &0, v(cpu, rd(w)));
    finish_scalar(cpu, w, &out, 8 << size(w))
}

fn long<O: Lanewise>(cpu: &mut Vcpu, w: u32) -> Exec {
    if sizes::HS >> size(w) & 1 == 0 {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let mut out = Out::default();
    long_by_size::<O, S>(&mut out, size(w), v(cpu, rn(w)), v(cpu, rm(w)), v(cpu, rd(w)), false);
    finish_scalar(cpu, w, &out, 16 << size(w))
}

fn long_element<O: Lanewise>(cpu: &mut Vcpu, w: u32) -> Exec {
    let Some(element) = indexed(cpu, w) else { return Err(cpu.undefined()) };
    cpu.check_fp()?;
    let m = splat(element, size(w));
    let mut out = Out::default();
    long_by_size::<O, S>(&mut out, size(w), v(cpu, rn(w)), &m, v(cpu, rd(w)), false);
    finish_scalar(cpu, w, &out, 16 << size(w))
}

fn same_element<O: Lanewise>(cpu: &mut Vcpu, w: u32) -> Exec {
    let Some(element) = indexed(cpu, w) else { return Err(cpu.undefined()) };
    cpu.check_fp()?;
    let m = splat(element, size(w));
    let mut out = Out::default();
    by_size::<O, S>(&mut out, size(w), v(cpu, rn(w)), &m, v(cpu, rd(w)));
    finish_scalar(cpu, w, &out, 8 << size(w))
}

fn narrowing<O: Lanewise, const SIGNED: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    if size(w) == 3 {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let out = clamp_by_size::<O, SIGNED>(size(w), v(cpu, rn(w)));
    if out.saturated & low(16 << size(w)) != 0 {
        set_qc(cpu);
    }
    cpu.set_v(rd(w), out.value & low(8 << size(w)));
    Ok(Flow::Next)
}

fn addp(cpu: &mut Vcpu, w: u32) -> Exec {
    cpu.check_fp()?;
    let n = cpu.v(rn(w));
    let r = (n as u64).wrapping_add((n >> 64) as u64);
    cpu.set_v(rd(w), r.into());
    Ok(Flow::Next)
}
