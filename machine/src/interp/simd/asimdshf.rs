//! Advanced SIMD shift by immediate, integer: `asimdshf`, and its scalar forms, `asisdshf`.

use super::fields::{finish, finish_scalar, low, q, rd, rn, set_half, set_qc, v};
use super::loops::{Out, shift, shift_narrow, widen};
use super::ops::*;
use crate::cpu::Vcpu;
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

const S: bool = true;
const U: bool = false;
const RIGHT: bool = true;
const LEFT: bool = false;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding as E;
    Some(match e {
        E::SSHR_asimdshf_R => same::<ShiftRight, S, RIGHT>,
        E::USHR_asimdshf_R => same::<ShiftRight, U, RIGHT>,
        E::SSRA_asimdshf_R => same::<ShiftRightAdd, S, RIGHT>,
        E::USRA_asimdshf_R => same::<ShiftRightAdd, U, RIGHT>,
        E::SRSHR_asimdshf_R => same::<RoundingShiftRight, S, RIGHT>,
        E::URSHR_asimdshf_R => same::<RoundingShiftRight, U, RIGHT>,
        E::SRSRA_asimdshf_R => same::<RoundingShiftRightAdd, S, RIGHT>,
        E::URSRA_asimdshf_R => same::<RoundingShiftRightAdd, U, RIGHT>,
        E::SRI_asimdshf_R => same::<ShiftRightInsert, U, RIGHT>,
        E::SLI_asimdshf_R => same::<ShiftLeftInsert, U, LEFT>,
        E::SHL_asimdshf_R => same::<ShiftLeft, U, LEFT>,
        E::SQSHL_asimdshf_R => same::<SaturatingShiftLeft, S, LEFT>,
        E::UQSHL_asimdshf_R => same::<SaturatingShiftLeft, U, LEFT>,
        E::SQSHLU_asimdshf_R => same::<SaturatingShiftLeftUnsigned, S, LEFT>,
        E::SHRN_asimdshf_N => narrowing::<ShiftRight, First, U>,
        E::RSHRN_asimdshf_N => narrowing::<RoundingShiftRight, First, U>,
        E::SQSHRN_asimdshf_N => narrowing::<ShiftRight, ClampToHalf, S>,
        E::UQSHRN_asimdshf_N => narrowing::<ShiftRight, ClampToHalf, U>,
        E::SQRSHRN_asimdshf_N => narrowing::<RoundingShiftRight, ClampToHalf, S>,
        E::UQRSHRN_asimdshf_N => narrowing::<RoundingShiftRight, ClampToHalf, U>,
        E::SQSHRUN_asimdshf_N => narrowing::<ShiftRight, ClampToUnsignedHalf, S>,
        E::SQRSHRUN_asimdshf_N => narrowing::<RoundingShiftRight, ClampToUnsignedHalf, S>,
        E::SSHLL_asimdshf_L => long::<S>,
        E::USHLL_asimdshf_L => long::<U>,

        E::SSHR_asisdshf_R => scalar::<ShiftRight, S, RIGHT>,
        E::USHR_asisdshf_R => scalar::<ShiftRight, U, RIGHT>,
        E::SSRA_asisdshf_R => scalar::<ShiftRightAdd, S, RIGHT>,
        E::USRA_asisdshf_R => scalar::<ShiftRightAdd, U, RIGHT>,
        E::SRSHR_asisdshf_R => scalar::<RoundingShiftRight, S, RIGHT>,
        E::URSHR_asisdshf_R => scalar::<RoundingShiftRight, U, RIGHT>,
        E::SRSRA_asisdshf_R => scalar::<RoundingShiftRightAdd, S, RIGHT>,
        E::URSRA_asisdshf_R => scalar::<RoundingShiftRightAdd, U, RIGHT>,
        E::SRI_asisdshf_R => scalar::<ShiftRightInsert, U, RIGHT>,
        E::SLI_asisdshf_R => scalar::<ShiftLeftInsert, U, LEFT>,
        E::SHL_asisdshf_R => scalar::<ShiftLeft, U, LEFT>,
        E::SQSHL_asisdshf_R => scalar::<SaturatingShiftLeft, S, LEFT>,
        E::UQSHL_asisdshf_R => scalar::<SaturatingShiftLeft, U, LEFT>,
        E::SQSHLU_asisdshf_R => scalar::<SaturatingShiftLeftUnsigned, S, LEFT>,
        E::SQSHRN_asisdshf_N => scalar_narrowing::<ShiftRight, ClampToHalf, S>,
        E::UQSHRN_asisdshf_N => scalar_narrowing::<ShiftRight, ClampToHalf, U>,
        E::SQRSHRN_asisdshf_N => scalar_narrowing::<RoundingShiftRight, ClampToHalf, S>,
        E::UQRSHRN_asisdshf_N => scalar_narrowing::<RoundingShiftRight, ClampToHalf, U>,
        E::SQSHRUN_asisdshf_N => scalar_narrowing::<ShiftRight, ClampToUnsignedHalf, S>,
        E::SQRSHRUN_asisdshf_N => scalar_narrowing::<RoundingShiftRight, ClampToUnsignedHalf, S>,
        _ => return None,
    })
}

