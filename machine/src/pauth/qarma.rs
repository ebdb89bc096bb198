//! QARMA-64 as the architecture uses it: QARMA5 with S-box sigma 2, QARMA3 with sigma 1.
//!
//! The state is sixteen 4-bit cells, cell 0 in the top bits. After R. Avanzi, "The QARMA Block Cipher
//! Family" (2017), with the names of the manual's ComputePACQARMA.

use super::Key;

const ALPHA: u64 = 0xc0ac_29b7_c97c_50dd;
const ROUND_CONSTANTS: [u64; 5] =
    [0, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89, 0x4528_21e6_38d0_1377];

/// The cell permutation tau: output cell `i` is input cell `CELLS[i]`.
const CELLS: [u8; 16] = [0, 11, 6, 13, 10, 1, 12, 7, 5, 14, 3, 8, 15, 4, 9, 2];
const CELLS_INVERSE: [u8; 16] = inverse(CELLS);
/// The tweak's cell permutation h.
const TWEAK: [u8; 16] = [6, 5, 14, 15, 0, 1, 2, 3, 7, 12, 13, 4, 8, 9, 10, 11];
const TWEAK_INVERSE: [u8; 16] = inverse(TWEAK);
/// Cells 0, 1, 3, 4, 8, 11 and 13, which the tweak update also feeds through the LFSR omega.
const TWEAK_LFSR: u64 = 0xff0f_f000_f00f_0f00;

const SIGMA1: [u8; 16] = [10, 13, 14, 6, 15, 7, 3, 5, 9, 8, 0, 12, 11, 1, 2, 4];
const SIGMA2: [u8; 16] = [11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10];

/// An S-box and its inverse, two cells at a time.
struct Sbox {
    forward: [u8; 256],
    inverse: [u8; 256],
}

static SBOX_QARMA5: Sbox = Sbox::new(SIGMA2);
static SBOX_QARMA3: Sbox = Sbox::new(SIGMA1);

/// FEAT_PACQARMA5.
#[must_use]
pub fn qarma5(data: u64, modifier: u64, key: Key) -> u64 {
    qarma::<4>(&SBOX_QARMA5, data, modifier, key)
}

/// FEAT_PACQARMA3.
#[must_use]
pub fn qarma3(data: u64, modifier: u64, key: Key) -> u64 {
    qarma::<2>(&SBOX_QARMA3, data, modifier, key)
}

/// ComputePACQARMA, with its `iterations`: one less than the number of rounds on each side.
fn qarma<const ITERATIONS: usize>(sbox: &Sbox, data: u64, modifier: u64, key: Key) -> u64 {
    let (key0, key1) = (key.high, key.low);
    let modk0 = key0.rotate_right(1) ^ (key0 >> 63);
    let mut tweak = modifier;
    let mut x = data ^ key0;
    for (i, constant) in ROUND_CONSTANTS[..=ITERATIONS].iter().enumerate() {
        x ^= key1 ^ tweak ^ constant;
        if i > 0 {
            x = multiply(permute::<{ Permutation::CELLS }>(x));
        }
        x = substitute(&sbox.forward, x);
        tweak = next_tweak(tweak);
    }
    x ^= modk0 ^ tweak;
    x = multiply(permute::<{ Permutation::CELLS }>(x));
    x = substitute(&sbox.forward, x);
    x = multiply(permute::<{ Permutation::CELLS }>(x));
    x ^= key1;
    x = permute::<{ Permutation::CELLS_INVERSE }>(x);
    x = substitute(&sbox.inverse, x);
    x = permute::<{ Permutation::CELLS_INVERSE }>(multiply(x));
    x ^= key0 ^ tweak;
    for i in 0..=ITERATIONS {
        x = substitute(&sbox.inverse, x);
        if i < ITERATIONS {
            x = permute::<{ Permutation::CELLS_INVERSE }>(multiply(x));
        }
        tweak = previous_tweak(tweak);
        x ^= key1 ^ tweak ^ ROUND_CONSTANTS[ITERATIONS - i] ^ ALPHA;
    }
    x ^ modk0
}

/// Names of the permutations, as constants so that each use is compiled for its own.
struct Permutation;

impl Permutation {
    const CELLS: u8 = 0;
    const CELLS_INVERSE: u8 = 1;
    const TWEAK: u8 = 2;
    const TWEAK_INVERSE: u8 = 3;
}

