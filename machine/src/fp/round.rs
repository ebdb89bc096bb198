//! Putting values together: rounding, overflow, underflow, flushing.

use super::env::{FpEnv, Rounding, flag};
use super::format::Format;

/// Returns a zero of the given sign.
#[inline(always)]
pub(super) fn zero<F: Format>(sign: bool) -> u64 {
    if sign { F::SIGN } else { 0 }
}

/// Returns an infinity of the given sign.
#[inline(always)]
pub(super) fn infinity<F: Format>(sign: bool) -> u64 {
    zero::<F>(sign) | F::INFINITY
}

/// Returns the zero that an exact cancellation gives: negative only when rounding towards minus infinity.
#[inline(always)]
pub(super) fn cancelled<F: Format>(rounding: Rounding) -> u64 {
    zero::<F>(rounding == Rounding::NegInf)
}

/// Shifts right, keeping in bit 0 whether a non-zero bit was lost.
#[inline(always)]
pub(super) fn shift_right_jam(value: u128, amount: u32) -> u128 {
    if amount == 0 {
        value
    } else if amount < 128 {
        (value >> amount) | u128::from(value << (128 - amount) != 0)
    } else {
        u128::from(value != 0)
    }
}

/// Narrows a 128-bit significand to its upper half, keeping in bit 0 whether a non-zero bit was lost.
#[inline(always)]
pub(super) fn jam_to_u64(value: u128) -> u64 {
    (value >> 64) as u64 | u64::from(value as u64 != 0)
}

/// Rounds a result of arithmetic (`FPRound`).
///
/// The value is `significand * 2^(exponent - 63)`, bit 63 of the significand is set, and bit 0 stands for
/// anything that was lost below it.
#[inline]
pub(super) fn round<F: Format>(
    sign: bool,
    exponent: i32,
    significand: u64,
    rounding: Rounding,
    env: &mut FpEnv,
) -> u64 {
    round_base::<F>(sign, exponent, significand, rounding, F::flushes(env), false, env)
}

/// Rounds the result of a conversion: FPCR.FZ16 has no effect, FPCR.AHP has (`FPRoundCV`).
#[inline]
pub(super) fn round_converted<F: Format>(
    sign: bool,
    exponent: i32,
    significand: u64,
    rounding: Rounding,
    env: &mut FpEnv,
) -> u64 {
    let flush = F::FLUSH_SETS_IDC && F::flushes(env);
    let alternative = !F::FLUSH_SETS_IDC && env.alternative_half();
    round_base::<F>(sign, exponent, significand, rounding, flush, alternative, env)
}

/// `FPRoundBase` with FPCR.AH = 0: tininess is seen before rounding.
#[inline(always)]
fn round_base<F: Format>(
    sign: bool,
    exponent: i32,
    significand: u64,
    rounding: Rounding,
    flush: bool,
    alternative: bool,
    env: &mut FpEnv,
) -> u64 {
    debug_assert!(significand >> 63 == 1);
    let dropped_bits = 63 - F::FRAC;
    let mut biased = exponent + F::BIAS;
    let mut aligned = significand;
    if biased <= 0 {
        if flush {
            env.raise(flag::UFC);
            return zero::<F>(sign);
        }
        aligned = shift_right_jam(u128::from(significand), (1 - biased) as u32) as u64;
        biased = 0;
    }
    let kept = aligned >> dropped_bits;
    let dropped = aligned & ((1 << dropped_bits) - 1);
    let mut inexact = dropped != 0;
    if inexact && biased == 0 {
        env.raise(flag::UFC);
    }
    let up = rounding.rounds_up(sign, kept & 1 != 0, dropped.cmp(&(1 << (dropped_bits - 1))), inexact);
    let kept = (kept + u64::from(up)) | u64::from(rounding == Rounding::Odd && inexact);
    // A carry out of the fraction, of a normal or a denormal number, moves on into the exponent field.
    let magnitude = if biased == 0 { kept } else { ((biased as u64 - 1) << F::FRAC) + kept };
    let magnitude = if alternative {
        if magnitude >= F::SIGN {
            env.raise(flag::IOC);
            inexact = false;
            F::SIGN - 1
        } else {
            magnitude
        }
    } else if magnitude >= F::INFINITY {
        env.raise(flag::OFC);
        inexact = true;
        if rounding.overflows_to_infinity(sign) { F::INFINITY } else { F::MAX_NORMAL }
    } else {
        magnitude
    };
    if inexact {
        env.raise(flag::IXC);
    }
    zero::<F>(sign) | magnitude
}
