//! Advanced SIMD three-register extension, integer: `asimdsame2` (dot products, matrix products, RDM).

use super::asimdsame::{is_reserved, same};
use super::fields::{q, rd, rm, rn, set_vector, size, sizes, v};
use super::lanes::{lanes, lanes_mut};
use super::ops::{RoundingDoublingMulAddHigh, RoundingDoublingMulSubHigh};
use crate::cpu::Vcpu;
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding as E;
    Some(match e {
        E::SQRDMLAH_asimdsame2_only => same::<RoundingDoublingMulAddHigh, true, { sizes::HS }>,
        E::SQRDMLSH_asimdsame2_only => same::<RoundingDoublingMulSubHigh, true, { sizes::HS }>,
        E::SDOT_asimdsame2_D => |cpu, w| dot(cpu, w, product::<true, true>),
        E::UDOT_asimdsame2_D => |cpu, w| dot(cpu, w, product::<false, false>),
        E::USDOT_asimdsame2_D => |cpu, w| dot(cpu, w, product::<false, true>),
        E::SMMLA_asimdsame2_G => |cpu, w| matrix(cpu, w, product::<true, true>),
        E::UMMLA_asimdsame2_G => |cpu, w| matrix(cpu, w, product::<false, false>),
        E::USMMLA_asimdsame2_G => |cpu, w| matrix(cpu, w, product::<false, true>),
        _ => return None,
    })
}

/// The product of two bytes of the given signedness.
#[inline(always)]
pub(super) fn product<const N_SIGNED: bool, const M_SIGNED: bool>(n: u8, m: u8) -> i32 {
    let value = |b: u8, signed| if signed { i32::from(b as i8) } else { i32::from(b) };
    value(n, N_SIGNED) * value(m, M_SIGNED)
}

/// Adds to each word of `d` the sum of four products.
#[inline(always)]
pub(super) fn dot_products(n: &u128, m: &u128, d: &u128, f: impl Fn(u8, u8) -> i32) -> u128 {
    let (n, m) = (lanes::<u8>(n), lanes::<u8>(m));
    let mut r = *d;
    for (i, word) in lanes_mut::<i32>(&mut r).iter_mut().enumerate() {
        for j in 4 * i..4 * i + 4 {
            *word = word.wrapping_add(f(n[j], m[j]));
        }
    }
    r
}

#[inline(always)]
fn dot(cpu: &mut Vcpu, w: u32, f: impl Fn(u8, u8) -> i32) -> Exec {
    // USDOT's size is part of its encoding, and is the same.
    if size(w) != 2 || is_reserved(w, sizes::HS) {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let r = dot_products(v(cpu, rn(w)), v(cpu, rm(w)), v(cpu, rd(w)), f);
    set_vector(cpu, w, r)
}

/// Adds the product of two matrices of 2 rows by 8 bytes, the second transposed.
#[inline(always)]
fn matrix(cpu: &mut Vcpu, w: u32, f: impl Fn(u8, u8) -> i32) -> Exec {
    debug_assert!(q(w));
    cpu.check_fp()?;
    let mut r = cpu.v(rd(w));
    let (n, m) = (lanes::<u8>(v(cpu, rn(w))), lanes::<u8>(v(cpu, rm(w))));
    for (i, word) in lanes_mut::<i32>(&mut r).iter_mut().enumerate() {
        let (row, column) = (i / 2 * 8, i % 2 * 8);
        for k in 0..8 {
            *word = word.wrapping_add(f(n[row + k], m[column + k]));
        }
    }
    set_vector(cpu, w, r)
}
