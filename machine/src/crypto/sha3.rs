//! The SHA-3 helpers: EOR3, RAX1, XAR, BCAX.

use super::{doublewords, from_doublewords};

/// EOR3: the exclusive OR of three registers.
#[inline]
pub fn eor3(n: u128, m: u128, a: u128) -> u128 {
    n ^ m ^ a
}

/// BCAX: bit clear and exclusive OR.
#[inline]
pub fn bcax(n: u128, m: u128, a: u128) -> u128 {
    n ^ (m & !a)
}

/// RAX1: rotates the second operand's doublewords left by one and exclusive-ORs.
#[inline]
pub fn rax1(n: u128, m: u128) -> u128 {
    n ^ from_doublewords(doublewords(m).map(|d| d.rotate_left(1)))
}

/// XAR: exclusive OR, then rotates the doublewords right.
#[inline]
pub fn xar(n: u128, m: u128, rotate: u32) -> u128 {
    from_doublewords(doublewords(n ^ m).map(|d| d.rotate_right(rotate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keccak-f\[1600\] with one state in the low and another in the high doublewords.
    fn keccak(a: &mut [u128; 25]) {
        let mut lfsr = 1u8;
        for _ in 0..24 {
            let c: [u128; 5] =
                std::array::from_fn(|x| eor3(eor3(a[x], a[x + 5], a[x + 10]), a[x + 15], a[x + 20]));
            let d: [u128; 5] = std::array::from_fn(|x| rax1(c[(x + 4) % 5], c[(x + 1) % 5]));
            let mut b = [0; 25];
            let (mut x, mut y, mut offset) = (1, 0, 0u32);
            b[0] = a[0] ^ d[0];
            for t in 1..25 {
                offset = (offset + t) % 64;
                b[y + 5 * ((2 * x + 3 * y) % 5)] = xar(a[x + 5 * y], d[x], (64 - offset) % 64);
                (x, y) = (y, (2 * x + 3 * y) % 5);
            }
            for i in 0..25 {
                let row = i / 5 * 5;
                a[i] = bcax(b[i], b[row + (i + 2) % 5], b[row + (i + 1) % 5]);
            }
            for j in 0..7 {
                if lfsr & 1 != 0 {
                    let bit = 1u128 << ((1 << j) - 1);
                    a[0] ^= bit | bit << 64;
                }
                lfsr = (lfsr << 1) ^ (if lfsr & 0x80 != 0 { 0x71 } else { 0 });
            }
        }
    }

    #[test]
    fn sha3_256_of_empty_and_abc_from_steps_match_fips_202() {
        let mut state = [0u128; 25];
        state[0] = from_doublewords([0x06, 0x06636261]);
        state[16] = from_doublewords([1 << 63, 1 << 63]);
        keccak(&mut state);
        let digest =
            |lane: usize| -> [u64; 4] { std::array::from_fn(|i| doublewords(state[i])[lane].swap_bytes()) };
        let empty = [0xa7ffc6f8bf1ed766, 0x51c14756a061d662, 0xf580ff4de43b49fa, 0x82d80a4b80f8434a];
        let abc = [0x3a985da74fe225b2, 0x045c172d6bd390bd, 0x855f086e3e9d525b, 0x46bfe24511431532];
        assert_eq!((digest(0), digest(1)), (empty, abc));
    }
}
