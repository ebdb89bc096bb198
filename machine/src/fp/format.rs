//! The floating-point formats as types with constants.

use super::env::FpEnv;

/// A binary interchange format; values are bit patterns in the low [`Format::BITS`] bits of a `u64`.
pub trait Format: Copy + 'static {
    /// The width of a value in bits.
    const BITS: u32;
    /// The width of the fraction field in bits.
    const FRAC: u32;
    /// The exponent bias.
    const BIAS: i32 = (1 << (Self::BITS - Self::FRAC - 2)) - 1;
    /// All bits of a value.
    const MASK: u64 = u64::MAX >> (64 - Self::BITS);
    /// The sign bit.
    const SIGN: u64 = 1 << (Self::BITS - 1);
    /// The fraction field.
    const FRAC_MASK: u64 = (1 << Self::FRAC) - 1;
    /// Plus infinity; also the exponent field.
    const INFINITY: u64 = Self::SIGN - (1 << Self::FRAC);
    /// The largest finite number.
    const MAX_NORMAL: u64 = Self::INFINITY - 1;
    /// The bit of the fraction that makes a NaN quiet.
    const QUIET: u64 = 1 << (Self::FRAC - 1);
    /// The default NaN (`FPDefaultNaN` with FPCR.AH = 0).
    const DEFAULT_NAN: u64 = Self::INFINITY | Self::QUIET;
    /// 1.0
    const ONE: u64 = (Self::BIAS as u64) << Self::FRAC;
    /// 1.5
    const ONE_AND_HALF: u64 = Self::ONE | Self::QUIET;
    /// 2.0
    const TWO: u64 = Self::ONE + (1 << Self::FRAC);

    /// Tells whether denormals are flushed in arithmetic.
    fn flushes(env: &FpEnv) -> bool {
        env.flush()
    }
    /// Tells whether flushing a denormal operand sets FPSR.IDC.
    const FLUSH_SETS_IDC: bool = true;

    /// The host's sum, when it and the flags are certainly those of the architecture. See `host`.
    #[inline(always)]
    fn host_add(_a: u64, _b: u64, _inexact_noted: bool) -> Option<u64> {
        None
    }
    /// The host's difference, likewise.
    #[inline(always)]
    fn host_sub(_a: u64, _b: u64, _inexact_noted: bool) -> Option<u64> {
        None
    }
    /// The host's product, likewise.
    #[inline(always)]
    fn host_mul(_a: u64, _b: u64, _inexact_noted: bool) -> Option<u64> {
        None
    }
    /// The host's quotient, likewise.
    #[inline(always)]
    fn host_div(_a: u64, _b: u64, _inexact_noted: bool) -> Option<u64> {
        None
    }
    /// The host's square root, likewise.
    #[inline(always)]
    fn host_sqrt(_a: u64, _inexact_noted: bool) -> Option<u64> {
        None
    }
    /// The host's fused `a * b + c`, likewise.
    #[inline(always)]
    fn host_mul_add(_a: u64, _b: u64, _c: u64, _inexact_noted: bool) -> Option<u64> {
        None
    }
}

/// IEEE half precision (also the container of the alternative half precision in conversions).
#[derive(Clone, Copy, Debug)]
pub struct Half;

/// IEEE single precision.
#[derive(Clone, Copy, Debug)]
pub struct Single;

/// IEEE double precision.
#[derive(Clone, Copy, Debug)]
pub struct Double;

/// BFloat16.
#[derive(Clone, Copy, Debug)]
pub struct Bfloat16;

impl Format for Half {
    const BITS: u32 = 16;
    const FRAC: u32 = 10;
    const FLUSH_SETS_IDC: bool = false;
    #[inline(always)]
    fn flushes(env: &FpEnv) -> bool {
        env.flush_half()
    }
}

impl Format for Bfloat16 {
    const BITS: u32 = 16;
    const FRAC: u32 = 7;
}

/// Implements a format whose arithmetic the host has, in `$float`.
macro_rules! host_format {
    ($format:ident, $float:ident, $bits:ident, $width:literal, $frac:literal) => {
        impl Format for $format {
            const BITS: u32 = $width;
            const FRAC: u32 = $frac;
            #[inline(always)]
            fn host_add(a: u64, b: u64, inexact_noted: bool) -> Option<u64> {
                super::host::$float::add(
                    $float::from_bits(a as $bits),
                    $float::from_bits(b as $bits),
                    inexact_noted,
                )
            }
            #[inline(always)]
            fn host_sub(a: u64, b: u64, inexact_noted: bool) -> Option<u64> {
                super::host::$float::add(
                    $float::from_bits(a as $bits),
                    -$float::from_bits(b as $bits),
                    inexact_noted,
                )
            }
            #[inline(always)]
            fn host_mul(a: u64, b: u64, inexact_noted: bool) -> Option<u64> {
                super::host::$float::mul(
                    $float::from_bits(a as $bits),
                    $float::from_bits(b as $bits),
                    inexact_noted,
                )
            }
            #[inline(always)]
            fn host_div(a: u64, b: u64, inexact_noted: bool) -> Option<u64> {
                super::host::$float::div(
                    $float::from_bits(a as $bits),
                    $float::from_bits(b as $bits),
                    inexact_noted,
                )
            }
            #[inline(always)]
            fn host_sqrt(a: u64, inexact_noted: bool) -> Option<u64> {
                super::host::$float::sqrt($float::from_bits(a as $bits), inexact_noted)
            }
            #[inline(always)]
            fn host_mul_add(a: u64, b: u64, c: u64, inexact_noted: bool) -> Option<u64> {
                super::host::$float::mul_add(
                    $float::from_bits(a as $bits),
                    $float::from_bits(b as $bits),
                    $float::from_bits(c as $bits),
                    inexact_noted,
                )
            }
        }
    };
}

host_format!(Single, f32, u32, 32, 23);
host_format!(Double, f64, u64, 64, 52);
