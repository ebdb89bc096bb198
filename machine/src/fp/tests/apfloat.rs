//! All rounding modes and formats against `rustc_apfloat`.

use super::super::*;
use super::{ROUNDING_FPCR, Random, is_nan, run};
use rustc_apfloat::{Float, FloatConvert, Round, Status, StatusAnd, ieee};

fn round_of(rounding: Rounding) -> Round {
    match rounding {
        Rounding::TieEven => Round::NearestTiesToEven,
        Rounding::TieAway => Round::NearestTiesToAway,
        Rounding::PosInf => Round::TowardPositive,
        Rounding::NegInf => Round::TowardNegative,
        Rounding::Zero => Round::TowardZero,
        Rounding::Odd => unreachable!("apfloat does not round to odd"),
    }
}

/// The expected result and flags: `operation` under the rounding mode, and UFC by the rule that tininess is
/// seen before rounding, which the truncated result shows.
fn expected<F: Format, A: Float>(
    rounding: Rounding,
    operation: impl Fn(Round) -> StatusAnd<A>,
) -> (u64, u64) {
    let StatusAnd { status, value } = operation(round_of(rounding));
    let mut flags = 0;
    for (bit, flag) in [
        (Status::INVALID_OP, flag::IOC),
        (Status::DIV_BY_ZERO, flag::DZC),
        (Status::OVERFLOW, flag::OFC),
        (Status::INEXACT, flag::IXC),
    ] {
        if status.contains(bit) {
            flags |= flag;
        }
    }
    let truncated = operation(Round::TowardZero).value.to_bits() as u64 & (F::SIGN - 1);
    if status.contains(Status::INEXACT) && truncated < 1 << F::FRAC {
        flags |= flag::UFC;
    }
    (value.to_bits() as u64, flags)
}

fn check<F: Format>(context: &str, actual: (u64, u64), expected: (u64, u64)) {
    if is_nan::<F>(expected.0) {
        assert!(is_nan::<F>(actual.0), "{context}: {:#x}, expected a NaN", actual.0);
        return;
    }
    // apfloat does not report an overflow that gives the largest number.
    let is_largest = actual.0 & (F::SIGN - 1) == F::MAX_NORMAL && actual.1 & flag::IXC != 0;
    let ignored = if is_largest { flag::OFC } else { 0 };
    let actual = (actual.0, actual.1 & !ignored);
    assert_eq!(actual, expected, "{context}: {actual:#x?}, expected {expected:#x?}");
}

fn arithmetic<F: Format, A: Float>(seed: u64, count: u32) {
    let mut random = Random(seed);
    for _ in 0..count {
        let a = random.pattern::<F>(F::ONE);
        let b = random.pattern::<F>(a);
        // An addend near the product or near one operand.
        let near = if random.next().is_multiple_of(2) { a } else { mul::<F>(a, b, &mut FpEnv::default()) };
        let c = random.pattern::<F>(near);
        let [x, y, z] = [a, b, c].map(|bits| A::from_bits(u128::from(bits)));
        for (rounding, fpcr) in ROUNDING_FPCR {
            let context = |name: &str| format!("{name} {a:#x} {b:#x} {c:#x} {rounding:?}");
            let e = expected::<F, A>(rounding, |r| x.add_r(y, r));
            check::<F>(&context("add"), run(fpcr, |env| add::<F>(a, b, env)), e);
            let e = expected::<F, A>(rounding, |r| x.sub_r(y, r));
            check::<F>(&context("sub"), run(fpcr, |env| sub::<F>(a, b, env)), e);
            let e = expected::<F, A>(rounding, |r| x.mul_r(y, r));
            check::<F>(&context("mul"), run(fpcr, |env| mul::<F>(a, b, env)), e);
            let e = expected::<F, A>(rounding, |r| x.div_r(y, r));
            check::<F>(&context("div"), run(fpcr, |env| div::<F>(a, b, env)), e);
            let e = expected::<F, A>(rounding, |r| x.mul_add_r(y, z, r));
            check::<F>(&context("mul_add"), run(fpcr, |env| mul_add::<F>(c, a, b, env)), e);
        }
    }
}

#[test]
fn half_arithmetic_agrees_in_all_rounding_modes() {
    arithmetic::<Half, ieee::Half>(0x5eed_1001, 40_000);
}

#[test]
fn single_arithmetic_agrees_in_all_rounding_modes() {
    arithmetic::<Single, ieee::Single>(0x5eed_1002, 30_000);
}

