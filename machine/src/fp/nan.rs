//! Which NaN an operation returns.

use super::env::{FpEnv, flag};
use super::format::Format;
use super::unpack::{Class, Unpacked};

/// Quietens a NaN operand, or replaces it when FPCR.DN asks (`FPProcessNaN`).
#[inline]
pub(super) fn process_nan<F: Format>(class: Class, bits: u64, env: &mut FpEnv) -> u64 {
    if class == Class::Signalling {
        env.raise(flag::IOC);
    }
    if env.default_nan() { F::DEFAULT_NAN } else { bits | F::QUIET }
}

/// Returns the NaN result of two operands, if any is a NaN (`FPProcessNaNs`): signalling before quiet, first
/// before second.
#[inline]
pub(super) fn process_nans<F: Format>(
    a: (Unpacked, u64),
    b: (Unpacked, u64),
    env: &mut FpEnv,
) -> Option<u64> {
    for wanted in [Class::Signalling, Class::Quiet] {
        for (unpacked, bits) in [a, b] {
            if unpacked.class == wanted {
                return Some(process_nan::<F>(wanted, bits, env));
            }
        }
    }
    None
}

/// Raises an invalid operation and returns the default NaN.
#[cold]
pub(super) fn invalid<F: Format>(env: &mut FpEnv) -> u64 {
    env.raise(flag::IOC);
    F::DEFAULT_NAN
}

/// Moves the payload of a NaN into another format and quietens it (`FPConvertNaN`).
pub(super) fn convert_nan<From: Format, To: Format>(bits: u64) -> u64 {
    let payload = (bits & From::FRAC_MASK) << (63 - From::FRAC) >> (63 - To::FRAC) & To::FRAC_MASK;
    let sign = if bits & From::SIGN != 0 { To::SIGN } else { 0 };
    sign | To::INFINITY | To::QUIET | payload
}
