//! Rounding to an integral value in the same format.

use super::env::{FpEnv, Rounding, flag};
use super::format::Format;
use super::nan::process_nan;
use super::round::{round, shift_right_jam, zero};
use super::unpack::{Class, Unpacked, unpack};

/// Rounds the magnitude `significand * 2^(exponent - 63)` to an integer.
///
/// `exponent` is at most 63. Returns the integer and whether it differs from the value.
#[inline(always)]
pub(super) fn round_magnitude(
    sign: bool,
    exponent: i32,
    significand: u64,
    rounding: Rounding,
) -> (u64, bool) {
    let fixed = shift_right_jam(u128::from(significand) << 64, (63 - exponent) as u32);
    let (integer, fraction) = ((fixed >> 64) as u64, fixed as u64);
    let up = rounding.rounds_up(sign, integer & 1 != 0, fraction.cmp(&(1 << 63)), fraction != 0);
    (integer + u64::from(up), fraction != 0)
}

/// Packs an integral magnitude that the format represents exactly.
fn pack<F: Format>(sign: bool, integer: u64, env: &mut FpEnv) -> u64 {
    if integer == 0 {
        return zero::<F>(sign);
    }
    let shift = integer.leading_zeros();
    round::<F>(sign, 63 - shift as i32, integer << shift, Rounding::Zero, env)
}

/// Rounds to an integral value (`FPRoundInt`); IXC is raised only if `exact`.
#[inline]
pub fn round_to_integral<F: Format>(a: u64, rounding: Rounding, exact: bool, env: &mut FpEnv) -> u64 {
    let x = unpack::<F>(a, env);
    match x.class {
        Class::Quiet | Class::Signalling => process_nan::<F>(x.class, a, env),
        Class::Zero => zero::<F>(x.sign),
        Class::Infinity => a,
        Class::Finite if x.exponent >= F::FRAC as i32 => a,
        Class::Finite => {
            let (integer, inexact) = round_magnitude(x.sign, x.exponent, x.significand, rounding);
            if inexact && exact {
                env.raise(flag::IXC);
            }
            pack::<F>(x.sign, integer, env)
        }
    }
}

/// Rounds to an integral value that fits a signed integer of `int_bits` (32 or 64) bits, else gives
/// `-2^(int_bits - 1)` and raises IOC (`FPRoundIntN`).
#[inline]
pub fn round_to_integral_sized<F: Format>(a: u64, rounding: Rounding, int_bits: u32, env: &mut FpEnv) -> u64 {
    let x = unpack::<F>(a, env);
    match x.class {
        Class::Zero => zero::<F>(x.sign),
        Class::Finite => match fit::<F>(x, rounding, int_bits, env) {
            Some(result) => result,
            None => out_of_range::<F>(int_bits, env),
        },
        _ => out_of_range::<F>(int_bits, env),
    }
}

fn fit<F: Format>(x: Unpacked, rounding: Rounding, int_bits: u32, env: &mut FpEnv) -> Option<u64> {
    if x.exponent > 63 {
        return None;
    }
    let (integer, inexact) = round_magnitude(x.sign, x.exponent, x.significand, rounding);
    if integer > (1 << (int_bits - 1)) - u64::from(!x.sign) {
        return None;
    }
    if inexact {
        env.raise(flag::IXC);
    }
    Some(pack::<F>(x.sign, integer, env))
}

#[cold]
fn out_of_range<F: Format>(int_bits: u32, env: &mut FpEnv) -> u64 {
    env.raise(flag::IOC);
    F::SIGN | (((F::BIAS as u64) + u64::from(int_bits) - 1) << F::FRAC)
}
