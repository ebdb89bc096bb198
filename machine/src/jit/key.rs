//! What blocks are found by.

use crate::cpu::Level;
use std::hash::Hasher;

/// Where the level is: above all physical addresses.
const LEVEL_SHIFT: u32 = u64::BITS - Level::BITS;

/// What a block is found by: the physical address of its first instruction, with bit 0 for blocks that an indirect
/// branch enters with PSTATE.BTYPE set, bit 1 for blocks in guarded pages,
/// and the [`Level`] that they are compiled for in the upper bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(pub(super) u64);

impl Key {
    pub(super) fn new(pa: u64, landing: bool, guarded: bool, level: Level) -> Key {
        let level = u64::from(level.bits()) << LEVEL_SHIFT;
        Key(pa | u64::from(landing) | u64::from(guarded) << 1 | level)
    }

    pub(super) fn pa(self) -> u64 {
        self.0 & ((1 << LEVEL_SHIFT) - 1) & !3
    }

    pub(super) fn is_landing(self) -> bool {
        self.0 & 1 != 0
    }

    pub(super) fn is_guarded(self) -> bool {
        self.0 & 2 != 0
    }

    /// What the block is compiled for.
    pub(super) fn level(self) -> Level {
        Level::from_bits((self.0 >> LEVEL_SHIFT) as u8)
    }

    /// A block of the same page and level that a direct branch enters.
    pub(super) fn sibling(self, delta: i64) -> Key {
        Key(self.0.wrapping_add_signed(delta) & !1)
    }
}

/// A hash of one address that keeps neighbours together: which bucket of the table follows from the page, by a
/// multiplication, and from the word within the page as it is, so that the blocks of a page share cache lines of the
/// table. What tells apart within a bucket is in the upper bits.
#[derive(Default)]
pub(super) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        /// Seven bits: hashbrown's.
        const UPPER: u64 = 0x7f << 57;
        let value = self.0 ^ value;
        let page = (value >> 12).wrapping_mul(FACTOR);
        let bucket = (page ^ page >> 32) << 10 | value >> 2 & 0x3ff;
        self.0 = value.wrapping_mul(FACTOR) & UPPER | bucket & !UPPER;
    }
}
