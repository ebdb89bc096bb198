//! Conversions between half, single and double.

use super::env::{FpEnv, Rounding, flag};
use super::format::{Double, Format, Single};
use super::nan::convert_nan;
use super::round::{infinity, round_converted, zero};
use super::unpack::{Class, unpack_converted};

/// Converts between formats with the rounding mode of FPCR (`FPConvert`).
#[inline]
pub fn convert<From: Format, To: Format>(a: u64, env: &mut FpEnv) -> u64 {
    convert_with::<From, To>(a, env.rounding(), env)
}

/// Converts double to single, rounding to odd (the FCVTXN instruction).
pub fn convert_round_to_odd(a: u64, env: &mut FpEnv) -> u64 {
    convert_with::<Double, Single>(a, Rounding::Odd, env)
}

fn convert_with<From: Format, To: Format>(a: u64, rounding: Rounding, env: &mut FpEnv) -> u64 {
    let x = unpack_converted::<From>(a, env);
    let alternative = To::BITS == 16 && env.alternative_half();
    match x.class {
        Class::Quiet | Class::Signalling => {
            if x.class == Class::Signalling || alternative {
                env.raise(flag::IOC);
            }
            if alternative {
                zero::<To>(x.sign)
            } else if env.default_nan() {
                To::DEFAULT_NAN
            } else {
                convert_nan::<From, To>(a)
            }
        }
        Class::Infinity if alternative => {
            env.raise(flag::IOC);
            zero::<To>(x.sign) | (To::SIGN - 1)
        }
        Class::Infinity => infinity::<To>(x.sign),
        Class::Zero => zero::<To>(x.sign),
        Class::Finite => round_converted::<To>(x.sign, x.exponent, x.significand, rounding, env),
    }
}
