//! What is Arm's own: NaN selection, flushing, the alternative half precision, estimates.

use super::super::*;
use super::{AHP, DN, FZ, FZ16, run};

const SNAN1: u64 = 0x7f80_0001;
const SNAN2: u64 = 0xff80_0002;
const QNAN1: u64 = 0x7fc0_0011;
const QNAN2: u64 = 0xffc0_0022;
const QUIETED1: u64 = 0x7fc0_0001;
const QUIETED2: u64 = 0xffc0_0002;
const DEFAULT: u64 = 0x7fc0_0000;
const INF: u64 = 0x7f80_0000;
const MINUS_INF: u64 = 0xff80_0000;
const ONE: u64 = 0x3f80_0000;
const MINUS_ZERO: u64 = 0x8000_0000;
const DENORMAL: u64 = 0x0000_0001;
const MIN_NORMAL: u64 = 0x0080_0000;

#[test]
fn nan_selection_prefers_signalling_then_operand_order() {
    for (a, b, result, flags) in [
        (QNAN1, ONE, QNAN1, 0),
        (ONE, QNAN2, QNAN2, 0),
        (QNAN1, QNAN2, QNAN1, 0),
        (QNAN2, QNAN1, QNAN2, 0),
        (QNAN1, SNAN2, QUIETED2, flag::IOC),
        (SNAN1, QNAN2, QUIETED1, flag::IOC),
        (SNAN1, SNAN2, QUIETED1, flag::IOC),
        (SNAN2, SNAN1, QUIETED2, flag::IOC),
    ] {
        for operation in [
            add::<Single>,
            sub::<Single>,
            mul::<Single>,
            mulx::<Single>,
            div::<Single>,
            max::<Single>,
            min::<Single>,
        ] {
            assert_eq!(run(0, |env| operation(a, b, env)), (result, flags), "{a:#x} {b:#x}");
            assert_eq!(run(DN, |env| operation(a, b, env)), (DEFAULT, flags), "{a:#x} {b:#x} with DN");
        }
    }
}

#[test]
fn fused_nan_selection_starts_with_the_addend() {
    let fused = |c, a, b| run(0, |env| mul_add::<Single>(c, a, b, env));
    assert_eq!(fused(QNAN1, QNAN2, ONE), (QNAN1, 0));
    assert_eq!(fused(ONE, QNAN2, QNAN1), (QNAN2, 0));
    assert_eq!(fused(ONE, ONE, QNAN1), (QNAN1, 0));
    assert_eq!(fused(QNAN1, ONE, SNAN2), (QUIETED2, flag::IOC));
    assert_eq!(fused(SNAN1, SNAN2, ONE), (QUIETED1, flag::IOC));
    assert_eq!(fused(QNAN1, SNAN2, SNAN1), (QUIETED2, flag::IOC));
}

#[test]
fn fused_zero_times_infinity_is_invalid_even_with_a_quiet_addend() {
    let fused = |c, a, b| run(0, |env| mul_add::<Single>(c, a, b, env));
    assert_eq!(fused(QNAN1, 0, INF), (DEFAULT, flag::IOC));
    assert_eq!(fused(QNAN1, MINUS_INF, 0), (DEFAULT, flag::IOC));
    assert_eq!(fused(SNAN1, 0, INF), (QUIETED1, flag::IOC));
    assert_eq!(fused(ONE, 0, INF), (DEFAULT, flag::IOC));
    assert_eq!(fused(INF, MINUS_INF, ONE), (DEFAULT, flag::IOC));
}

#[test]
fn invalid_operations_give_the_positive_default_nan() {
    let invalid = (DEFAULT, flag::IOC);
    assert_eq!(run(0, |env| add::<Single>(INF, MINUS_INF, env)), invalid);
    assert_eq!(run(0, |env| sub::<Single>(INF, INF, env)), invalid);
    assert_eq!(run(0, |env| mul::<Single>(MINUS_ZERO, INF, env)), invalid);
    assert_eq!(run(0, |env| div::<Single>(0, MINUS_ZERO, env)), invalid);
    assert_eq!(run(0, |env| div::<Single>(INF, INF, env)), invalid);
    assert_eq!(run(0, |env| sqrt::<Single>(0xbf80_0000, env)), invalid);
    assert_eq!(run(0, |env| sqrt::<Single>(MINUS_ZERO, env)), (MINUS_ZERO, 0));
    assert_eq!(run(0, |env| div::<Single>(ONE, MINUS_ZERO, env)), (MINUS_INF, flag::DZC));
}

