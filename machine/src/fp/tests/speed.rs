//! Measures the operations; run with `--release -- --ignored --nocapture`.

use super::super::*;
use std::hint::black_box;
use std::time::Instant;

fn nanoseconds_per_call(mut operation: impl FnMut(u64) -> u64) -> f64 {
    const CALLS: u64 = 4_000_000;
    let start = Instant::now();
    for _ in 0..CALLS {
        black_box(operation(black_box(0x3ff8_1234_5678_9abc)));
    }
    start.elapsed().as_nanos() as f64 / CALLS as f64
}

#[test]
#[ignore = "a measurement"]
fn print_the_cost_of_double_arithmetic() {
    let b = 0x3ff0_0000_0000_1234;
    let names = ["host, IXC noted", "host tried, IXC clear", "integers (FPCR.DN)"];
    for (name, fpcr, fpsr) in [(names[0], 0, flag::IXC), (names[1], 0, 0), (names[2], super::DN, 0)] {
        let time = |operation: fn(u64, u64, &mut FpEnv) -> u64| {
            nanoseconds_per_call(|a| operation(a, black_box(b), &mut FpEnv { fpcr, fpsr }))
        };
        println!(
            "{name}: add {:.1} mul {:.1} div {:.1} sqrt {:.1} fused {:.1} to int {:.1} from int {:.1} ns",
            time(add::<Double>),
            time(mul::<Double>),
            time(div::<Double>),
            time(|a, _, env| sqrt::<Double>(a, env)),
            time(|a, b, env| mul_add::<Double>(a, a, b, env)),
            time(|a, _, env| to_fixed::<Double>(a, 0, false, 64, Rounding::Zero, env)),
            time(|a, _, env| from_fixed::<Double>(a, 0, false, 64, env)),
        );
    }
}
