//! Conversion to BFloat16.

use super::env::{FpEnv, flag};
use super::format::{Bfloat16, Format, Single};
use super::nan::convert_nan;
use super::round::{infinity, round, zero};
use super::unpack::{Class, unpack};

/// Converts single to BFloat16 with the rounding mode of FPCR (`FPConvertBF`).
pub fn to_bfloat16(a: u64, env: &mut FpEnv) -> u64 {
    let x = unpack::<Single>(a, env);
    match x.class {
        Class::Quiet | Class::Signalling => {
            if x.class == Class::Signalling {
                env.raise(flag::IOC);
            }
            if env.default_nan() { Bfloat16::DEFAULT_NAN } else { convert_nan::<Single, Bfloat16>(a) }
        }
        Class::Infinity => infinity::<Bfloat16>(x.sign),
        Class::Zero => zero::<Bfloat16>(x.sign),
        Class::Finite => round::<Bfloat16>(x.sign, x.exponent, x.significand, env.rounding(), env),
    }
}
