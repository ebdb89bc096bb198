//! Arm floating point as pure functions: operands are bit patterns, the environment is an [`FpEnv`].
//!
//! Everything here is bit-exact against the Arm pseudocode (`FPAdd`, `FPRound`, `FPProcessNaNs`, ...),
//! including the cumulative flags of FPSR, and knows nothing of a CPU. Values of every format travel in the
//! low bits of a `u64`; the format is a type parameter ([`Half`], [`Single`], [`Double`], [`Bfloat16`]).
//! FPCR.AH, FPCR.FIZ and FPCR.NEP are taken as zero, and exceptions are never trapped.
//!
//! `host` is the fast path beside these functions: it uses the host's FPU where the result and the
//! flags are provably the same, and declines otherwise.

mod arith;
mod bfloat;
mod compare;
mod convert;
mod env;
mod estimate;
mod fixed;
mod format;
mod fused;
mod host;
mod integral;
mod minmax;
mod nan;
mod round;
mod unpack;

pub use arith::{abs, abs_diff, add, div, mul, mulx, neg, sqrt, sub};
pub use bfloat::{dot_add_bfloat16, mul_add_bfloat16, to_bfloat16};
pub use compare::{compare, compare_eq, compare_ge, compare_gt};
pub use convert::{convert, convert_round_to_odd};
pub use env::{FpEnv, Rounding, flag};
pub use estimate::{
    recip_estimate, recip_exponent, rsqrt_estimate, unsigned_recip_estimate, unsigned_rsqrt_estimate,
};
pub use fixed::{from_fixed, to_fixed, to_int32_javascript};
pub use format::{Bfloat16, Double, Format, Half, Single};
pub use fused::{mul_add, mul_add_half, recip_step, rsqrt_step};
pub use integral::{round_to_integral, round_to_integral_sized};
pub use minmax::{max, max_num, min, min_num};

#[cfg(test)]
mod tests;
