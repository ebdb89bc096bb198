//! Addition, subtraction, multiplication, division, square root, and the sign operations.

use super::env::{FpEnv, Rounding, flag};
use super::format::Format;
use super::nan::{invalid, process_nan, process_nans};
use super::round::{cancelled, infinity, jam_to_u64, round, shift_right_jam, zero};
use super::unpack::{Class, Unpacked, unpack};

/// Clears the sign (`FPAbs`); no flags, NaNs included.
#[inline(always)]
pub fn abs<F: Format>(a: u64) -> u64 {
    a & !F::SIGN
}

/// Inverts the sign (`FPNeg`); no flags, NaNs included.
#[inline(always)]
pub fn neg<F: Format>(a: u64) -> u64 {
    a ^ F::SIGN
}

/// The host's result where its rules are the guest's and it is sure of it, which it is told whether inexact results are
/// noted already; else the result of integer arithmetic.
#[inline(always)]
fn by_host(
    env: &mut FpEnv,
    host: impl FnOnce(bool) -> Option<u64>,
    slow: impl FnOnce(&mut FpEnv) -> u64,
) -> u64 {
    if env.host_rules()
        && let Some(result) = host(env.inexact_noted())
    {
        return result;
    }
    slow(env)
}

/// Returns `a + b` (`FPAdd`).
#[inline]
pub fn add<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    by_host(env, |noted| F::host_add(a, b, noted), |env| add_slow::<F, false>(a, b, env.rounding(), env))
}

/// Returns `a - b` (`FPSub`).
#[inline]
pub fn sub<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    by_host(env, |noted| F::host_sub(a, b, noted), |env| add_slow::<F, true>(a, b, env.rounding(), env))
}

/// Returns `|a - b|` (the FABD instruction); the sign of a NaN is cleared too.
#[inline]
pub fn abs_diff<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    abs::<F>(sub::<F>(a, b, env))
}

/// Returns `a * b` (`FPMul`).
#[inline]
pub fn mul<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    by_host(env, |noted| F::host_mul(a, b, noted), |env| mul_slow::<F, false>(a, b, env.rounding(), env))
}

/// Returns `a * b`, or 2 with the product's sign for zero times infinity (`FPMulX`).
#[inline]
pub fn mulx<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    by_host(env, |noted| F::host_mul(a, b, noted), |env| mul_slow::<F, true>(a, b, env.rounding(), env))
}

/// Returns `a / b` (`FPDiv`).
#[inline]
pub fn div<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    by_host(env, |noted| F::host_div(a, b, noted), |env| div_slow::<F>(a, b, env))
}

/// Returns the square root of `a` (`FPSqrt`).
#[inline]
pub fn sqrt<F: Format>(a: u64, env: &mut FpEnv) -> u64 {
    by_host(env, |noted| F::host_sqrt(a, noted), |env| sqrt_slow::<F>(a, env))
}

/// The integer path of [`add`] and [`sub`].
#[inline(never)]
pub(super) fn add_slow<F: Format, const SUBTRACT: bool>(
    a: u64,
    b: u64,
    rounding: Rounding,
    env: &mut FpEnv,
) -> u64 {
    let x = unpack::<F>(a, env);
    let mut y = unpack::<F>(b, env);
    if let Some(nan) = process_nans::<F>((x, a), (y, b), env) {
        return nan;
    }
    y.sign ^= SUBTRACT;
    match (x.class, y.class) {
        (Class::Infinity, Class::Infinity) if x.sign != y.sign => invalid::<F>(env),
        (Class::Infinity, _) => infinity::<F>(x.sign),
        (_, Class::Infinity) => infinity::<F>(y.sign),
        (Class::Zero, Class::Zero) if x.sign == y.sign => zero::<F>(x.sign),
        (Class::Zero, Class::Zero) => cancelled::<F>(rounding),
        (Class::Zero, _) => round::<F>(y.sign, y.exponent, y.significand, rounding, env),
        (_, Class::Zero) => round::<F>(x.sign, x.exponent, x.significand, rounding, env),
        _ => round_sum::<F>(Wide::from(x), Wide::from(y), 0, rounding, env),
    }
}

/// The integer path of [`mul`] and [`mulx`].
#[inline(never)]
pub(super) fn mul_slow<F: Format, const EXTENDED: bool>(
    a: u64,
    b: u64,
    rounding: Rounding,
    env: &mut FpEnv,
) -> u64 {
    let x = unpack::<F>(a, env);
    let y = unpack::<F>(b, env);
    if let Some(nan) = process_nans::<F>((x, a), (y, b), env) {
        return nan;
    }
    let sign = x.sign != y.sign;
    if x.is_infinite() || y.is_infinite() {
        if !(x.is_zero() || y.is_zero()) {
            infinity::<F>(sign)
        } else if EXTENDED {
            zero::<F>(sign) | F::TWO
        } else {
            invalid::<F>(env)
        }
    } else if x.is_zero() || y.is_zero() {
        zero::<F>(sign)
    } else {
        let product = Wide::product(x, y);
        let (exponent, significand) = product.normalise();
        round::<F>(sign, exponent, significand, rounding, env)
    }
}