#[test]
fn mulx_of_zero_and_infinity_is_two_with_the_product_sign() {
    assert_eq!(run(0, |env| mulx::<Single>(0, INF, env)), (0x4000_0000, 0));
    assert_eq!(run(0, |env| mulx::<Single>(MINUS_INF, 0, env)), (0xc000_0000, 0));
}

#[test]
fn exact_cancellation_is_minus_zero_only_towards_minus_infinity() {
    let minus_one = ONE | MINUS_ZERO;
    assert_eq!(run(0, |env| add::<Single>(ONE, minus_one, env)), (0, 0));
    assert_eq!(run(2 << 22, |env| add::<Single>(ONE, minus_one, env)), (MINUS_ZERO, 0));
    assert_eq!(run(2 << 22, |env| mul_add::<Single>(ONE, ONE, minus_one, env)), (MINUS_ZERO, 0));
    assert_eq!(run(2 << 22, |env| add::<Single>(0, MINUS_ZERO, env)), (MINUS_ZERO, 0));
    assert_eq!(run(0, |env| add::<Single>(MINUS_ZERO, MINUS_ZERO, env)), (MINUS_ZERO, 0));
}

#[test]
fn tininess_is_seen_before_rounding() {
    // (1 - 2^-24) * 2^-126 rounds up to the smallest normal number, and underflows all the same.
    let result = run(0, |env| mul::<Single>(0x3f7f_ffff, MIN_NORMAL, env));
    assert_eq!(result, (MIN_NORMAL, flag::UFC | flag::IXC));
    let result = run(FZ, |env| mul::<Single>(0x3f7f_ffff, MIN_NORMAL, env));
    assert_eq!(result, (0, flag::UFC));
    // Exactly the smallest normal number does not, nor does an exact denormal.
    assert_eq!(run(0, |env| mul::<Single>(ONE, MIN_NORMAL, env)), (MIN_NORMAL, 0));
    assert_eq!(run(0, |env| mul::<Single>(0x3f00_0000, MIN_NORMAL, env)), (MIN_NORMAL >> 1, 0));
}

#[test]
fn overflow_is_seen_after_rounding_with_an_unbounded_exponent() {
    let largest = 0x7f7f_ffff;
    let overflow = flag::OFC | flag::IXC;
    for (rounding, sum) in [(0, INF), (1, INF), (2, largest), (3, largest)] {
        assert_eq!(run(rounding << 22, |env| add::<Single>(largest, largest, env)), (sum, overflow));
    }
    // Just above the largest number: only rounding upwards overflows.
    for (rounding, sum, flags) in
        [(0, largest, flag::IXC), (1, INF, overflow), (2, largest, flag::IXC), (3, largest, flag::IXC)]
    {
        assert_eq!(run(rounding << 22, |env| add::<Single>(largest, ONE, env)), (sum, flags));
    }
}

#[test]
fn flush_to_zero_applies_to_operands_and_results_of_single_and_double() {
    assert_eq!(run(FZ, |env| add::<Single>(DENORMAL | MINUS_ZERO, MINUS_ZERO, env)), (MINUS_ZERO, flag::IDC));
    assert_eq!(run(FZ, |env| mul::<Single>(0x3f00_0000, MIN_NORMAL, env)), (0, flag::UFC));
    assert_eq!(run(FZ, |env| u64::from(compare_eq::<Single>(DENORMAL, 0, env))), (1, flag::IDC));
    assert_eq!(run(FZ, |env| max::<Single>(DENORMAL, MINUS_ZERO, env)), (0, flag::IDC));
    assert_eq!(
        run(FZ, |env| to_fixed::<Single>(DENORMAL, 0, false, 32, Rounding::PosInf, env)),
        (0, flag::IDC)
    );
    assert_eq!(
        run(0, |env| to_fixed::<Single>(DENORMAL, 0, false, 32, Rounding::PosInf, env)),
        (1, flag::IXC)
    );
    assert_eq!(run(FZ, |env| div::<Double>(Double::ONE, 1, env)), (Double::INFINITY, flag::DZC | flag::IDC));
    // FZ says nothing about half precision, FZ16 nothing about the others.
    assert_eq!(run(FZ, |env| add::<Half>(1, 1, env)), (2, 0));
    assert_eq!(run(FZ16, |env| add::<Single>(1, 1, env)), (2, 0));
}

