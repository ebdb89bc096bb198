//! The SM4 steps: SM4E and SM4EKEY, four rounds each.

use super::{from_words, words};

/// SM4E: four encryption rounds with the four round keys of `keys`.
#[inline]
pub fn encrypt_rounds(state: u128, keys: u128) -> u128 {
    rounds(state, keys, |b| b ^ b.rotate_left(2) ^ b.rotate_left(10) ^ b.rotate_left(18) ^ b.rotate_left(24))
}

/// SM4EKEY: four rounds of the key expansion.
#[inline]
pub fn expand_key(keys: u128, constants: u128) -> u128 {
    rounds(keys, constants, |b| b ^ b.rotate_left(13) ^ b.rotate_left(23))
}

fn rounds(state: u128, keys: u128, linear: impl Fn(u32) -> u32) -> u128 {
    let mut s = words(state);
    for key in words(keys) {
        let x = s[1] ^ s[2] ^ s[3] ^ key;
        let b = u32::from_le_bytes(x.to_le_bytes().map(|b| SBOX[usize::from(b)]));
        s = [s[1], s[2], s[3], s[0] ^ linear(b)];
    }
    from_words(s)
}

const SBOX: [u8; 256] = sbox();

/// The S-box is an affine map, inversion in GF(2^8) modulo x^8+x^7+x^6+x^5+x^4+x^2+1, and the same map.
const fn sbox() -> [u8; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = affine(field_inverse(affine(i as u8)));
        i += 1;
    }
    table
}

const fn affine(x: u8) -> u8 {
    let mut out = 0;
    let mut bit = 0;
    while bit < 8 {
        let row = 0xa7u8.rotate_left(bit);
        out |= (((x & row).count_ones() & 1) as u8) << bit;
        bit += 1;
    }
    out ^ 0xd3
}

const fn field_times(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    while b != 0 {
        if b & 1 != 0 {
            product ^= a;
        }
        a = (a << 1) ^ (if a & 0x80 != 0 { 0xf5 } else { 0 });
        b >>= 1;
    }
    product
}

const fn field_inverse(x: u8) -> u8 {
    // x^254 by square and multiply; zero stays zero.
    let (mut result, mut square, mut i) = (1, x, 1);
    while i < 8 {
        square = field_times(square, square);
        result = field_times(result, square);
        i += 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sm4_block_from_steps_matches_the_standard() {
        let block = [0x01234567u32, 0x89abcdef, 0xfedcba98, 0x76543210];
        let fk = [0xa3b1bac6u32, 0x56aa3350, 0x677d9197, 0xb27022dc];
        let mut key = from_words(std::array::from_fn(|i| block[i] ^ fk[i]));
        let mut state = from_words(block);
        for i in 0..8u32 {
            let ck = std::array::from_fn(|j| {
                let base = 4 * (4 * i + j as u32);
                u32::from_be_bytes(std::array::from_fn(|b| ((base + b as u32) * 7) as u8))
            });
            key = expand_key(key, from_words(ck));
            state = encrypt_rounds(state, key);
        }
        let mut cipher = words(state);
        cipher.reverse();
        assert_eq!(cipher, [0x681edf34, 0xd206965e, 0x86b3e94f, 0x536e4246]);
    }
}
