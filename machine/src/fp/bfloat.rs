//! BFloat16: conversion and products.

use super::arith::{add_slow, mul_slow};
use super::env::{DN, FZ, FpEnv, Rounding, flag};
use super::format::{Bfloat16, Format, Single};
use super::fused::mul_add;
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

/// Returns the single-precision `addend + a * b` of BFloat16 `a` and `b`, with one rounding (`BFMulAddH`).
#[inline]
pub fn mul_add_bfloat16(addend: u64, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    mul_add::<Single>(addend, widen(a), widen(b), env)
}

/// Returns the single-precision `addend + (a[0] * b[0] + a[1] * b[1])` of BFloat16 pairs (`BFDotAdd` with
/// FPCR.EBF = 0).
///
/// FPCR has no effect and FPSR does not change: every step rounds to odd, flushes denormals, overflows to
/// infinity and makes default NaNs.
#[must_use]
pub fn dot_add_bfloat16(addend: u64, a: [u64; 2], b: [u64; 2]) -> u64 {
    let product =
        |i: usize| standard(|env| mul_slow::<Single, false>(widen(a[i]), widen(b[i]), Rounding::Odd, env));
    let sum = |x, y| standard(|env| add_slow::<Single, false>(x, y, Rounding::Odd, env));
    sum(addend, sum(product(0), product(1)))
}

/// A BFloat16 number as single precision, of which it is the upper half.
#[inline(always)]
fn widen(a: u64) -> u64 {
    a << (Single::BITS - Bfloat16::BITS)
}

/// Runs one step of a dot product in its own environment (`BFRound`).
#[inline(always)]
fn standard(operation: impl FnOnce(&mut FpEnv) -> u64) -> u64 {
    let mut env = FpEnv::new(FZ | DN);
    let result = operation(&mut env);
    if env.fpsr & flag::OFC != 0 { result & Single::SIGN | Single::INFINITY } else { result }
}
