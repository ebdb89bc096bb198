//! Where random choices come from: a seed, or the bytes of a fuzzer.

/// A source of random numbers that gives the same ones on every host.
pub(crate) struct Entropy<'a> {
    bytes: &'a [u8],
    state: u64,
}

#[allow(dead_code, reason = "the tests and the fuzz target use different parts")]
impl<'a> Entropy<'a> {
    /// The numbers that follow from `seed`.
    pub(crate) fn seeded(seed: u64) -> Entropy<'static> {
        Entropy { bytes: &[], state: seed }
    }

    /// The numbers in `bytes`, and then those that follow from a hash of them.
    pub(crate) fn from_bytes(bytes: &'a [u8]) -> Entropy<'a> {
        // FNV-1a.
        let hash = bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
        Entropy { bytes, state: hash }
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        if let Some((chunk, rest)) = self.bytes.split_first_chunk() {
            self.bytes = rest;
            return u64::from_le_bytes(*chunk);
        }
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// True once in `n`.
    pub(crate) fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of `list`.
    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }
}
