//! Tests of the Advanced SIMD handlers.

mod integer;
mod loads;
mod speed;

use crate::cpu::Vcpu;
use crate::interp::{Abort, Flow};
use droste_arch::a64;

/// Executes one instruction; `None` if no handler takes it.
fn execute(cpu: &mut Vcpu, word: u32) -> Option<Result<Flow, Abort>> {
    let handler = super::handler(a64::decode(word)?)?;
    Some(handler(cpu, word))
}

/// Fills V0 to V31 and X0 to X3 with numbers that follow from `seed`: random doublewords, and doublewords of
/// lanes at or near the limits of one lane size.
fn fill(cpu: &mut Vcpu, seed: u64) {
    let mut numbers = Numbers(seed);
    for v in &mut cpu.state.v {
        *v = u128::from(numbers.doubleword()) | u128::from(numbers.doubleword()) << 64;
    }
    for x in &mut cpu.state.x[..4] {
        *x = numbers.next();
    }
}

/// SplitMix64, which the program that recorded the results has too.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn doubleword(&mut self) -> u64 {
        let (kind, random) = (self.next() & 7, self.next());
        if kind >= 4 {
            return random;
        }
        let bits = 8 << kind;
        let mask = u64::MAX >> (64 - bits);
        let lanes = (0..64).step_by(bits).map(|at| {
            let (top, all) = (1 << (bits - 1), mask);
            let choices = [0, 1, top - 1, top, all, all - 1, top, top - 1];
            choices[(random >> at & 7) as usize] << at
        });
        lanes.fold(0, |all, lane| all | lane)
    }
}
