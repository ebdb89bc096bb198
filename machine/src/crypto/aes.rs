//! The AES round steps: AESE, AESD, AESMC, AESIMC. Byte `i` of the register is byte `i` of the state
//! in FIPS 197's column order.

use super::host;

/// AESE: adds the round key, then SubBytes and ShiftRows.
#[inline]
pub fn encrypt_round(state: u128, key: u128) -> u128 {
    let x = state ^ key;
    host::aes_encrypt_last(x).unwrap_or_else(|| portable::sub_shift(x))
}

/// AESD: adds the round key, then the inverses of ShiftRows and SubBytes.
#[inline]
pub fn decrypt_round(state: u128, key: u128) -> u128 {
    let x = state ^ key;
    host::aes_decrypt_last(x).unwrap_or_else(|| portable::inverse_sub_shift(x))
}

/// AESMC: MixColumns.
#[inline]
pub fn mix_columns(state: u128) -> u128 {
    host::aes_mix_columns(state).unwrap_or_else(|| portable::mix_columns(state))
}

/// AESIMC: inverse MixColumns.
#[inline]
pub fn inverse_mix_columns(state: u128) -> u128 {
    host::aes_inverse_mix_columns(state).unwrap_or_else(|| portable::inverse_mix_columns(state))
}

/// Three whole encryption rounds, each SubBytes, ShiftRows, MixColumns and the addition of `key` and one of
/// the constants. No A64 instruction does this; it is what the fast pointer authentication algorithm uses.
#[inline]
pub(crate) fn three_rounds(state: u128, key: u128, constants: &[u128; 3]) -> u128 {
    host::aes_three_rounds(state, key, constants).unwrap_or_else(|| {
        constants
            .iter()
            .fold(state, |state, constant| portable::mix_columns(portable::sub_shift(state)) ^ key ^ constant)
    })
}

/// Whether the host has instructions for AES rounds.
pub(crate) fn is_native() -> bool {
    host::aes_encrypt_last(0).is_some()
}

pub(super) mod portable {
    const SBOX: [u8; 256] = sbox();
    const INVERSE_SBOX: [u8; 256] = inverse(&SBOX);

    const fn times(mut a: u8, mut b: u8) -> u8 {
        let mut product = 0;
        while b != 0 {
            if b & 1 != 0 {
                product ^= a;
            }
            a = (a << 1) ^ (if a & 0x80 != 0 { 0x1b } else { 0 });
            b >>= 1;
        }
        product
    }

    const fn sbox() -> [u8; 256] {
        let mut table = [0; 256];
        table[0] = 0x63;
        // `p` runs through all non-zero field elements as powers of 3, `q` through their inverses.
        let (mut p, mut q) = (1u8, 1u8);
        loop {
            let s = q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4);
            table[p as usize] = s ^ 0x63;
            p = times(p, 3);
            q = times(q, 0xf6);
            if p == 1 {
                return table;
            }
        }
    }

    const fn inverse(table: &[u8; 256]) -> [u8; 256] {
        let mut out = [0; 256];
        let mut i = 0;
        while i < 256 {
            out[table[i] as usize] = i as u8;
            i += 1;
        }
        out
    }

    pub(in crate::crypto) fn sub_shift(x: u128) -> u128 {
        let s = x.to_le_bytes();
        u128::from_le_bytes(std::array::from_fn(|i| SBOX[usize::from(s[(i + 4 * (i % 4)) % 16])]))
    }

    pub(in crate::crypto) fn inverse_sub_shift(x: u128) -> u128 {
        let s = x.to_le_bytes();
        u128::from_le_bytes(std::array::from_fn(|i| INVERSE_SBOX[usize::from(s[(i + 12 * (i % 4)) % 16])]))
    }

    /// Doubles sixteen field elements at once.
    fn double(x: u128) -> u128 {
        const LOW7: u128 = u128::from_le_bytes([0x7f; 16]);
        let carries = (x >> 7) & u128::from_le_bytes([1; 16]);
        ((x & LOW7) << 1) ^ (carries * 0x1b)
    }

    /// Rotates every column by `n` rows.
    fn rows(x: u128, n: u32) -> u128 {
        super::super::from_words(super::super::words(x).map(|c| c.rotate_right(8 * n)))
    }

    pub(in crate::crypto) fn mix_columns(x: u128) -> u128 {
        let d = double(x);
        d ^ rows(d ^ x, 1) ^ rows(x, 2) ^ rows(x, 3)
    }

    pub(in crate::crypto) fn inverse_mix_columns(x: u128) -> u128 {
        // The inverse matrix is MixColumns after adding 4*(a[i] + a[i+2]) to every byte.
        let four = double(double(x ^ rows(x, 2)));
        mix_columns(x ^ four)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_sequence;
    use super::*;

    fn block(hex: u128) -> u128 {
        hex.swap_bytes()
    }

    /// FIPS 197 key expansion for AES-128, SubWord by AESE with a zero key.
    fn expand(key: u128) -> [u128; 11] {
        let mut keys = [key; 11];
        let mut rcon = 1u8;
        for i in 1..11 {
            let previous = super::super::words(keys[i - 1]);
            let last = u128::from(previous[3]) * 0x1_0000_0001_0000_0001_0000_0001;
            let substituted = encrypt_round(last, 0) as u32;
            let mut word = substituted.rotate_right(8) ^ u32::from(rcon);
            keys[i] = super::super::from_words(previous.map(|p| {
                word ^= p;
                word
            }));
            rcon = (rcon << 1) ^ (if rcon & 0x80 != 0 { 0x1b } else { 0 });
        }
        keys
    }

    #[test]
    fn aes128_block_from_steps_matches_fips_197() {
        let keys = expand(block(0x000102030405060708090a0b0c0d0e0f));
        let plain = block(0x00112233445566778899aabbccddeeff);
        let cipher = block(0x69c4e0d86a7b0430d8cdb78070b4c55a);

        let mut s = plain;
        for key in &keys[..9] {
            s = mix_columns(encrypt_round(s, *key));
        }
        assert_eq!(encrypt_round(s, keys[9]) ^ keys[10], cipher);

        let mut s = cipher;
        s = inverse_mix_columns(decrypt_round(s, keys[10]));
        for key in keys[2..10].iter().rev() {
            s = inverse_mix_columns(decrypt_round(s, inverse_mix_columns(*key)));
        }
        assert_eq!(decrypt_round(s, inverse_mix_columns(keys[1])) ^ keys[0], plain);
    }

    #[test]
    fn host_steps_equal_portable_steps() {
        for (x, k) in test_sequence(1).zip(test_sequence(2)).take(500) {
            assert_eq!(encrypt_round(x, k), portable::sub_shift(x ^ k));
            assert_eq!(decrypt_round(x, k), portable::inverse_sub_shift(x ^ k));
            assert_eq!(mix_columns(x), portable::mix_columns(x));
            assert_eq!(inverse_mix_columns(x), portable::inverse_mix_columns(x));
            let constants = [k, x, 1];
            let portable = constants
                .iter()
                .fold(x, |state, constant| portable::mix_columns(portable::sub_shift(state)) ^ k ^ constant);
            assert_eq!(three_rounds(x, k, &constants), portable);
            assert_eq!(portable::inverse_mix_columns(portable::mix_columns(x)), x);
        }
    }
}
