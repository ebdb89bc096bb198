//! Conversions to and from integers and fixed-point numbers.

use super::env::{FpEnv, Rounding, flag};
use super::format::{Double, Format};
use super::integral::round_magnitude;
use super::round::round;
use super::unpack::{Class, unpack};

/// Converts to a fixed-point number of `int_bits` bits, `fraction_bits` of them after the point (`FPToFixed`).
///
/// Out of range saturates and a NaN gives 0, both raising IOC. The result is in the low `int_bits` bits.
#[inline]
pub fn to_fixed<F: Format>(
    a: u64,
    fraction_bits: u32,
    unsigned: bool,
    int_bits: u32,
    rounding: Rounding,
    env: &mut FpEnv,
) -> u64 {
    let x = unpack::<F>(a, env);
    let mask = u64::MAX >> (64 - int_bits);
    // The largest magnitude of the result's sign.
    let limit = match (unsigned, x.sign) {
        (true, true) => 0,
        (true, false) => mask,
        (false, sign) => (mask >> 1) + u64::from(sign),
    };
    let exponent = x.exponent + fraction_bits as i32;
    let (magnitude, inexact) = match x.class {
        Class::Zero => return 0,
        Class::Quiet | Class::Signalling => {
            env.raise(flag::IOC);
            return 0;
        }
        Class::Finite if exponent <= 63 => round_magnitude(x.sign, exponent, x.significand, rounding),
        Class::Finite | Class::Infinity => {
            env.raise(flag::IOC);
            (limit, false)
        }
    };
    let magnitude = if magnitude > limit {
        env.raise(flag::IOC);
        limit
    } else {
        if inexact {
            env.raise(flag::IXC);
        }
        magnitude
    };
    let value = if x.sign { magnitude.wrapping_neg() } else { magnitude };
    value & mask
}

/// Converts from a fixed-point number of `int_bits` bits, `fraction_bits` of them after the point, with the
/// rounding mode of FPCR (`FixedToFP`).
#[inline]
pub fn from_fixed<F: Format>(
    value: u64,
    fraction_bits: u32,
    unsigned: bool,
    int_bits: u32,
    env: &mut FpEnv,
) -> u64 {
    let shift = 64 - int_bits;
    let value = if unsigned { value << shift >> shift } else { ((value << shift) as i64 >> shift) as u64 };
    if value == 0 {
        return 0;
    }
    let sign = !unsigned && value >> 63 != 0;
    let magnitude = if sign { value.wrapping_neg() } else { value };
    let shift = magnitude.leading_zeros();
    let exponent = 63 - shift as i32 - fraction_bits as i32;
    round::<F>(sign, exponent, magnitude << shift, env.rounding(), env)
}

/// Converts a double to an integer modulo 2^32, towards zero (`FPToFixedJS`).
///
/// Returns the integer and PSTATE.Z: whether the conversion was exact and in range, and not from -0.
pub fn to_int32_javascript(a: u64, env: &mut FpEnv) -> (u32, bool) {
    let x = unpack::<Double>(a, env);
    match x.class {
        // A denormal that was flushed is a zero but not an exact one.
        Class::Zero => (0, a == 0),
        Class::Quiet | Class::Signalling | Class::Infinity => {
            env.raise(flag::IOC);
            (0, false)
        }
        Class::Finite => {
            let (magnitude, inexact) = if x.exponent <= 63 {
                round_magnitude(x.sign, x.exponent, x.significand, Rounding::Zero)
            } else {
                // An integer: what is shifted out at the top does not count modulo 2^32.
                let shift = (x.exponent - 63) as u32;
                (x.significand.checked_shl(shift).unwrap_or(0), false)
            };
            let limit = (1u64 << 31) - u64::from(!x.sign);
            let in_range = x.exponent <= 63 && magnitude <= limit;
            if !in_range {
                env.raise(flag::IOC);
            } else if inexact {
                env.raise(flag::IXC);
            }
            let low = magnitude as u32;
            (if x.sign { low.wrapping_neg() } else { low }, in_range && !inexact)
        }
    }
}