#[test]
fn double_arithmetic_agrees_in_all_rounding_modes() {
    arithmetic::<Double, ieee::Double>(0x5eed_1003, 30_000);
}

fn conversion<F: Format, T: Format, A, B>(seed: u64, count: u32)
where
    A: Float + FloatConvert<B>,
    B: Float,
{
    let mut random = Random(seed);
    for _ in 0..count {
        let near = F::ONE.wrapping_add((random.next() % 60) << F::FRAC).wrapping_sub(30 << F::FRAC);
        let a = random.pattern::<F>(near & F::MASK);
        for (rounding, fpcr) in ROUNDING_FPCR {
            let e = expected::<T, B>(rounding, |r| A::from_bits(u128::from(a)).convert_r(r, &mut false));
            check::<T>(&format!("convert {a:#x} {rounding:?}"), run(fpcr, |env| convert::<F, T>(a, env)), e);
        }
    }
}

#[test]
fn conversions_between_formats_agree_in_all_rounding_modes() {
    conversion::<Double, Single, ieee::Double, ieee::Single>(0x5eed_2001, 40_000);
    conversion::<Double, Half, ieee::Double, ieee::Half>(0x5eed_2002, 40_000);
    conversion::<Single, Half, ieee::Single, ieee::Half>(0x5eed_2003, 40_000);
    conversion::<Half, Single, ieee::Half, ieee::Single>(0x5eed_2004, 20_000);
    conversion::<Half, Double, ieee::Half, ieee::Double>(0x5eed_2005, 20_000);
    conversion::<Single, Double, ieee::Single, ieee::Double>(0x5eed_2006, 20_000);
}

#[test]
fn bfloat16_conversion_agrees_in_all_rounding_modes() {
    let mut random = Random(0x5eed_2007);
    for _ in 0..40_000 {
        let a = random.pattern::<Single>(Single::ONE);
        for (rounding, fpcr) in ROUNDING_FPCR {
            let single = ieee::Single::from_bits(u128::from(a));
            let e = expected::<Bfloat16, ieee::BFloat>(rounding, |r| single.convert_r(r, &mut false));
            check::<Bfloat16>(&format!("to_bfloat16 {a:#x}"), run(fpcr, |env| to_bfloat16(a, env)), e);
        }
    }
}

/// Square roots: the truncated root is checked by squaring in quad precision, the others follow from it.
fn square_root<F: Format, A: Float + FloatConvert<ieee::Quad>>(seed: u64, count: u32) {
    let quad = |bits: u64| A::from_bits(u128::from(bits)).convert(&mut false).value;
    let mut random = Random(seed);
    for _ in 0..count {
        let a = random.pattern::<F>(F::ONE) & !F::SIGN;
        if a == 0 || a >= F::INFINITY {
            continue;
        }
        let (down, flags) = run(3 << 22, |env| sqrt::<F>(a, env));
        let (up, _) = run(1 << 22, |env| sqrt::<F>(a, env));
        let square = |bits: u64| quad(bits).mul_r(quad(bits), Round::TowardZero).value;
        assert!(square(down) <= quad(a), "sqrt {a:#x}");
        assert!(square(up) >= quad(a), "sqrt {a:#x}");
        let exact = square(down) == quad(a);
        assert_eq!(flags, if exact { 0 } else { flag::IXC }, "sqrt {a:#x}");
        assert_eq!(up, if exact { down } else { down + 1 }, "sqrt {a:#x}");
        let (nearest, _) = run(0, |env| sqrt::<F>(a, env));
        // The middle between two neighbours has one bit more; its square is still exact in quad precision.
        let half = ieee::Quad::from_bits(0x3ffe << 112);
        let middle = quad(down).add_r(quad(up), Round::TowardZero).value.mul_r(half, Round::TowardZero).value;
        let middle_square = middle.mul_r(middle, Round::TowardZero).value;
        assert_eq!(nearest, if quad(a) > middle_square { up } else { down }, "sqrt {a:#x}");
    }
}

#[test]
fn square_roots_are_correctly_rounded() {
    square_root::<Half, ieee::Half>(0x5eed_3001, 30_000);
    square_root::<Single, ieee::Single>(0x5eed_3002, 30_000);
    square_root::<Double, ieee::Double>(0x5eed_3003, 30_000);
}

