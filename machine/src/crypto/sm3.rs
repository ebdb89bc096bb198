//! The SM3 steps: SM3PARTW1, SM3PARTW2, SM3SS1, SM3TT1A, SM3TT1B, SM3TT2A, SM3TT2B.

use super::{choose, from_words, majority, parity, words};

/// SM3PARTW1: first part of the message expansion.
#[inline]
pub fn expand1(d: u128, n: u128, m: u128) -> u128 {
    let (mut r, m) = (words(d ^ n), words(m));
    for i in 0..3 {
        r[i] = p1(r[i] ^ m[i + 1].rotate_left(15));
    }
    r[3] = p1(r[3] ^ r[0].rotate_left(15));
    from_words(r)
}

/// SM3PARTW2: second part of the message expansion.
#[inline]
pub fn expand2(d: u128, n: u128, m: u128) -> u128 {
    let t = n ^ from_words(words(m).map(|w| w.rotate_left(7)));
    let mut r = words(d ^ t);
    r[3] ^= p1((t as u32).rotate_left(15));
    from_words(r)
}

/// SM3SS1: the value SS1 of a round, in the top lane.
#[inline]
pub fn ss1(n: u128, m: u128, a: u128) -> u128 {
    let (n, m, a) = (words(n)[3], words(m)[3], words(a)[3]);
    from_words([0, 0, 0, n.rotate_left(12).wrapping_add(m).wrapping_add(a).rotate_left(7)])
}

/// SM3TT1A: the A-to-D half of a round with parity (rounds 0 to 15).
#[inline]
pub fn tt1a(d: u128, n: u128, m: u128, index: u32) -> u128 {
    tt1(d, n, words(m)[index as usize], parity)
}

/// SM3TT1B: the A-to-D half of a round with majority (rounds 16 to 63).
#[inline]
pub fn tt1b(d: u128, n: u128, m: u128, index: u32) -> u128 {
    tt1(d, n, words(m)[index as usize], majority)
}

/// SM3TT2A: the E-to-H half of a round with parity (rounds 0 to 15).
#[inline]
pub fn tt2a(d: u128, n: u128, m: u128, index: u32) -> u128 {
    tt2(d, n, words(m)[index as usize], parity)
}

/// SM3TT2B: the E-to-H half of a round with choose (rounds 16 to 63).
#[inline]
pub fn tt2b(d: u128, n: u128, m: u128, index: u32) -> u128 {
    tt2(d, n, words(m)[index as usize], choose)
}

fn p1(x: u32) -> u32 {
    x ^ x.rotate_left(15) ^ x.rotate_left(23)
}

fn tt1(d: u128, n: u128, w: u32, f: impl Fn(u32, u32, u32) -> u32) -> u128 {
    let d = words(d);
    let ss2 = words(n)[3] ^ d[3].rotate_left(12);
    let t = f(d[3], d[2], d[1]).wrapping_add(d[0]).wrapping_add(ss2).wrapping_add(w);
    from_words([d[1], d[2].rotate_left(9), d[3], t])
}

fn tt2(d: u128, n: u128, w: u32, f: impl Fn(u32, u32, u32) -> u32) -> u128 {
    let d = words(d);
    let t = f(d[3], d[2], d[1]).wrapping_add(d[0]).wrapping_add(words(n)[3]).wrapping_add(w);
    from_words([d[1], d[2].rotate_left(19), d[3], t ^ t.rotate_left(9) ^ t.rotate_left(17)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sm3_of_abc_from_steps_matches_the_standard() {
        // w[i] holds W(4i)..W(4i+3).
        let mut w = vec![from_words([0x61626380, 0, 0, 0]), 0, 0, from_words([0, 0, 0, 24])];
        let at = |w: &[u128], i: usize| {
            let flat: Vec<u32> = w.iter().flat_map(|v| words(*v)).collect();
            from_words([flat[i], flat[i + 1], flat[i + 2], flat[i + 3]])
        };
        for i in 4..17 {
            let j = 4 * i;
            let part1 = expand1(w[i - 4], at(&w, j - 9), w[i - 1]);
            w.push(expand2(part1, at(&w, j - 6), at(&w, j - 13)));
        }
        let start = [
            from_words([0xda8a0600, 0x172442d7, 0x4914b2b9, 0x7380166f]),
            from_words([0xb0fb0e4e, 0xe38dee4d, 0x163138aa, 0xa96f30bc]),
        ];
        let [mut abcd, mut efgh] = start;
        for j in 0..64 {
            let t = if j < 16 { 0x79cc4519u32 } else { 0x7a879d8a }.rotate_left(j as u32 % 32);
            let s = ss1(abcd, efgh, from_words([0, 0, 0, t]));
            let (w0, w4) = (w[j / 4], at(&w, j / 4 * 4 + 4));
            let index = j as u32 % 4;
            (abcd, efgh) = if j < 16 {
                (tt1a(abcd, s, w0 ^ w4, index), tt2a(efgh, s, w0, index))
            } else {
                (tt1b(abcd, s, w0 ^ w4, index), tt2b(efgh, s, w0, index))
            };
        }
        let mut digest = [words(abcd ^ start[0]), words(efgh ^ start[1])];
        digest.iter_mut().for_each(|half| half.reverse());
        assert_eq!(
            digest.concat(),
            [0x66c7f0f4, 0x62eeedd9, 0xd1f2d46b, 0xdc10e4e2, 0x4167c487, 0x5cf2f7a2, 0x297da02b, 0x8f4ba8e0]
        );
    }
}