#[test]
fn flush_to_zero_of_half_raises_no_input_denormal() {
    assert_eq!(run(FZ16, |env| add::<Half>(1, 0, env)), (0, 0));
    // 2^-14 / 2 is a denormal result.
    assert_eq!(run(FZ16, |env| mul::<Half>(0x0400, 0x3800, env)), (0, flag::UFC));
}

#[test]
fn conversions_from_and_to_half_ignore_fz16() {
    assert_eq!(run(FZ16, |env| convert::<Half, Single>(1, env)), (0x3380_0000, 0));
    assert_eq!(run(FZ16, |env| convert::<Single, Half>(0x3380_0000, env)), (1, 0));
    assert_eq!(run(FZ, |env| convert::<Single, Double>(DENORMAL, env)), (0, flag::IDC));
    assert_eq!(run(FZ, |env| convert::<Double, Single>(0x3700_0000_0000_0000, env)), (0, flag::UFC));
}

#[test]
fn alternative_half_has_no_infinities_or_nans() {
    // Exponent 31 is a number: 2^16 and the largest, 131008.
    assert_eq!(run(AHP, |env| convert::<Half, Single>(0x7c00, env)), (0x4780_0000, 0));
    assert_eq!(run(AHP, |env| convert::<Half, Single>(0x7fff, env)), (0x47ff_e000, 0));
    assert_eq!(run(AHP, |env| convert::<Single, Half>(0x47ff_e000, env)), (0x7fff, 0));
    // Too large, infinite and NaN are invalid operations.
    assert_eq!(run(AHP, |env| convert::<Single, Half>(0x4800_0000, env)), (0x7fff, flag::IOC));
    assert_eq!(run(AHP, |env| convert::<Single, Half>(MINUS_INF, env)), (0xffff, flag::IOC));
    assert_eq!(run(AHP, |env| convert::<Single, Half>(QNAN2, env)), (0x8000, flag::IOC));
    // Arithmetic takes no notice.
    assert_eq!(run(AHP, |env| add::<Half>(0x7c00, 0x3c00, env)), (0x7c00, 0));
}

#[test]
fn converted_nans_keep_sign_and_upper_payload() {
    assert_eq!(run(0, |env| convert::<Single, Double>(SNAN2, env)), (0xfff8_0000_4000_0000, flag::IOC));
    assert_eq!(run(0, |env| convert::<Double, Single>(0xfff8_0000_4000_0000, env)), (0xffc0_0002, 0));
    assert_eq!(run(0, |env| convert::<Half, Double>(0x7c01, env)), (0x7ff8_0400_0000_0000, flag::IOC));
    assert_eq!(run(0, |env| convert::<Double, Half>(0x7ff8_0400_0000_0000, env)), (0x7e01, 0));
    assert_eq!(run(DN, |env| convert::<Single, Double>(SNAN2, env)), (Double::DEFAULT_NAN, flag::IOC));
}

#[test]
fn rounding_to_odd_sets_the_last_bit_and_never_overflows_to_infinity() {
    let odd = |a| run(0, |env| convert_round_to_odd(a, env));
    assert_eq!(odd(0x3ff0_0000_0000_0001), (0x3f80_0001, flag::IXC));
    assert_eq!(odd(0x3ff0_0000_2000_0001), (0x3f80_0001, flag::IXC));
    assert_eq!(odd(0x3ff0_0000_2000_0000), (0x3f80_0001, 0));
    assert_eq!(odd(0x7fe0_0000_0000_0000), (0x7f7f_ffff, flag::OFC | flag::IXC));
    assert_eq!(odd(0x0000_0000_0000_0001), (0x0000_0001, flag::UFC | flag::IXC));
}

#[test]
fn minimum_and_maximum_order_the_zeros() {
    assert_eq!(run(0, |env| max::<Single>(MINUS_ZERO, 0, env)), (0, 0));
    assert_eq!(run(0, |env| max::<Single>(0, MINUS_ZERO, env)), (0, 0));
    assert_eq!(run(0, |env| min::<Single>(0, MINUS_ZERO, env)), (MINUS_ZERO, 0));
    assert_eq!(run(0, |env| min::<Single>(MINUS_ZERO, 0, env)), (MINUS_ZERO, 0));
    assert_eq!(run(0, |env| max::<Single>(MINUS_INF, 0xff7f_ffff, env)), (0xff7f_ffff, 0));
}