fn integers<F: Format, A: Float>(seed: u64, count: u32) {
    let modes = [Rounding::TieEven, Rounding::PosInf, Rounding::NegInf, Rounding::Zero, Rounding::TieAway];
    let mut random = Random(seed);
    for _ in 0..count {
        let near = F::ONE.wrapping_add((random.next() % 70) << F::FRAC) & F::MASK;
        let a = random.pattern::<F>(near.min(F::MAX_NORMAL));
        let x = A::from_bits(u128::from(a));
        for rounding in modes {
            let context = format!("{a:#x} {rounding:?}");
            let e = x.round_to_integral(round_of(rounding));
            let (result, flags) = run(0, |env| round_to_integral::<F>(a, rounding, true, env));
            if !is_nan::<F>(a) {
                assert_eq!(u128::from(result), e.value.to_bits(), "round_to_integral {context}");
                assert_eq!(flags, if result == a { 0 } else { flag::IXC }, "round_to_integral {context}");
            }
            for width in [16, 32, 64] {
                let signed = x.to_i128_r(width as usize, round_of(rounding), &mut false);
                let (result, flags) = run(0, |env| to_fixed::<F>(a, 0, false, width, rounding, env));
                let mask = u64::MAX >> (64 - width);
                assert_eq!(result, signed.value as u64 & mask, "to signed {width} {context}");
                assert_eq!(flags, integer_flags(signed.status), "to signed {width} {context}");
                let unsigned = x.to_u128_r(width as usize, round_of(rounding), &mut false);
                let (result, flags) = run(0, |env| to_fixed::<F>(a, 0, true, width, rounding, env));
                assert_eq!(result, unsigned.value as u64, "to unsigned {width} {context}");
                assert_eq!(flags, integer_flags(unsigned.status), "to unsigned {width} {context}");
            }
        }
        let n = random.next() >> (random.next() % 64);
        for (rounding, fpcr) in ROUNDING_FPCR {
            let e = expected::<F, A>(rounding, |r| A::from_i128_r(i128::from(n as i64), r));
            check::<F>(
                "from signed",
                run(fpcr, |env| from_fixed::<F>(n, 0, false, 64, env)),
                (e.0, e.1 & !flag::UFC),
            );
            let e = expected::<F, A>(rounding, |r| A::from_u128_r(u128::from(n), r));
            check::<F>(
                "from unsigned",
                run(fpcr, |env| from_fixed::<F>(n, 0, true, 64, env)),
                (e.0, e.1 & !flag::UFC),
            );
        }
    }
}

fn integer_flags(status: Status) -> u64 {
    if status.contains(Status::INVALID_OP) {
        flag::IOC
    } else if status.contains(Status::INEXACT) {
        flag::IXC
    } else {
        0
    }
}

#[test]
fn integer_conversions_agree_in_all_rounding_modes() {
    integers::<Half, ieee::Half>(0x5eed_4001, 10_000);
    integers::<Single, ieee::Single>(0x5eed_4002, 10_000);
    integers::<Double, ieee::Double>(0x5eed_4003, 10_000);
}

#[test]
fn fixed_point_conversion_equals_scaling_by_a_power_of_two() {
    let mut random = Random(0x5eed_4004);
    for _ in 0..20_000 {
        let n = random.next() >> (random.next() % 64);
        let fraction_bits = (random.next() % 64) as u32 + 1;
        for (rounding, fpcr) in ROUNDING_FPCR {
            // Rounding and scaling commute as long as nothing overflows or underflows.
            let (integer, _) = run(fpcr, |env| from_fixed::<Double>(n, 0, false, 64, env));
            let (fixed, _) = run(fpcr, |env| from_fixed::<Double>(n, fraction_bits, false, 64, env));
            let scaled = if integer == 0 { 0 } else { integer - (u64::from(fraction_bits) << Double::FRAC) };
            assert_eq!(fixed, scaled);
            let a = random.pattern::<Double>(Double::ONE);
            let up = a.wrapping_add(u64::from(fraction_bits) << Double::FRAC);
            if a & Double::INFINITY == 0
                || up & Double::SIGN != a & Double::SIGN
                || up & !Double::SIGN >= Double::INFINITY
            {
                continue;
            }
            let direct = run(0, |env| to_fixed::<Double>(a, fraction_bits, false, 64, rounding, env));
            assert_eq!(direct, run(0, |env| to_fixed::<Double>(up, 0, false, 64, rounding, env)));
        }
    }
}
