//! Pseudo-random numbers: xorshift64*.

use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::sysreg::cpu;

static SEED: AtomicU64 = AtomicU64::new(1);

/// Sets the seed of all generators.
pub(crate) fn set_seed(seed: u64) {
    SEED.store(seed, Ordering::Relaxed);
}

/// A generator.
pub(crate) struct Random(u64);

impl Random {
    /// A generator of this CPU and its own, by a number.
    pub(crate) fn new(number: u64) -> Random {
        let seed = SEED.load(Ordering::Relaxed) << 32 | number << 8 | cpu() as u64;
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.next();
        random
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    /// A number less than `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Does nothing for a few cycles, or many.
    pub(crate) fn pause(&mut self, limit: usize) {
        for _ in 0..self.below(limit) {
            core::hint::spin_loop();
        }
    }
}