#[inline(never)]
fn div_slow<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    let x = unpack::<F>(a, env);
    let y = unpack::<F>(b, env);
    if let Some(nan) = process_nans::<F>((x, a), (y, b), env) {
        return nan;
    }
    let sign = x.sign != y.sign;
    if (x.is_infinite() && y.is_infinite()) || (x.is_zero() && y.is_zero()) {
        return invalid::<F>(env);
    }
    if x.is_infinite() || y.is_zero() {
        if !x.is_infinite() {
            env.raise(flag::DZC);
        }
        return infinity::<F>(sign);
    }
    if x.is_zero() || y.is_infinite() {
        return zero::<F>(sign);
    }
    // The quotient of the significands is between 1/2 and 2: 63 or 64 bits of it are computed.
    let dividend = u128::from(x.significand) << 63;
    let divisor = u128::from(y.significand);
    let quotient = (dividend / divisor) as u64;
    let sticky = u64::from(u128::from(quotient) * divisor != dividend);
    let shift = quotient.leading_zeros();
    let exponent = x.exponent - y.exponent - shift as i32;
    round::<F>(sign, exponent, (quotient << shift) | sticky, env.rounding(), env)
}

#[inline(never)]
fn sqrt_slow<F: Format>(a: u64, env: &mut FpEnv) -> u64 {
    let x = unpack::<F>(a, env);
    match x.class {
        Class::Quiet | Class::Signalling => process_nan::<F>(x.class, a, env),
        Class::Zero => zero::<F>(x.sign),
        _ if x.sign => invalid::<F>(env),
        Class::Infinity => infinity::<F>(false),
        Class::Finite => {
            // An odd exponent lends a factor of two to the significand; the root then has 64 bits.
            let radicand = u128::from(x.significand) << (63 + (x.exponent & 1));
            let root = radicand.isqrt();
            let sticky = u64::from(root * root != radicand);
            round::<F>(false, x.exponent >> 1, root as u64 | sticky, env.rounding(), env)
        }
    }
}

/// A finite non-zero value with room for an exact product: `significand * 2^(exponent - 125)`, the highest
/// set bit being 125 or 126.
#[derive(Clone, Copy)]
pub(super) struct Wide {
    pub(super) sign: bool,
    pub(super) exponent: i32,
    pub(super) significand: u128,
}

impl From<Unpacked> for Wide {
    #[inline(always)]
    fn from(x: Unpacked) -> Wide {
        debug_assert!(x.class == Class::Finite);
        Wide { sign: x.sign, exponent: x.exponent, significand: u128::from(x.significand) << 62 }
    }
}

impl Wide {
    /// Multiplies two finite values exactly (significands have at most 53 bits, so bit 0 is zero).
    #[inline(always)]
    pub(super) fn product(x: Unpacked, y: Unpacked) -> Wide {
        let significand = u128::from(x.significand) * u128::from(y.significand);
        Wide { sign: x.sign != y.sign, exponent: x.exponent + y.exponent, significand: significand >> 1 }
    }

    /// Narrows to what `round` takes: exponent and 64-bit significand with a sticky bit 0.
    #[inline(always)]
    pub(super) fn normalise(self) -> (i32, u64) {
        let shift = self.significand.leading_zeros();
        (self.exponent + 2 - shift as i32, jam_to_u64(self.significand << shift))
    }
}

/// Adds two values exactly, scales by `2^scale`, and rounds once.
///
/// The operand with the smaller exponent is shifted right. Operands have at least 21 zero bits at the
/// bottom, so bits are lost only when the exponents are far apart; then the sum loses at most two bits at the
/// top, and the sticky bit stays below the rounding position.
#[inline(always)]
pub(super) fn round_sum<F: Format>(a: Wide, b: Wide, scale: i32, rounding: Rounding, env: &mut FpEnv) -> u64 {
    let (mut high, mut low) = if a.exponent >= b.exponent { (a, b) } else { (b, a) };
    low.significand = shift_right_jam(low.significand, (high.exponent - low.exponent) as u32);
    if high.sign == low.sign {
        high.significand += low.significand;
    } else if high.significand >= low.significand {
        high.significand -= low.significand;
    } else {
        high.significand = low.significand - high.significand;
        high.sign = low.sign;
    }
    if high.significand == 0 {
        return cancelled::<F>(rounding);
    }
    let (exponent, significand) = high.normalise();
    round::<F>(high.sign, exponent + scale, significand, rounding, env)
}
