//! The SHA-1 steps: SHA1C, SHA1P, SHA1M (four rounds each), SHA1H, SHA1SU0, SHA1SU1.

use super::{choose, from_words, host, majority, parity, words};

/// SHA1C: four rounds with the choose function.
#[inline]
pub fn rounds_choose(abcd: u128, e: u32, wk: u128) -> u128 {
    host::sha1_rounds::<0>(abcd, e, wk).unwrap_or_else(|| rounds(abcd, e, wk, choose))
}

/// SHA1P: four rounds with the parity function.
#[inline]
pub fn rounds_parity(abcd: u128, e: u32, wk: u128) -> u128 {
    host::sha1_rounds::<1>(abcd, e, wk).unwrap_or_else(|| rounds(abcd, e, wk, parity))
}

/// SHA1M: four rounds with the majority function.
#[inline]
pub fn rounds_majority(abcd: u128, e: u32, wk: u128) -> u128 {
    host::sha1_rounds::<2>(abcd, e, wk).unwrap_or_else(|| rounds(abcd, e, wk, majority))
}

/// SHA1H: the fixed rotation that turns A into the next E.
#[inline]
pub fn fixed_rotate(a: u32) -> u32 {
    a.rotate_left(30)
}

/// SHA1SU0: first half of the message schedule update.
#[inline]
pub fn schedule0(d: u128, n: u128, m: u128) -> u128 {
    (n << 64 | d >> 64) ^ d ^ m
}

/// SHA1SU1: second half of the message schedule update.
#[inline]
pub fn schedule1(d: u128, n: u128) -> u128 {
    let t = words(d ^ (n >> 32));
    let [a, b, c, last] = t.map(|w| w.rotate_left(1));
    from_words([a, b, c, last ^ t[0].rotate_left(2)])
}

fn rounds(abcd: u128, e: u32, wk: u128, f: impl Fn(u32, u32, u32) -> u32) -> u128 {
    let [mut a, mut b, mut c, mut d] = words(abcd);
    let mut e = e;
    for w in words(wk) {
        let t = e.wrapping_add(a.rotate_left(5)).wrapping_add(f(b, c, d)).wrapping_add(w);
        (a, b, c, d, e) = (t, a, b.rotate_left(30), c, d);
    }
    from_words([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::super::test_sequence;
    use super::*;

    #[test]
    fn sha1_of_abc_from_steps_matches_fips_180() {
        let mut w = vec![from_words([0x61626380, 0, 0, 0]), 0, 0, from_words([0, 0, 0, 24])];
        for i in 4..20 {
            w.push(schedule1(schedule0(w[i - 4], w[i - 3], w[i - 2]), w[i - 1]));
        }
        let start = from_words([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
        let (mut abcd, mut e) = (start, 0xc3d2e1f0u32);
        for (i, w) in w.iter().enumerate() {
            let k = [0x5a827999u32, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6][i / 5];
            let wk = from_words(words(*w).map(|w| w.wrapping_add(k)));
            let next_e = fixed_rotate(abcd as u32);
            abcd = match i / 5 {
                0 => rounds_choose(abcd, e, wk),
                2 => rounds_majority(abcd, e, wk),
                _ => rounds_parity(abcd, e, wk),
            };
            e = next_e;
        }
        let (a, b) = (words(abcd), words(start));
        let digest: Vec<u32> = (0..4).map(|i| a[i].wrapping_add(b[i])).collect();
        assert_eq!(digest, [0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c]);
        assert_eq!(e.wrapping_add(0xc3d2e1f0), 0x9cd0d89d);
    }

    #[test]
    fn host_rounds_equal_portable_rounds() {
        for (x, w) in test_sequence(3).zip(test_sequence(4)).take(300) {
            let e = (w >> 50) as u32;
            assert_eq!(rounds_choose(x, e, w), rounds(x, e, w, choose));
            assert_eq!(rounds_parity(x, e, w), rounds(x, e, w, parity));
            assert_eq!(rounds_majority(x, e, w), rounds(x, e, w, majority));
        }
    }
}
