//! Fused operations: multiply-add and the Newton-Raphson steps.

use super::arith::{Wide, neg, round_sum};
use super::env::{FpEnv, flag};
use super::format::{Format, Half, Single};
use super::nan::{convert_nan, process_nan, process_nans};
use super::round::{cancelled, infinity, round, zero};
use super::unpack::{Class, Unpacked, unpack};

/// Returns `addend + a * b` with one rounding (`FPMulAdd`).
///
/// Of several NaNs a signalling one wins, then the order is addend, `a`, `b` (`FPProcessNaNs3`).
#[inline]
pub fn mul_add<F: Format>(addend: u64, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    if env.host_rules()
        && let Some(result) = F::host_mul_add(a, b, addend, env.inexact_noted())
    {
        return result;
    }
    mul_add_slow::<F, F>(addend, a, b, env)
}

/// Returns the single-precision `addend + a * b` of half-precision `a` and `b`, with one rounding
/// (`FPMulAddH`).
#[inline]
pub fn mul_add_half(addend: u64, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    mul_add_slow::<Single, Half>(addend, a, b, env)
}

#[inline(never)]
fn mul_add_slow<F: Format, M: Format>(addend: u64, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    let c = unpack::<F>(addend, env);
    let x = unpack::<M>(a, env);
    let y = unpack::<M>(b, env);
    let zero_times_infinity = (x.is_zero() && y.is_infinite()) || (x.is_infinite() && y.is_zero());
    if c.is_nan() || x.is_nan() || y.is_nan() {
        let nan = process_nans3::<F, M>((c, addend), (x, a), (y, b), env);
        if c.class == Class::Quiet && zero_times_infinity {
            env.raise(flag::IOC);
            return F::DEFAULT_NAN;
        }
        return nan;
    }
    let sign = x.sign != y.sign;
    let product_infinite = x.is_infinite() || y.is_infinite();
    if zero_times_infinity || (c.is_infinite() && product_infinite && c.sign != sign) {
        env.raise(flag::IOC);
        return F::DEFAULT_NAN;
    }
    if c.is_infinite() {
        return infinity::<F>(c.sign);
    }
    if product_infinite {
        return infinity::<F>(sign);
    }
    let rounding = env.rounding();
    if x.is_zero() || y.is_zero() {
        return match c.class {
            Class::Zero if c.sign == sign => zero::<F>(sign),
            Class::Zero => cancelled::<F>(rounding),
            _ => round::<F>(c.sign, c.exponent, c.significand, rounding, env),
        };
    }
    let product = Wide::product(x, y);
    if c.is_zero() {
        let (exponent, significand) = product.normalise();
        return round::<F>(sign, exponent, significand, rounding, env);
    }
    round_sum::<F>(Wide::from(c), product, 0, rounding, env)
}

/// `FPProcessNaNs3` and `FPProcessNaNs3H`; one of the operands is a NaN.
#[cold]
fn process_nans3<F: Format, M: Format>(
    c: (Unpacked, u64),
    a: (Unpacked, u64),
    b: (Unpacked, u64),
    env: &mut FpEnv,
) -> u64 {
    for wanted in [Class::Signalling, Class::Quiet] {
        if c.0.class == wanted {
            return process_nan::<F>(wanted, c.1, env);
        }
        for (unpacked, bits) in [a, b] {
            if unpacked.class == wanted {
                return convert_nan::<M, F>(process_nan::<M>(wanted, bits, env));
            }
        }
    }
    unreachable!("process_nans3 needs a NaN operand")
}

/// Returns `2 - a * b` with one rounding (`FPRecipStepFused`).
pub fn recip_step<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    step::<F>(a, b, F::TWO, F::TWO, 0, env)
}

/// Returns `(3 - a * b) / 2` with one rounding (`FPRSqrtStepFused`).
pub fn rsqrt_step<F: Format>(a: u64, b: u64, env: &mut FpEnv) -> u64 {
    step::<F>(a, b, F::TWO | F::QUIET, F::ONE_AND_HALF, -1, env)
}

/// Returns `(constant - a * b) * 2^scale`, or `undefined_product` for zero times infinity. A NaN in `a` has
/// its sign inverted.
fn step<F: Format>(
    a: u64,
    b: u64,
    constant: u64,
    undefined_product: u64,
    scale: i32,
    env: &mut FpEnv,
) -> u64 {
    let a = neg::<F>(a);
    let x = unpack::<F>(a, env);
    let y = unpack::<F>(b, env);
    if let Some(nan) = process_nans::<F>((x, a), (y, b), env) {
        return nan;
    }
    if x.is_infinite() || y.is_infinite() {
        return if x.is_zero() || y.is_zero() { undefined_product } else { infinity::<F>(x.sign != y.sign) };
    }
    let constant = unpack::<F>(constant, env);
    let rounding = env.rounding();
    if x.is_zero() || y.is_zero() {
        return round::<F>(false, constant.exponent + scale, constant.significand, rounding, env);
    }
    round_sum::<F>(Wide::from(constant), Wide::product(x, y), scale, rounding, env)
}