const PERMUTATIONS: [[u8; 16]; 4] = [CELLS, CELLS_INVERSE, TWEAK, TWEAK_INVERSE];

#[inline(always)]
fn permute<const P: u8>(x: u64) -> u64 {
    // Cells that move by the same distance move together.
    let masks = const { rotation_masks(PERMUTATIONS[P as usize]) };
    let mut out = 0;
    let mut distance = 0;
    while distance < 16 {
        if masks[distance] != 0 {
            out |= x.rotate_left(4 * distance as u32) & masks[distance];
        }
        distance += 1;
    }
    out
}

/// For each rotation by cells, the output cells that it brings into place.
const fn rotation_masks(permutation: [u8; 16]) -> [u64; 16] {
    let mut masks = [0; 16];
    let mut i = 0;
    while i < 16 {
        // Towards the top by as many cells as the source's number exceeds the target's.
        let distance = (permutation[i] as usize + 16 - i) % 16;
        masks[distance] |= 0xf << (4 * (15 - i));
        i += 1;
    }
    masks
}

const fn inverse(permutation: [u8; 16]) -> [u8; 16] {
    let mut out = [0; 16];
    let mut i = 0;
    while i < 16 {
        out[permutation[i] as usize] = i as u8;
        i += 1;
    }
    out
}

/// PACMult: MixColumns with the circulant matrix (0, rho, rho^2, rho). It is its own inverse.
#[inline(always)]
fn multiply(x: u64) -> u64 {
    let by1 = |v: u64| (v & 0x7777_7777_7777_7777) << 1 | (v >> 3 & 0x1111_1111_1111_1111);
    let by2 = |v: u64| (v & 0x3333_3333_3333_3333) << 2 | (v >> 2 & 0x3333_3333_3333_3333);
    by1(x.rotate_left(16) ^ x.rotate_left(48)) ^ by2(x.rotate_left(32))
}

/// PACSub and its relatives.
#[inline(always)]
fn substitute(table: &[u8; 256], x: u64) -> u64 {
    u64::from_le_bytes(x.to_le_bytes().map(|b| table[usize::from(b)]))
}

/// TweakShuffle.
#[inline(always)]
fn next_tweak(tweak: u64) -> u64 {
    let t = permute::<{ Permutation::TWEAK }>(tweak);
    let shifted = (t >> 1 & 0x7777_7777_7777_7777) | ((t ^ (t >> 1)) & 0x1111_1111_1111_1111) << 3;
    (t & !TWEAK_LFSR) | (shifted & TWEAK_LFSR)
}

/// TweakInvShuffle.
#[inline(always)]
fn previous_tweak(tweak: u64) -> u64 {
    let t = tweak;
    let shifted = (t & 0x7777_7777_7777_7777) << 1 | ((t ^ (t >> 3)) & 0x1111_1111_1111_1111);
    permute::<{ Permutation::TWEAK_INVERSE }>((t & !TWEAK_LFSR) | (shifted & TWEAK_LFSR))
}

impl Sbox {
    const fn new(sigma: [u8; 16]) -> Self {
        let mut s = Self { forward: [0; 256], inverse: [0; 256] };
        let mut i = 0;
        while i < 256 {
            let out = sigma[i >> 4] << 4 | sigma[i & 15];
            s.forward[i] = out;
            s.inverse[out as usize] = i as u8;
            i += 1;
        }
        s
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::test_sequence;

    /// Input of the test vectors in the paper.
    const PLAIN: u64 = 0xfb62_3599_da6e_8127;
    const TWEAK_VALUE: u64 = 0x477d_469d_ec0b_8762;
    const KEY: Key = Key { high: 0x84be_85ce_9804_e94b, low: 0xec28_02d4_e0a4_88e9 };

    #[test]
    fn five_rounds_match_the_papers_vectors_for_sigma1_and_sigma2() {
        assert_eq!(qarma5(PLAIN, TWEAK_VALUE, KEY), 0xc003_b939_99b3_3765);
        assert_eq!(qarma::<4>(&SBOX_QARMA3, PLAIN, TWEAK_VALUE, KEY), 0x544b_0ab9_5bda_7c3a);
    }

    #[test]
    fn tweak_update_and_its_inverse_cancel() {
        for x in test_sequence(30).take(200) {
            let t = x as u64;
            assert_eq!(previous_tweak(next_tweak(t)), t);
            assert_ne!(next_tweak(t), t);
            assert_eq!(multiply(multiply(t)), t);
        }
    }
}
