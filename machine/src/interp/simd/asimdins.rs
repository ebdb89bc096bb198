//! Advanced SIMD copy: `asimdins` (DUP, INS, SMOV, UMOV), and the scalar DUP of `asisdone`.

use super::fields::{element, low, q, rd, rn, set_vector, splat};
use crate::cpu::Vcpu;
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding as E;
    Some(match e {
        E::DUP_asimdins_DV_v => dup_element,
        E::DUP_asimdins_DR_r => dup_general,
        E::INS_asimdins_IR_r => ins_general,
        E::INS_asimdins_IV_v => ins_element,
        E::SMOV_asimdins_W_w => smov::<1, u32>,
        E::SMOV_asimdins_X_x => smov::<2, u64>,
        E::UMOV_asimdins_W_w => umov::<0, 2>,
        E::UMOV_asimdins_X_x => umov::<3, 3>,
        E::DUP_asisdone_only => dup_scalar,
        _ => return None,
    })
}

/// Size and index that imm5 names; the size is the position of its lowest set bit.
#[inline(always)]
fn size_and_index(w: u32) -> Option<(u32, u32)> {
    let imm5 = w >> 16 & 31;
    let size = imm5.trailing_zeros();
    (size < 4).then(|| (size, imm5 >> (size + 1)))
}

/// The register `v` with one element replaced.
#[inline(always)]
fn with_element(v: u128, size: u32, index: u32, value: u64) -> u128 {
    let (bits, at) = (8 << size, index * (8 << size));
    (v & !(low(bits) << at)) | (u128::from(value) & low(bits)) << at
}

fn dup_element(cpu: &mut Vcpu, w: u32) -> Exec {
    match size_and_index(w) {
        Some((size, index)) if size < 3 || q(w) => {
            cpu.check_fp()?;
            let r = splat(element(cpu.v(rn(w)), size, index), size);
            set_vector(cpu, w, r)
        }
        _ => Err(cpu.undefined()),
    }
}

fn dup_general(cpu: &mut Vcpu, w: u32) -> Exec {
    match size_and_index(w) {
        Some((size, _)) if size < 3 || q(w) => {
            cpu.check_fp()?;
            let r = splat(cpu.x(rn(w)) & low(8 << size) as u64, size);
            set_vector(cpu, w, r)
        }
        _ => Err(cpu.undefined()),
    }
}

fn dup_scalar(cpu: &mut Vcpu, w: u32) -> Exec {
    let Some((size, index)) = size_and_index(w) else { return Err(cpu.undefined()) };
    cpu.check_fp()?;
    let r = element(cpu.v(rn(w)), size, index);
    cpu.set_v(rd(w), r.into());
    Ok(Flow::Next)
}

fn ins_general(cpu: &mut Vcpu, w: u32) -> Exec {
    let Some((size, index)) = size_and_index(w) else { return Err(cpu.undefined()) };
    cpu.check_fp()?;
    let r = with_element(cpu.v(rd(w)), size, index, cpu.x(rn(w)));
    cpu.set_v(rd(w), r);
    Ok(Flow::Next)
}

fn ins_element(cpu: &mut Vcpu, w: u32) -> Exec {
    let Some((size, index)) = size_and_index(w) else { return Err(cpu.undefined()) };
    cpu.check_fp()?;
    let value = element(cpu.v(rn(w)), size, (w >> 11 & 15) >> size);
    let r = with_element(cpu.v(rd(w)), size, index, value);
    cpu.set_v(rd(w), r);
    Ok(Flow::Next)
}

/// SMOV of elements up to `8 << MAX` bits into a register of type `R`.
fn smov<const MAX: u32, R: Truncate>(cpu: &mut Vcpu, w: u32) -> Exec {
    match size_and_index(w) {
        Some((size, index)) if size <= MAX => {
            cpu.check_fp()?;
            let unused = 64 - (8 << size);
            let value = element(cpu.v(rn(w)), size, index) << unused;
            cpu.set_x(rd(w), R::truncate(value.cast_signed() >> unused));
            Ok(Flow::Next)
        }
        _ => Err(cpu.undefined()),
    }
}

/// UMOV of elements of `8 << MIN` to `8 << MAX` bits.
fn umov<const MIN: u32, const MAX: u32>(cpu: &mut Vcpu, w: u32) -> Exec {
    match size_and_index(w) {
        Some((size, index)) if (MIN..=MAX).contains(&size) => {
            cpu.check_fp()?;
            let value = element(cpu.v(rn(w)), size, index);
            cpu.set_x(rd(w), value);
            Ok(Flow::Next)
        }
        _ => Err(cpu.undefined()),
    }
}

/// The width of a general-purpose destination.
trait Truncate {
    fn truncate(value: i64) -> u64;
}

impl Truncate for u32 {
    fn truncate(value: i64) -> u64 {
        u64::from(value as u32)
    }
}

impl Truncate for u64 {
    fn truncate(value: i64) -> u64 {
        value.cast_unsigned()
    }
}
