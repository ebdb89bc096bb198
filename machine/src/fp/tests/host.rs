//! Round to nearest against the host's FPU, on the fast path and on the integer path.

use super::super::*;
use super::{DN, Random, is_nan, run};

/// Runs an operation on the three paths: host with IXC noted, host with exactness proved, integers only
/// (forced by FPCR.DN, which changes NaNs alone), and checks that they agree but for NaNs.
fn on_every_path<F: Format>(
    name: &str,
    operands: &[u64],
    expected: u64,
    operation: impl Fn(&mut FpEnv) -> u64,
) {
    let (fast, fast_flags) = run(0, &operation);
    let (slow, slow_flags) = run(DN, &operation);
    let mut noted = FpEnv { fpcr: 0, fpsr: flag::IXC };
    let with_noted = operation(&mut noted);
    let context = format!("{name} {operands:#x?}");
    assert_eq!(fast_flags, slow_flags, "flags of {context}");
    assert_eq!(noted.fpsr, slow_flags | flag::IXC, "flags with IXC noted of {context}");
    assert_eq!(fast, with_noted, "{context}");
    if is_nan::<F>(expected) {
        assert!(is_nan::<F>(fast), "{context} gave {fast:#x}");
        assert_eq!(slow, F::DEFAULT_NAN, "{context}");
    } else {
        assert_eq!(fast, expected, "{context} gave {fast:#x}, host {expected:#x}");
        assert_eq!(slow, expected, "{context} gave {slow:#x}, host {expected:#x} (integer path)");
    }
}

macro_rules! against_host {
    ($test:ident, $format:ident, $float:ident, $bits:ident) => {
        #[test]
        fn $test() {
            let mut random = Random(0x5eed_0001);
            for _ in 0..60_000 {
                let a = random.pattern::<$format>($format::ONE);
                let b = random.pattern::<$format>(a);
                let c = random.pattern::<$format>(a);
                let [x, y, z] = [a, b, c].map(|bits| $float::from_bits(bits as $bits));
                let bits = |value: $float| value.to_bits() as u64;
                on_every_path::<$format>("add", &[a, b], bits(x + y), |e| add::<$format>(a, b, e));
                on_every_path::<$format>("sub", &[a, b], bits(x - y), |e| sub::<$format>(a, b, e));
                on_every_path::<$format>("mul", &[a, b], bits(x * y), |e| mul::<$format>(a, b, e));
                on_every_path::<$format>("div", &[a, b], bits(x / y), |e| div::<$format>(a, b, e));
                on_every_path::<$format>("sqrt", &[a], bits(x.sqrt()), |e| sqrt::<$format>(a, e));
                let fused = bits(x.mul_add(y, z));
                on_every_path::<$format>("mul_add", &[a, b, c], fused, |e| mul_add::<$format>(c, a, b, e));
            }
        }
    };
}

against_host!(single_arithmetic_rounds_to_nearest_like_the_host, Single, f32, u32);
against_host!(double_arithmetic_rounds_to_nearest_like_the_host, Double, f64, u64);

#[test]
fn comparisons_agree_with_the_host() {
    let mut random = Random(0x5eed_0002);
    for _ in 0..100_000 {
        let a = random.pattern::<Double>(Double::ONE);
        let b = if random.next().is_multiple_of(4) { a } else { random.pattern::<Double>(a) };
        let (x, y) = (f64::from_bits(a), f64::from_bits(b));
        let mut env = FpEnv::default();
        let nzcv = match x.partial_cmp(&y) {
            None => 0x3000_0000,
            Some(core::cmp::Ordering::Less) => 0x8000_0000,
            Some(core::cmp::Ordering::Equal) => 0x6000_0000,
            Some(core::cmp::Ordering::Greater) => 0x2000_0000,
        };
        assert_eq!(compare::<Double>(a, b, false, &mut env), nzcv);
        assert_eq!(compare_eq::<Double>(a, b, &mut env), x == y);
        assert_eq!(compare_ge::<Double>(a, b, &mut env), x >= y);
        assert_eq!(compare_gt::<Double>(a, b, &mut env), x > y);
    }
}

#[test]
fn integer_conversions_agree_with_the_host() {
    let mut random = Random(0x5eed_0003);
    for _ in 0..100_000 {
        let a = random.pattern::<Double>(Double::ONE + (40 << Double::FRAC));
        let x = f64::from_bits(a);
        let mut env = FpEnv::default();
        // Rust's casts truncate and saturate, and give 0 for a NaN, as Arm does.
        assert_eq!(to_fixed::<Double>(a, 0, false, 64, Rounding::Zero, &mut env), x as i64 as u64);
        assert_eq!(to_fixed::<Double>(a, 0, true, 64, Rounding::Zero, &mut env), x as u64);
        assert_eq!(to_fixed::<Double>(a, 0, false, 32, Rounding::Zero, &mut env), u64::from(x as i32 as u32));
        assert_eq!(to_fixed::<Double>(a, 0, true, 32, Rounding::Zero, &mut env), u64::from(x as u32));
        assert_eq!(to_fixed::<Double>(a, 0, false, 16, Rounding::Zero, &mut env), u64::from(x as i16 as u16));
        let shift = random.next() % 64;
        let n = random.next() >> shift;
        assert_eq!(from_fixed::<Double>(n, 0, true, 64, &mut env), (n as f64).to_bits());
        assert_eq!(from_fixed::<Double>(n, 0, false, 64, &mut env), (n as i64 as f64).to_bits());
        assert_eq!(from_fixed::<Single>(n, 0, false, 64, &mut env), u64::from((n as i64 as f32).to_bits()));
        assert_eq!(from_fixed::<Single>(n, 0, false, 32, &mut env), u64::from((n as i32 as f32).to_bits()));
    }
}
