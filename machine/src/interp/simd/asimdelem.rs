//! Advanced SIMD vector by indexed element, integer: `asimdelem`.

use super::asimddiff::long_by_size;
use super::asimdsame::by_size;
use super::asimdsame2::{dot_products, product};
use super::fields::{element, finish, finish_full, q, rd, rn, set_vector, size, splat, v};
use super::loops::Out;
use super::ops::*;
use crate::cpu::Vcpu;
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;

const S: bool = true;
const U: bool = false;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding as E;
    Some(match e {
        E::SMLAL_asimdelem_L => long::<MulAdd, S>,
        E::UMLAL_asimdelem_L => long::<MulAdd, U>,
        E::SMLSL_asimdelem_L => long::<MulSub, S>,
        E::UMLSL_asimdelem_L => long::<MulSub, U>,
        E::SMULL_asimdelem_L => long::<Mul, S>,
        E::UMULL_asimdelem_L => long::<Mul, U>,
        E::SQDMULL_asimdelem_L => long::<DoublingMul, S>,
        E::SQDMLAL_asimdelem_L => long::<DoublingMulAdd, S>,
        E::SQDMLSL_asimdelem_L => long::<DoublingMulSub, S>,
        E::MUL_asimdelem_R => same::<Mul, U>,
        E::MLA_asimdelem_R => same::<MulAdd, U>,
        E::MLS_asimdelem_R => same::<MulSub, U>,
        E::SQDMULH_asimdelem_R => same::<DoublingMulHigh, S>,
        E::SQRDMULH_asimdelem_R => same::<RoundingDoublingMulHigh, S>,
        E::SQRDMLAH_asimdelem_R => same::<RoundingDoublingMulAddHigh, S>,
        E::SQRDMLSH_asimdelem_R => same::<RoundingDoublingMulSubHigh, S>,
        E::SDOT_asimdelem_D => |cpu, w| sized_dot(cpu, w, product::<true, true>),
        E::UDOT_asimdelem_D => |cpu, w| sized_dot(cpu, w, product::<false, false>),
        E::SUDOT_asimdelem_D => |cpu, w| dot(cpu, w, product::<true, false>),
        E::USDOT_asimdelem_D => |cpu, w| dot(cpu, w, product::<false, true>),
        _ => return None,
    })
}

/// The element of Vm, or nothing if the size is neither halfword nor word.
#[inline(always)]
pub(super) fn indexed(cpu: &Vcpu, w: u32) -> Option<u64> {
    let bit = |n: u32| w >> n & 1;
    let (h, l, m) = (bit(11), bit(21), bit(20));
    match size(w) {
        1 => Some(element(cpu.v(w >> 16 & 15), 1, h << 2 | l << 1 | m)),
        2 => Some(word_element(cpu, w)),
        _ => None,
    }
}

/// The word element of Vm.
#[inline(always)]
fn word_element(cpu: &Vcpu, w: u32) -> u64 {
    let index = (w >> 11 & 1) << 1 | (w >> 21 & 1);
    element(cpu.v(w >> 16 & 31), 2, index)
}

fn long<O: Lanewise, const SIGNED: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    let Some(element) = indexed(cpu, w) else { return Err(cpu.undefined()) };
    cpu.check_fp()?;
    let m = splat(element, size(w));
    let mut out = Out::default();
    long_by_size::<O, SIGNED>(&mut out, size(w), v(cpu, rn(w)), &m, v(cpu, rd(w)), q(w));
    finish_full(cpu, w, &out)
}

fn same<O: Lanewise, const SIGNED: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    let Some(element) = indexed(cpu, w) else { return Err(cpu.undefined()) };
    cpu.check_fp()?;
    let m = splat(element, size(w));
    let mut out = Out::default();
    by_size::<O, SIGNED>(&mut out, size(w), v(cpu, rn(w)), &m, v(cpu, rd(w)));
    finish(cpu, w, &out)
}

#[inline(always)]
fn sized_dot(cpu: &mut Vcpu, w: u32, f: impl Fn(u8, u8) -> i32) -> Exec {
    if size(w) != 2 {
        return Err(cpu.undefined());
    }
    dot(cpu, w, f)
}

#[inline(always)]
fn dot(cpu: &mut Vcpu, w: u32, f: impl Fn(u8, u8) -> i32) -> Exec {
    cpu.check_fp()?;
    let m = splat(word_element(cpu, w), 2);
    let r = dot_products(v(cpu, rn(w)), &m, v(cpu, rd(w)), f);
    set_vector(cpu, w, r)
}
