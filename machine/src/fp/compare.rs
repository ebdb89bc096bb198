//! Comparisons.

use super::env::{FpEnv, flag};
use super::format::Format;
use core::cmp::Ordering;

/// The operand as a number that orders as the value does, after flushing; both zeros are 0.
#[inline(always)]
fn ordered<F: Format>(bits: u64, env: &mut FpEnv) -> i64 {
    let magnitude = bits & (F::SIGN - 1);
    if F::flushes(env) && magnitude < (1 << F::FRAC) {
        if F::FLUSH_SETS_IDC && magnitude != 0 {
            env.raise(flag::IDC);
        }
        return 0;
    }
    if bits & F::SIGN != 0 { -(magnitude as i64) } else { magnitude as i64 }
}

#[inline(always)]
fn is_nan<F: Format>(bits: u64) -> bool {
    bits & (F::SIGN - 1) > F::INFINITY
}

#[inline(always)]
fn is_signalling<F: Format>(bits: u64) -> bool {
    is_nan::<F>(bits) && bits & F::QUIET == 0
}

/// Orders two operands; `None` if one is a NaN, which raises IOC if `signal_all` or the NaN is signalling.
#[inline(always)]
fn order<F: Format>(a: u64, b: u64, signal_all: bool, env: &mut FpEnv) -> Option<Ordering> {
    let (x, y) = (ordered::<F>(a, env), ordered::<F>(b, env));
    if is_nan::<F>(a) || is_nan::<F>(b) {
        if signal_all || is_signalling::<F>(a) || is_signalling::<F>(b) {
            env.raise(flag::IOC);
        }
        return None;
    }
    Some(x.cmp(&y))
}

/// Compares and returns the condition flags in bits 31:28 as N, Z, C, V (`FPCompare`).
#[inline]
pub fn compare<F: Format>(a: u64, b: u64, signal_all: bool, env: &mut FpEnv) -> u32 {
    match order::<F>(a, b, signal_all, env) {
        None => 0b0011 << 28,
        Some(Ordering::Equal) => 0b0110 << 28,
        Some(Ordering::Less) => 0b1000 << 28,
        Some(Ordering::Greater) => 0b0010 << 28,
    }
}

/// Tells whether `a == b`; quiet NaNs raise nothing (`FPCompareEQ`).
#[inline]
pub fn compare_eq<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> bool {
    order::<F>(a, b, false, env) == Some(Ordering::Equal)
}

/// Tells whether `a >= b`; any NaN raises IOC (`FPCompareGE`).
#[inline]
pub fn compare_ge<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> bool {
    order::<F>(a, b, true, env).is_some_and(Ordering::is_ge)
}

/// Tells whether `a > b`; any NaN raises IOC (`FPCompareGT`).
#[inline]
pub fn compare_gt<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> bool {
    order::<F>(a, b, true, env) == Some(Ordering::Greater)
}
