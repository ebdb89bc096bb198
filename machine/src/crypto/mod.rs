//! The steps that A64's cryptographic, checksum and polynomial instructions perform, as pure functions.
//!
//! Vector operands are whole registers as `u128`, lane 0 in the low bits. Every function has a portable
//! implementation; `host` holds what the host's own instructions do faster, with the same results.

pub mod aes;
pub mod crc32;
mod host;
pub mod polynomial;
pub mod sha1;
pub mod sha256;
pub mod sha3;
pub mod sha512;
pub mod sm3;
pub mod sm4;

/// Splits a register into its four 32-bit lanes, lane 0 first.
#[inline(always)]
pub(crate) fn words(v: u128) -> [u32; 4] {
    [v as u32, (v >> 32) as u32, (v >> 64) as u32, (v >> 96) as u32]
}

/// Joins four 32-bit lanes, lane 0 first.
#[inline(always)]
pub(crate) fn from_words(w: [u32; 4]) -> u128 {
    u128::from(w[0]) | u128::from(w[1]) << 32 | u128::from(w[2]) << 64 | u128::from(w[3]) << 96
}

/// Splits a register into its two 64-bit lanes, lane 0 first.
#[inline(always)]
pub(crate) fn doublewords(v: u128) -> [u64; 2] {
    [v as u64, (v >> 64) as u64]
}

/// Joins two 64-bit lanes, lane 0 first.
#[inline(always)]
pub(crate) fn from_doublewords(d: [u64; 2]) -> u128 {
    u128::from(d[0]) | u128::from(d[1]) << 64
}

/// SHAchoose: the bits of `y` where `x` is set, the bits of `z` elsewhere.
#[inline(always)]
fn choose(x: u32, y: u32, z: u32) -> u32 {
    ((y ^ z) & x) ^ z
}

/// SHAmajority: the bits set in at least two of the three operands.
#[inline(always)]
fn majority(x: u32, y: u32, z: u32) -> u32 {
    (x & y) | ((x | y) & z)
}

/// SHAparity: the exclusive OR of the three operands.
#[inline(always)]
fn parity(x: u32, y: u32, z: u32) -> u32 {
    x ^ y ^ z
}

#[cfg(test)]
pub(crate) use test_numbers::sequence as test_sequence;

#[cfg(test)]
mod test_numbers {
    /// A fixed sequence of well-mixed numbers (SplitMix64), for comparing two implementations.
    pub(crate) fn sequence(seed: u64) -> impl Iterator<Item = u128> {
        let mut state = seed;
        let mut next = move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        std::iter::repeat_with(move || u128::from(next()) << 64 | u128::from(next()))
    }
}
