//! Tests of the floating-point library: against the host's FPU, against `rustc_apfloat`, and by hand for
//! what is Arm's own.

mod apfloat;
mod arm_rules;
mod host;
mod speed;

use super::{Format, FpEnv, Rounding};

/// FPCR with each of the rounding modes.
const ROUNDING_FPCR: [(Rounding, u64); 4] = [
    (Rounding::TieEven, 0),
    (Rounding::PosInf, 1 << 22),
    (Rounding::NegInf, 2 << 22),
    (Rounding::Zero, 3 << 22),
];

const FZ: u64 = 1 << 24;
const FZ16: u64 = 1 << 19;
const DN: u64 = 1 << 25;
const AHP: u64 = 1 << 26;

/// A deterministic source of numbers (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A bit pattern that is often special, often near `near` in exponent, and often has few bits.
    fn pattern<F: Format>(&mut self, near: u64) -> u64 {
        let sign = self.next() & F::SIGN;
        let fraction = match self.next() % 6 {
            0 => 0,
            1 => F::FRAC_MASK,
            2 => 1,
            3 => 1 << (self.next() % u64::from(F::FRAC)),
            4 => self.next() & self.next() & self.next() & F::FRAC_MASK,
            _ => self.next() & F::FRAC_MASK,
        };
        let exponents = F::INFINITY >> F::FRAC;
        let exponent = match self.next() % 8 {
            0 => 0,
            1 => self.next() % 4,
            2 => exponents - self.next() % 3,
            3 => self.next() & exponents,
            4 => (F::ONE >> F::FRAC) - 2 + self.next() % 5,
            _ => ((near & F::INFINITY) >> F::FRAC).wrapping_add(self.next() % 9).wrapping_sub(4) & exponents,
        };
        sign | exponent << F::FRAC | fraction
    }
}

fn is_nan<F: Format>(bits: u64) -> bool {
    bits & (F::SIGN - 1) > F::INFINITY
}

/// Runs an operation with FPCR and no flags; returns the result and the flags.
fn run(fpcr: u64, operation: impl FnOnce(&mut FpEnv) -> u64) -> (u64, u64) {
    let mut env = FpEnv::new(fpcr);
    let result = operation(&mut env);
    (result, env.fpsr)
}