#[test]
fn numeric_minimum_and_maximum_pass_over_one_quiet_nan() {
    assert_eq!(run(0, |env| max_num::<Single>(QNAN1, ONE, env)), (ONE, 0));
    assert_eq!(run(0, |env| min_num::<Single>(MINUS_INF, QNAN1, env)), (MINUS_INF, 0));
    assert_eq!(run(0, |env| min_num::<Single>(QNAN1, QNAN2, env)), (QNAN1, 0));
    assert_eq!(run(0, |env| min_num::<Single>(ONE, SNAN1, env)), (QUIETED1, flag::IOC));
    assert_eq!(run(0, |env| max_num::<Single>(QNAN2, SNAN1, env)), (QUIETED1, flag::IOC));
}

#[test]
fn comparisons_signal_as_their_kind_says() {
    assert_eq!(run(0, |env| compare::<Single>(QNAN1, ONE, false, env).into()), (0x3000_0000, 0));
    assert_eq!(run(0, |env| compare::<Single>(QNAN1, ONE, true, env).into()), (0x3000_0000, flag::IOC));
    assert_eq!(run(0, |env| compare::<Single>(ONE, SNAN1, false, env).into()), (0x3000_0000, flag::IOC));
    assert_eq!(run(0, |env| compare_eq::<Single>(QNAN1, QNAN1, env).into()), (0, 0));
    assert_eq!(run(0, |env| compare_eq::<Single>(SNAN1, ONE, env).into()), (0, flag::IOC));
    assert_eq!(run(0, |env| compare_ge::<Single>(QNAN1, ONE, env).into()), (0, flag::IOC));
    assert_eq!(run(0, |env| compare_gt::<Single>(ONE, QNAN1, env).into()), (0, flag::IOC));
    assert_eq!(run(0, |env| compare::<Single>(MINUS_ZERO, 0, true, env).into()), (0x6000_0000, 0));
}

#[test]
fn sized_integral_rounding_gives_the_most_negative_integer_out_of_range() {
    let sized = |a, bits| run(0, |env| round_to_integral_sized::<Double>(a, Rounding::Zero, bits, env));
    let minimum_32 = 0xc1e0_0000_0000_0000;
    assert_eq!(sized(0x41df_ffff_ffe0_0000, 32), (0x41df_ffff_ffc0_0000, flag::IXC));
    assert_eq!(sized(0x41e0_0000_0000_0000, 32), (minimum_32, flag::IOC));
    assert_eq!(sized(minimum_32, 32), (minimum_32, 0));
    assert_eq!(sized(0xc1e0_0000_001f_ffff, 32), (minimum_32, flag::IXC));
    assert_eq!(sized(Double::DEFAULT_NAN, 32), (minimum_32, flag::IOC));
    assert_eq!(sized(Double::INFINITY, 64), (0xc3e0_0000_0000_0000, flag::IOC));
    assert_eq!(sized(0xbfe0_0000_0000_0000, 64), (0x8000_0000_0000_0000, flag::IXC));
}

#[test]
fn integral_rounding_raises_inexact_only_when_exact_is_asked() {
    let half = 0x3f00_0000;
    assert_eq!(run(0, |env| round_to_integral::<Single>(half, Rounding::TieEven, false, env)), (0, 0));
    assert_eq!(run(0, |env| round_to_integral::<Single>(half, Rounding::TieEven, true, env)), (0, flag::IXC));
    assert_eq!(run(0, |env| round_to_integral::<Single>(half, Rounding::TieAway, false, env)), (ONE, 0));
    assert_eq!(
        run(0, |env| round_to_integral::<Single>(half | MINUS_ZERO, Rounding::PosInf, false, env)),
        (MINUS_ZERO, 0)
    );
}

