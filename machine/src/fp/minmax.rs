//! Minimum and maximum.

use super::env::FpEnv;
use super::format::Format;
use super::nan::process_nans;
use super::round::{infinity, zero};
use super::unpack::{Class, Unpacked, unpack};

/// Returns the larger operand; a NaN operand gives a NaN, and +0 is larger than -0 (`FPMax`).
#[inline]
pub fn max<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    select::<F, true>(a, b, env)
}

/// Returns the smaller operand; a NaN operand gives a NaN, and -0 is smaller than +0 (`FPMin`).
#[inline]
pub fn min<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    select::<F, false>(a, b, env)
}

/// Returns the larger operand, a number if only one operand is a quiet NaN (`FPMaxNum`).
#[inline]
pub fn max_num<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    let (a, b) = replace_quiet_nan::<F>(a, b, infinity::<F>(true));
    max::<F>(a, b, env)
}

/// Returns the smaller operand, a number if only one operand is a quiet NaN (`FPMinNum`).
#[inline]
pub fn min_num<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    let (a, b) = replace_quiet_nan::<F>(a, b, infinity::<F>(false));
    min::<F>(a, b, env)
}

/// Puts `neutral` for a quiet NaN whose partner is a number.
#[inline(always)]
fn replace_quiet_nan<F: Format>(a: u64, b: u64, neutral: u64) -> (u64, u64) {
    let is_nan = |x: u64| x & (F::SIGN - 1) > F::INFINITY;
    let is_quiet = |x: u64| is_nan(x) && x & F::QUIET != 0;
    if is_quiet(a) && !is_nan(b) {
        (neutral, b)
    } else if is_quiet(b) && !is_nan(a) {
        (a, neutral)
    } else {
        (a, b)
    }
}

#[inline]
fn select<F: Format, const MAX: bool>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    let x = unpack::<F>(a, env);
    let y = unpack::<F>(b, env);
    if let Some(nan) = process_nans::<F>((x, a), (y, b), env) {
        return nan;
    }
    if x.is_zero() && y.is_zero() {
        return zero::<F>(if MAX { x.sign && y.sign } else { x.sign || y.sign });
    }
    // A denormal that was flushed is a zero here; every other operand is returned as it is.
    let (key_a, key_b) = (key::<F>(x, a), key::<F>(y, b));
    let first = if MAX { key_a > key_b } else { key_a < key_b };
    let (chosen, bits) = if first { (x, a) } else { (y, b) };
    if chosen.class == Class::Zero { zero::<F>(chosen.sign) } else { bits & F::MASK }
}

/// A number that orders as the value does.
#[inline(always)]
fn key<F: Format>(x: Unpacked, bits: u64) -> i64 {
    let magnitude = if x.is_zero() { 0 } else { (bits & (F::SIGN - 1)) as i64 };
    if x.sign { -magnitude } else { magnitude }
}
