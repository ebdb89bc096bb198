//! Reproducible pseudo-random numbers for what a guest sees as entropy.
//!
//! Not for secrets: the same seed gives the same numbers on purpose.

/// The SplitMix64 generator (Steele, Lea, Flood 2014): one word of state, passes the usual test batteries.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// Starts a sequence.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Fills `bytes` with the next numbers.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_is_that_of_the_reference_code() {
        let mut numbers = SplitMix64::new(1_234_567);
        assert_eq!(numbers.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(numbers.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn filling_continues_the_sequence() {
        let (mut words, mut bytes) = (SplitMix64::new(7), SplitMix64::new(7));
        let mut filled = [0; 12];
        bytes.fill(&mut filled);
        assert_eq!(filled[..8], words.next_u64().to_le_bytes());
        assert_eq!(filled[8..], words.next_u64().to_le_bytes()[..4]);
    }
}