/// The lane size that immh gives, and the shift; immh is not zero (`None` if it is).
#[inline(always)]
fn size_and_shift(w: u32, right: bool) -> Option<(u32, u32)> {
    let imm = w >> 16 & 0x7f;
    let size = (imm >> 3).checked_ilog2()?;
    let bits = 8 << size;
    Some((size, if right { 2 * bits - imm } else { imm - bits }))
}

#[inline(always)]
fn shift_by_size<O: ShiftLane, const SIGNED: bool>(out: &mut Out, size: u32, n: &u128, d: &u128, by: u32) {
    match (SIGNED, size) {
        (false, 0) => shift::<O, u8>(out, n, d, by),
        (false, 1) => shift::<O, u16>(out, n, d, by),
        (false, 2) => shift::<O, u32>(out, n, d, by),
        (false, _) => shift::<O, u64>(out, n, d, by),
        (true, 0) => shift::<O, i8>(out, n, d, by),
        (true, 1) => shift::<O, i16>(out, n, d, by),
        (true, 2) => shift::<O, i32>(out, n, d, by),
        (true, _) => shift::<O, i64>(out, n, d, by),
    }
}

fn same<O: ShiftLane, const SIGNED: bool, const RIGHT: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    match size_and_shift(w, RIGHT) {
        Some((size, by)) if size < 3 || q(w) => {
            cpu.check_fp()?;
            let mut out = Out::default();
            shift_by_size::<O, SIGNED>(&mut out, size, v(cpu, rn(w)), v(cpu, rd(w)), by);
            finish(cpu, w, &out)
        }
        _ => Err(cpu.undefined()),
    }
}

fn scalar<O: ShiftLane, const SIGNED: bool, const RIGHT: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    let Some((size, by)) = size_and_shift(w, RIGHT) else { return Err(cpu.undefined()) };
    cpu.check_fp()?;
    let mut out = Out::default();
    shift_by_size::<O, SIGNED>(&mut out, size, v(cpu, rn(w)), v(cpu, rd(w)), by);
    finish_scalar(cpu, w, &out, 8 << size)
}

/// Shifts lanes of twice the size, clamps and narrows them to lanes of `8 << size` bits.
#[inline(always)]
fn narrow_by_size<O: ShiftLane, C: Lanewise, const SIGNED: bool>(n: &u128, size: u32, by: u32) -> Out {
    let mut out = Out::default();
    match (SIGNED, size) {
        (false, 0) => shift_narrow::<O, C, u8>(&mut out, n, by),
        (false, 1) => shift_narrow::<O, C, u16>(&mut out, n, by),
        (false, _) => shift_narrow::<O, C, u32>(&mut out, n, by),
        (true, 0) => shift_narrow::<O, C, i8>(&mut out, n, by),
        (true, 1) => shift_narrow::<O, C, i16>(&mut out, n, by),
        (true, _) => shift_narrow::<O, C, i32>(&mut out, n, by),
    }
    out
}

fn narrowing<O: ShiftLane, C: Lanewise, const SIGNED: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    match size_and_shift(w, RIGHT) {
        Some((size, by)) if size < 3 => {
            cpu.check_fp()?;
            let out = narrow_by_size::<O, C, SIGNED>(v(cpu, rn(w)), size, by);
            if out.saturated != 0 {
                set_qc(cpu);
            }
            set_half(cpu, w, out.value as u64)
        }
        _ => Err(cpu.undefined()),
    }
}

fn scalar_narrowing<O: ShiftLane, C: Lanewise, const SIGNED: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    match size_and_shift(w, RIGHT) {
        Some((size, by)) if size < 3 => {
            cpu.check_fp()?;
            let out = narrow_by_size::<O, C, SIGNED>(v(cpu, rn(w)), size, by);
            let wide = 16 << size;
            if out.saturated & low(wide) != 0 {
                set_qc(cpu);
            }
            cpu.set_v(rd(w), out.value & low(wide / 2));
            Ok(Flow::Next)
        }
        _ => Err(cpu.undefined()),
    }
}

/// SSHLL, USHLL.
fn long<const SIGNED: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    match size_and_shift(w, LEFT) {
        Some((size, by)) if size < 3 => {
            cpu.check_fp()?;
            let (n, upper) = (v(cpu, rn(w)), q(w));
            let wide = match (SIGNED, size) {
                (false, 0) => widen::<u8>(n, upper),
                (false, 1) => widen::<u16>(n, upper),
                (false, _) => widen::<u32>(n, upper),
                (true, 0) => widen::<i8>(n, upper),
                (true, 1) => widen::<i16>(n, upper),
                (true, _) => widen::<i32>(n, upper),
            };
            let mut out = Out { value: wide, saturated: 0 };
            if by != 0 {
                shift_by_size::<ShiftLeft, U>(&mut out, size + 1, &wide, &0, by);
            }
            cpu.set_v(rd(w), out.value);
            Ok(Flow::Next)
        }
        _ => Err(cpu.undefined()),
    }
}
