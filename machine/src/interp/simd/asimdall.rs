//! Advanced SIMD across lanes, integer: `asimdall`.

use super::fields::{q, rd, rn, size, v};
use super::lanes::{Int, Widen, lanes};
use crate::cpu::Vcpu;
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding as E;
    Some(match e {
        E::ADDV_asimdall_only => |cpu, w| {
            across(cpu, w, |v, q, size| match size {
                0 => fold::<u8>(v, q, Int::add),
                1 => fold::<u16>(v, q, Int::add),
                _ => fold::<u32>(v, q, Int::add),
            })
        },
        E::SMAXV_asimdall_only => |cpu, w| across(cpu, w, |v, q, size| signed(v, q, size, true)),
        E::SMINV_asimdall_only => |cpu, w| across(cpu, w, |v, q, size| signed(v, q, size, false)),
        E::UMAXV_asimdall_only => |cpu, w| across(cpu, w, |v, q, size| unsigned(v, q, size, true)),
        E::UMINV_asimdall_only => |cpu, w| across(cpu, w, |v, q, size| unsigned(v, q, size, false)),
        E::SADDLV_asimdall_only => |cpu, w| {
            across(cpu, w, |v, q, size| match size {
                0 => fold_long::<i8>(v, q),
                1 => fold_long::<i16>(v, q),
                _ => fold_long::<i32>(v, q),
            })
        },
        E::UADDLV_asimdall_only => |cpu, w| {
            across(cpu, w, |v, q, size| match size {
                0 => fold_long::<u8>(v, q),
                1 => fold_long::<u16>(v, q),
                _ => fold_long::<u32>(v, q),
            })
        },
        _ => return None,
    })
}

#[inline(always)]
fn across(cpu: &mut Vcpu, w: u32, f: impl Fn(&u128, bool, u32) -> u128) -> Exec {
    if size(w) == 3 || (size(w) == 2 && !q(w)) {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let r = f(v(cpu, rn(w)), q(w), size(w));
    cpu.set_v(rd(w), r);
    Ok(Flow::Next)
}

#[inline(always)]
fn signed(v: &u128, q: bool, size: u32, max: bool) -> u128 {
    match (size, max) {
        (0, true) => fold::<i8>(v, q, Ord::max),
        (1, true) => fold::<i16>(v, q, Ord::max),
        (_, true) => fold::<i32>(v, q, Ord::max),
        (0, false) => fold::<i8>(v, q, Ord::min),
        (1, false) => fold::<i16>(v, q, Ord::min),
        (_, false) => fold::<i32>(v, q, Ord::min),
    }
}

#[inline(always)]
fn unsigned(v: &u128, q: bool, size: u32, max: bool) -> u128 {
    match (size, max) {
        (0, true) => fold::<u8>(v, q, Ord::max),
        (1, true) => fold::<u16>(v, q, Ord::max),
        (_, true) => fold::<u32>(v, q, Ord::max),
        (0, false) => fold::<u8>(v, q, Ord::min),
        (1, false) => fold::<u16>(v, q, Ord::min),
        (_, false) => fold::<u32>(v, q, Ord::min),
    }
}

fn used<T: Int>(v: &u128, q: bool) -> &[T] {
    &lanes(v)[..if q { T::COUNT } else { T::COUNT / 2 }]
}

/// Folds the lanes into one, zero-extended.
fn fold<T: Int>(v: &u128, q: bool, f: impl Fn(T, T) -> T) -> u128 {
    let lanes = used::<T>(v, q);
    let r = lanes[1..].iter().fold(lanes[0], |acc, lane| f(acc, *lane));
    r.wide() as u128 & (u128::MAX >> (128 - T::BITS))
}

/// Adds the lanes into one of twice the width, zero-extended.
fn fold_long<T: Widen>(v: &u128, q: bool) -> u128 {
    let sum = used::<T>(v, q).iter().fold(T::Wide::ZERO, |acc, lane| acc.add(lane.widen()));
    sum.wide() as u128 & (u128::MAX >> (128 - T::Wide::BITS))
}
