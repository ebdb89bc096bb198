//! What a handler costs: `cargo test --release -p droste-machine simd::tests::speed -- --ignored --nocapture`.

use super::fill;
use crate::cpu::Vcpu;
use crate::interp::simd;
use droste_arch::a64;
use std::hint::black_box;
use std::time::Instant;

const MEMORY: u64 = 0x4000_1000;

/// Instructions that memory, string and cryptographic routines are made of.
const WORDS: [(&str, u32); 24] = [
    ("and v0.16b, v1.16b, v2.16b", 0x4e22_1c20),
    ("add v0.16b, v1.16b, v2.16b", 0x4e22_8420),
    ("add v0.2s, v1.2s, v2.2s", 0x0ea2_8420),
    ("cmeq v0.16b, v1.16b, v2.16b", 0x6e22_8c20),
    ("cmeq v0.16b, v1.16b, #0", 0x4e20_9820),
    ("uqadd v0.8h, v1.8h, v2.8h", 0x6e62_0c20),
    ("addp v0.16b, v1.16b, v2.16b", 0x4e22_bc20),
    ("umaxp v0.16b, v1.16b, v2.16b", 0x6e22_a420),
    ("shrn v0.8b, v1.8h, #4", 0x0f0c_8420),
    ("uaddlp v0.8h, v1.16b", 0x6e20_2820),
    ("umlal v0.4s, v1.4h, v2.4h", 0x2e62_8020),
    ("sqdmulh v0.4s, v1.4s, v2.s[0]", 0x4f82_c020),
    ("sshl v0.4s, v1.4s, v2.4s", 0x4ea2_4420),
    ("zip1 v0.16b, v1.16b, v2.16b", 0x4e02_3820),
    ("tbl v0.16b, {v1.16b}, v2.16b", 0x4e02_0020),
    ("rev64 v0.16b, v1.16b", 0x4e20_0820),
    ("dup v0.16b, w1", 0x4e01_0c20),
    ("umov x0, v1.d[0]", 0x4e08_3c20),
    ("movi v0.4s, #1", 0x4f00_0420),
    ("addv b0, v1.16b", 0x4e31_b820),
    ("aese v0.16b, v1.16b", 0x4e28_4820),
    ("sha256h q0, q1, v2.4s", 0x5e02_4020),
    ("ld1 {v0.16b}, [x1]", 0x4c40_7020),
    ("ld4 {v0.4s-v3.4s}, [x1]", 0x4c40_0820),
];

#[test]
#[ignore = "measures"]
fn cost_of_handlers() {
    for (text, word) in WORDS {
        let handler = simd::handler(a64::decode(word).unwrap()).unwrap();
        let mut cpu = Vcpu::for_tests();
        fill(&mut cpu, 1);
        cpu.state.x[1] = MEMORY;
        // The fastest round: others may have been interrupted.
        let fastest = (0..50).map(|_| {
            let start = Instant::now();
            for _ in 0..20_000 {
                black_box(handler)(black_box(&mut cpu), black_box(word)).unwrap();
            }
            start.elapsed().as_nanos()
        });
        let ns = fastest.min().unwrap_or(0) as f64 / 20_000.0;
        println!("{ns:6.2} ns  {text}");
    }
}
