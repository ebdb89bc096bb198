//! Measures handlers; run with `--release -- --ignored --nocapture`.

use crate::cpu::Vcpu;
use crate::interp::fp::handler;
use droste_arch::a64;
use std::hint::black_box;
use std::time::Instant;

#[test]
#[ignore = "a measurement"]
fn print_the_cost_of_handlers() {
    const CALLS: u32 = 20_000;
    const ROUNDS: u32 = 50;
    let words = [
        ("FMOV D0, D1", 0x1e60_4020),
        ("FADD D0, D1, D2", 0x1e62_2820),
        ("FMADD D0, D1, D2, D3", 0x1f42_0c20),
        ("FADD V0.2D, V1.2D, V2.2D", 0x4e62_d420),
        ("FMUL V0.4S, V1.4S, V2.4S", 0x6e22_dc20),
        ("FMLA V0.4S, V1.4S, V2.4S", 0x4e22_cc20),
        ("FADD V0.8H, V1.8H, V2.8H", 0x4e42_1420),
        ("FCMP D1, D2", 0x1e62_2020),
        ("FCVTZS X0, D1", 0x9e78_0020),
        ("SCVTF D0, X1", 0x9e62_0020),
        ("FRINTM D0, D1", 0x1e65_4020),
        ("FMAX D0, D1, D2", 0x1e62_4820),
    ];
    let mut cpu = Vcpu::for_tests();
    cpu.state.fpsr = 0x10;
    for (name, word) in words {
        let handler = a64::decode(word).and_then(handler).expect("the instruction has a handler");
        cpu.state.v[0] = 0x3ff1_2345_3ff1_2345_3ff1_2345_3ff1_2345;
        cpu.state.v[1] = 0x3ff2_4680_3ff2_4680_3ff2_4680_3ff2_4680;
        cpu.state.v[2] = cpu.state.v[1] + 1;
        cpu.state.v[3] = cpu.state.v[0];
        cpu.state.x[1] = 123_456_789;
        // The fastest round: others may have been interrupted.
        let nanoseconds = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..CALLS {
                    let _ = black_box(black_box(handler)(&mut cpu, black_box(word)));
                }
                start.elapsed().as_nanos()
            })
            .min();
        println!("{name}: {:.1} ns", nanoseconds.unwrap_or(0) as f64 / f64::from(CALLS));
    }
}
