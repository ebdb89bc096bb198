//! Reciprocal and reciprocal square root estimates, whose values the architecture fixes.

use super::env::{FpEnv, flag};
use super::format::Format;
use super::nan::{invalid, process_nan};
use super::round::{infinity, zero};
use super::unpack::{Class, unpack};

/// Returns the 9-bit estimate (256 to 511) of the reciprocal of a 9-bit number (256 to 511)
/// (`RecipEstimate`).
fn recip_estimate_9bit(a: u32) -> u32 {
    ((1 << 19) / (a * 2 + 1)).div_ceil(2)
}

/// `RecipSqrtEstimate` for every argument from 128 to 511.
static RSQRT_ESTIMATE: [u16; 512] = rsqrt_table();

const fn rsqrt_table() -> [u16; 512] {
    let mut table = [0; 512];
    let mut index = 128u64;
    while index < 512 {
        let a = if index < 256 { index * 2 + 1 } else { (index | 1) * 2 };
        let mut b = 512u64;
        while a * (b + 1) * (b + 1) < 1 << 28 {
            b += 1;
        }
        table[index as usize] = b.div_ceil(2) as u16;
        index += 1;
    }
    table
}

/// Estimates `1 / a` with 8 bits of precision (`FPRecipEstimate`).
pub fn recip_estimate<F: Format>(a: u64, env: &mut FpEnv) -> u64 {
    let x = unpack::<F>(a, env);
    match x.class {
        Class::Quiet | Class::Signalling => return process_nan::<F>(x.class, a, env),
        Class::Infinity => return zero::<F>(x.sign),
        Class::Zero => {
            env.raise(flag::DZC);
            return infinity::<F>(x.sign);
        }
        Class::Finite => {}
    }
    // Below 2^-(BIAS + 1) the reciprocal does not fit.
    if x.exponent < -(F::BIAS + 1) {
        env.raise(flag::OFC | flag::IXC);
        let overflow = env.rounding().overflows_to_infinity(x.sign);
        return zero::<F>(x.sign) | if overflow { F::INFINITY } else { F::MAX_NORMAL };
    }
    if F::flushes(env) && x.exponent >= F::BIAS - 1 {
        env.raise(flag::UFC);
        return zero::<F>(x.sign);
    }
    let estimate = u64::from(recip_estimate_9bit((x.significand >> 55) as u32));
    // The estimate is 1.f times 2^(-1 - exponent).
    let biased = F::BIAS - 1 - x.exponent;
    let fraction = match biased {
        0 => estimate << (F::FRAC - 8) >> 1,
        -1 => estimate << (F::FRAC - 8) >> 2,
        _ => (estimate & 0xff) << (F::FRAC - 8),
    };
    zero::<F>(x.sign) | ((biased.max(0) as u64) << F::FRAC) | fraction
}

/// Estimates `1 / sqrt(a)` with 8 bits of precision (`FPRSqrtEstimate`).
pub fn rsqrt_estimate<F: Format>(a: u64, env: &mut FpEnv) -> u64 {
    let x = unpack::<F>(a, env);
    match x.class {
        Class::Quiet | Class::Signalling => return process_nan::<F>(x.class, a, env),
        Class::Zero => {
            env.raise(flag::DZC);
            return infinity::<F>(x.sign);
        }
        _ if x.sign => return invalid::<F>(env),
        Class::Infinity => return 0,
        Class::Finite => {}
    }
    // The argument is scaled to [1/4, 1): 9 bits for an odd exponent, 8 bits for an even one.
    let odd = x.exponent & 1;
    let scaled = (x.significand >> (55 + 1 - odd)) as usize;
    let estimate = u64::from(RSQRT_ESTIMATE[scaled]);
    let biased = F::BIAS + ((-1 - x.exponent) >> 1);
    ((biased as u64) << F::FRAC) | ((estimate & 0xff) << (F::FRAC - 8))
}

/// Returns a power of two near the reciprocal, for scaling (`FPRecpX`).
pub fn recip_exponent<F: Format>(a: u64, env: &mut FpEnv) -> u64 {
    let x = unpack::<F>(a, env);
    if x.is_nan() {
        return process_nan::<F>(x.class, a, env);
    }
    let exponent = a & F::INFINITY;
    let inverted = if exponent == 0 { F::INFINITY - (1 << F::FRAC) } else { !exponent & F::INFINITY };
    zero::<F>(x.sign) | inverted
}

/// Estimates the reciprocal of the fixed-point fraction `a / 2^32` (`UnsignedRecipEstimate`).
pub fn unsigned_recip_estimate(a: u32) -> u32 {
    if a >> 31 == 0 { u32::MAX } else { recip_estimate_9bit(a >> 23) << 23 }
}

/// Estimates the reciprocal square root of the fixed-point fraction `a / 2^32`
/// (`UnsignedRSqrtEstimate`).
pub fn unsigned_rsqrt_estimate(a: u32) -> u32 {
    if a >> 30 == 0 { u32::MAX } else { u32::from(RSQRT_ESTIMATE[(a >> 23) as usize]) << 23 }
}