#[test]
fn javascript_conversion_wraps_modulo_2_to_the_32() {
    for (value, integer, exact, flags) in [
        (0.0, 0, true, 0),
        (-0.0, 0, false, 0),
        (1.5, 1, false, flag::IXC),
        (-1.5, -1, false, flag::IXC),
        (2147483647.0, i32::MAX, true, 0),
        (2147483648.0, i32::MIN, false, flag::IOC),
        (-2147483648.0, i32::MIN, true, 0),
        (-2147483649.0, i32::MAX, false, flag::IOC),
        (4294967296.0 * 3.0 + 5.0, 5, false, flag::IOC),
        (-(4294967296.0 * 3.0 + 5.0), -5, false, flag::IOC),
        (9007199254740992.0 * 2048.0 + 4294967296.0, 0, false, flag::IOC),
        (f64::INFINITY, 0, false, flag::IOC),
        (f64::NAN, 0, false, flag::IOC),
        (1e300, 0, false, flag::IOC),
    ] {
        let mut env = FpEnv::default();
        let result = to_int32_javascript(f64::to_bits(value), &mut env);
        assert_eq!((result, env.fpsr), ((integer as u32, exact), flags), "{value}");
    }
    let mut env = FpEnv::new(FZ);
    assert_eq!(to_int32_javascript(1, &mut env), (0, false));
}

#[test]
fn steps_replace_zero_times_infinity_and_round_once() {
    assert_eq!(run(0, |env| recip_step::<Single>(0, INF, env)), (0x4000_0000, 0));
    assert_eq!(run(0, |env| rsqrt_step::<Single>(INF, MINUS_ZERO, env)), (0x3fc0_0000, 0));
    assert_eq!(run(0, |env| recip_step::<Single>(ONE, ONE, env)), (ONE, 0));
    assert_eq!(run(0, |env| rsqrt_step::<Single>(ONE, ONE, env)), (ONE, 0));
    assert_eq!(run(0, |env| recip_step::<Single>(INF, ONE, env)), (MINUS_INF, 0));
    // The first operand is negated, also when it is a NaN.
    assert_eq!(run(0, |env| recip_step::<Single>(QNAN1, ONE, env)), (QNAN1 | MINUS_ZERO, 0));
    assert_eq!(run(0, |env| rsqrt_step::<Single>(ONE, QNAN1, env)), (QNAN1, 0));
}

#[test]
fn estimates_of_special_operands() {
    assert_eq!(run(0, |env| recip_estimate::<Single>(MINUS_ZERO, env)), (MINUS_INF, flag::DZC));
    assert_eq!(run(0, |env| recip_estimate::<Single>(MINUS_INF, env)), (MINUS_ZERO, 0));
    assert_eq!(run(0, |env| recip_estimate::<Single>(DENORMAL, env)), (INF, flag::OFC | flag::IXC));
    assert_eq!(
        run(3 << 22, |env| recip_estimate::<Single>(DENORMAL, env)),
        (0x7f7f_ffff, flag::OFC | flag::IXC)
    );
    assert_eq!(run(FZ, |env| recip_estimate::<Single>(0x7e80_0000, env)), (0, flag::UFC));
    assert_eq!(run(0, |env| rsqrt_estimate::<Single>(MINUS_ZERO, env)), (MINUS_INF, flag::DZC));
    assert_eq!(run(0, |env| rsqrt_estimate::<Single>(0xbf80_0000, env)), (DEFAULT, flag::IOC));
    assert_eq!(run(0, |env| rsqrt_estimate::<Single>(INF, env)), (0, 0));
    assert_eq!(run(0, |env| recip_exponent::<Single>(0, env)), (0x7f00_0000, 0));
    assert_eq!(run(0, |env| recip_exponent::<Single>(MINUS_INF, env)), (MINUS_ZERO, 0));
    assert_eq!(run(0, |env| recip_exponent::<Single>(ONE, env)), (0x4000_0000, 0));
    assert_eq!(unsigned_recip_estimate(0x7fff_ffff), u32::MAX);
    assert_eq!(unsigned_rsqrt_estimate(0x3fff_ffff), u32::MAX);
}

/// The estimate is within 1/256 of the truth by design, for normal and denormal arguments.
#[test]
fn estimates_are_near_the_truth() {
    for step in 0..4096u64 {
        let bits = (1 << 40) + step * 0x0007_fd00_1234_5678;
        let a = f64::from_bits(bits);
        if a < f64::MIN_POSITIVE / 4.0 || a.is_infinite() {
            continue;
        }
        let mut env = FpEnv::default();
        let estimate = f64::from_bits(recip_estimate::<Double>(bits, &mut env));
        assert!((estimate * a - 1.0).abs() < 1.0 / 256.0, "1/{a:e} = {estimate:e}");
        let estimate = f64::from_bits(rsqrt_estimate::<Double>(bits, &mut env));
        assert!((estimate * estimate * a - 1.0).abs() < 1.0 / 128.0, "1/sqrt({a:e}) = {estimate:e}");
    }
}
