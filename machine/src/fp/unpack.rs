//! Taking values apart: class, sign, exponent and significand.

use super::env::{FpEnv, flag};
use super::format::Format;

/// The class of a value after flushing (`FPType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Zero,
    Finite,
    Infinity,
    Quiet,
    Signalling,
}

/// An unpacked value. If `class` is [`Class::Finite`] it is `significand * 2^(exponent - 63)` with bit 63 of
/// the significand set; else exponent and significand mean nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unpacked {
    pub(super) class: Class,
    pub(super) sign: bool,
    pub(super) exponent: i32,
    pub(super) significand: u64,
}

impl Unpacked {
    #[inline(always)]
    pub(super) fn is_nan(&self) -> bool {
        matches!(self.class, Class::Quiet | Class::Signalling)
    }
    #[inline(always)]
    pub(super) fn is_infinite(&self) -> bool {
        self.class == Class::Infinity
    }
    #[inline(always)]
    pub(super) fn is_zero(&self) -> bool {
        self.class == Class::Zero
    }
}

/// Unpacks an operand of arithmetic, flushing a denormal as FPCR says (`FPUnpack`).
#[inline]
pub(super) fn unpack<F: Format>(bits: u64, env: &mut FpEnv) -> Unpacked {
    unpack_base::<F>(bits, F::flushes(env), false, env)
}

/// Unpacks the operand of a conversion: FPCR.FZ16 has no effect, FPCR.AHP has (`FPUnpackCV`).
#[inline]
pub(super) fn unpack_converted<F: Format>(bits: u64, env: &mut FpEnv) -> Unpacked {
    let flush = F::FLUSH_SETS_IDC && F::flushes(env);
    let alternative = !F::FLUSH_SETS_IDC && env.alternative_half();
    unpack_base::<F>(bits, flush, alternative, env)
}

/// `FPUnpackBase`.
#[inline(always)]
fn unpack_base<F: Format>(bits: u64, flush: bool, alternative: bool, env: &mut FpEnv) -> Unpacked {
    let sign = bits & F::SIGN != 0;
    let fraction = bits & F::FRAC_MASK;
    let exponent_field = bits & F::INFINITY;
    let class = if exponent_field == 0 {
        if fraction != 0 && flush && F::FLUSH_SETS_IDC {
            env.raise(flag::IDC);
        }
        if fraction == 0 || flush { Class::Zero } else { Class::Finite }
    } else if exponent_field == F::INFINITY && !alternative {
        match fraction {
            0 => Class::Infinity,
            f if f & F::QUIET != 0 => Class::Quiet,
            _ => Class::Signalling,
        }
    } else {
        Class::Finite
    };
    if class != Class::Finite {
        return Unpacked { class, sign, exponent: 0, significand: 0 };
    }
    let (exponent, significand) = if exponent_field == 0 {
        let shift = fraction.leading_zeros();
        (1 - F::BIAS + 63 - F::FRAC as i32 - shift as i32, fraction << shift)
    } else {
        ((exponent_field >> F::FRAC) as i32 - F::BIAS, (fraction | (1 << F::FRAC)) << (63 - F::FRAC))
    };
    Unpacked { class, sign, exponent, significand }
}
