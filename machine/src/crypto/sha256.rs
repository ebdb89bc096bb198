//! The SHA-256 steps: SHA256H, SHA256H2 (four rounds each), SHA256SU0, SHA256SU1.

use super::{choose, from_words, host, majority, words};

/// SHA256H: four rounds, returning the new A to D. Operands are {A..D}, {E..H} and schedule plus constants.
#[inline]
pub fn rounds_abcd(abcd: u128, efgh: u128, wk: u128) -> u128 {
    host::sha256_rounds(abcd, efgh, wk).unwrap_or_else(|| rounds(abcd, efgh, wk)).0
}

/// SHA256H2: four rounds, returning the new E to H. The operand order is the instruction's.
#[inline]
pub fn rounds_efgh(efgh: u128, abcd: u128, wk: u128) -> u128 {
    host::sha256_rounds(abcd, efgh, wk).unwrap_or_else(|| rounds(abcd, efgh, wk)).1
}

/// SHA256SU0: first half of the message schedule update.
#[inline]
pub fn schedule0(d: u128, n: u128) -> u128 {
    let (d, n) = (words(d), words(n));
    let next = [d[1], d[2], d[3], n[0]];
    from_words(std::array::from_fn(|i| d[i].wrapping_add(sigma0(next[i]))))
}

/// SHA256SU1: second half of the message schedule update.
#[inline]
pub fn schedule1(d: u128, n: u128, m: u128) -> u128 {
    let (d, n, m) = (words(d), words(n), words(m));
    let t = [n[1], n[2], n[3], m[0]];
    let mut r: [u32; 4] = std::array::from_fn(|i| d[i].wrapping_add(t[i]));
    r[0] = r[0].wrapping_add(sigma1(m[2]));
    r[1] = r[1].wrapping_add(sigma1(m[3]));
    r[2] = r[2].wrapping_add(sigma1(r[0]));
    r[3] = r[3].wrapping_add(sigma1(r[1]));
    from_words(r)
}

fn sigma0(x: u32) -> u32 {
    x.rotate_right(7) ^ x.rotate_right(18) ^ (x >> 3)
}

fn sigma1(x: u32) -> u32 {
    x.rotate_right(17) ^ x.rotate_right(19) ^ (x >> 10)
}

fn rounds(abcd: u128, efgh: u128, wk: u128) -> (u128, u128) {
    let ([mut a, mut b, mut c, mut d], [mut e, mut f, mut g, mut h]) = (words(abcd), words(efgh));
    for w in words(wk) {
        let big1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let big0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let t = h.wrapping_add(big1).wrapping_add(choose(e, f, g)).wrapping_add(w);
        let next_a = t.wrapping_add(big0).wrapping_add(majority(a, b, c));
        (a, b, c, d, e, f, g, h) = (next_a, a, b, c, d.wrapping_add(t), e, f, g);
    }
    (from_words([a, b, c, d]), from_words([e, f, g, h]))
}

#[cfg(test)]
mod tests {
    use super::super::test_sequence;
    use super::*;

    /// The first `count` primes' fractional root bits are SHA-2's constants; computed, not copied.
    fn constants() -> Vec<u32> {
        let primes = (2u128..).filter(|n| (2..*n).all(|d| n % d != 0)).take(64);
        primes
            .map(|p| {
                // floor(cbrt(p) * 2^32) by bisection on x^3 <= p * 2^96.
                let (mut low, mut high) = (0u128, 1 << 36);
                while high - low > 1 {
                    let mid = (low + high) / 2;
                    if mid * mid * mid <= p << 96 { low = mid } else { high = mid }
                }
                low as u32
            })
            .collect()
    }

    #[test]
    fn sha256_of_abc_from_steps_matches_fips_180() {
        let mut w = vec![from_words([0x61626380, 0, 0, 0]), 0, 0, from_words([0, 0, 0, 24])];
        for i in 4..16 {
            w.push(schedule1(schedule0(w[i - 4], w[i - 3]), w[i - 2], w[i - 1]));
        }
        let start = (
            from_words([0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a]),
            from_words([0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]),
        );
        let (mut abcd, mut efgh) = start;
        for (w, k) in w.iter().zip(constants().chunks(4)) {
            let w = words(*w);
            let wk = from_words(std::array::from_fn(|i| w[i].wrapping_add(k[i])));
            (abcd, efgh) = (rounds_abcd(abcd, efgh, wk), rounds_efgh(efgh, abcd, wk));
        }
        let sum = |x, y| {
            let (x, y) = (words(x), words(y));
            [0, 1, 2, 3].map(|i: usize| x[i].wrapping_add(y[i]))
        };
        assert_eq!(sum(abcd, start.0), [0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223]);
        assert_eq!(sum(efgh, start.1), [0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad]);
    }

    #[test]
    fn host_rounds_equal_portable_rounds() {
        for ((x, y), w) in test_sequence(5).zip(test_sequence(6)).zip(test_sequence(7)).take(300) {
            assert_eq!((rounds_abcd(x, y, w), rounds_efgh(y, x, w)), rounds(x, y, w));
        }
    }
}
