//! The SHA-512 steps: SHA512H, SHA512H2 (two rounds each), SHA512SU0, SHA512SU1.

use super::{doublewords, from_doublewords};

/// SHA512H: the part of two rounds that makes the two new values of T1 plus H.
#[inline]
pub fn rounds1(d: u128, n: u128, m: u128) -> u128 {
    let (w, x, y) = (doublewords(d), doublewords(n), doublewords(m));
    let choose = |a: u64, b: u64, c: u64| ((b ^ c) & a) ^ c;
    let high = choose(y[1], x[0], x[1]).wrapping_add(big1(y[1])).wrapping_add(w[1]);
    let t = high.wrapping_add(y[0]);
    let low = choose(t, y[1], x[0]).wrapping_add(big1(t)).wrapping_add(w[0]);
    from_doublewords([low, high])
}

/// SHA512H2: the part of two rounds that adds the majority and A's rotations.
#[inline]
pub fn rounds2(d: u128, n: u128, m: u128) -> u128 {
    let (w, x, y) = (doublewords(d), doublewords(n), doublewords(m));
    let majority = |a: u64, b: u64, c: u64| (a & b) | ((a | b) & c);
    let high = majority(x[0], y[1], y[0]).wrapping_add(big0(y[0])).wrapping_add(w[1]);
    let low = majority(high, y[0], y[1]).wrapping_add(big0(high)).wrapping_add(w[0]);
    from_doublewords([low, high])
}

/// SHA512SU0: first half of the message schedule update.
#[inline]
pub fn schedule0(d: u128, n: u128) -> u128 {
    let (w, x) = (doublewords(d), doublewords(n));
    let sigma0 = |v: u64| v.rotate_right(1) ^ v.rotate_right(8) ^ (v >> 7);
    from_doublewords([w[0].wrapping_add(sigma0(w[1])), w[1].wrapping_add(sigma0(x[0]))])
}

/// SHA512SU1: second half of the message schedule update.
#[inline]
pub fn schedule1(d: u128, n: u128, m: u128) -> u128 {
    let (w, x, y) = (doublewords(d), doublewords(n), doublewords(m));
    let sigma1 = |v: u64| v.rotate_right(19) ^ v.rotate_right(61) ^ (v >> 6);
    from_doublewords(std::array::from_fn(|i| w[i].wrapping_add(sigma1(x[i])).wrapping_add(y[i])))
}

fn big0(a: u64) -> u64 {
    a.rotate_right(28) ^ a.rotate_right(34) ^ a.rotate_right(39)
}

fn big1(e: u64) -> u64 {
    e.rotate_right(14) ^ e.rotate_right(18) ^ e.rotate_right(41)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(low: u64, high: u64) -> u128 {
        from_doublewords([low, high])
    }

    fn add(x: u128, y: u128) -> u128 {
        let (x, y) = (doublewords(x), doublewords(y));
        from_doublewords([x[0].wrapping_add(y[0]), x[1].wrapping_add(y[1])])
    }

    /// `floor(root(p) * 2^64)` modulo 2^64, for the square or cube root, by bisection in 256-bit terms.
    fn root_fraction(p: u64, power: u32) -> u64 {
        // Compares x^power with p * 2^(64*power), x < 2^68, by long multiplication in base 2^32.
        let product = |a: &[u32], b: &[u32]| {
            let mut r = vec![0u32; a.len() + b.len()];
            for (i, x) in a.iter().enumerate() {
                let mut carry = 0u64;
                for (j, y) in b.iter().enumerate() {
                    let t = u64::from(*x) * u64::from(*y) + u64::from(r[i + j]) + carry;
                    r[i + j] = t as u32;
                    carry = t >> 32;
                }
                r[i + b.len()] = carry as u32;
            }
            r
        };
        let digits = |x: u128| [x as u32, (x >> 32) as u32, (x >> 64) as u32];
        let (mut low, mut high) = (0u128, 1u128 << 68);
        while high - low > 1 {
            let mid = (low + high) / 2;
            let mut value = digits(mid).to_vec();
            for _ in 1..power {
                value = product(&value, &digits(mid));
            }
            // x^power < p * 2^(64*power) exactly when its digits above 64*power are below p.
            let above = value.iter().skip(2 * power as usize).rev();
            let whole = above.fold(0u128, |acc, d| acc << 32 | u128::from(*d));
            if whole < u128::from(p) { low = mid } else { high = mid }
        }
        low as u64
    }

    #[test]
    fn sha512_of_abc_from_steps_matches_fips_180() {
        let primes = || (2u64..).filter(|n| (2..*n).all(|d| n % d != 0));
        let k: Vec<u64> = primes().take(80).map(|p| root_fraction(p, 3)).collect();
        let h: Vec<u64> = primes().take(8).map(|p| root_fraction(p, 2)).collect();
        assert_eq!((k[0], h[0]), (0x428a2f98d728ae22, 0x6a09e667f3bcc908));

        let mut w = vec![0u128; 8];
        w[0] = pair(0x6162638000000000, 0);
        w[7] = pair(0, 24);
        for i in 8..40 {
            let (mid, next) = (w[i - 4], w[i - 3]);
            let m = pair((mid >> 64) as u64, next as u64);
            w.push(schedule1(schedule0(w[i - 8], w[i - 7]), w[i - 1], m));
        }
        let start = [0, 2, 4, 6].map(|i| pair(h[i], h[i + 1]));
        let [mut ab, mut cd, mut ef, mut gh] = start;
        for (i, w) in w.iter().enumerate() {
            let wk = add(*w, pair(k[2 * i], k[2 * i + 1]));
            // The instruction takes {G, H} plus the two words in the other order.
            let sum = add(gh, wk.rotate_left(64));
            let fg = pair((ef >> 64) as u64, gh as u64);
            let de = pair((cd >> 64) as u64, ef as u64);
            let t = rounds1(sum, fg, de);
            let new_ef = add(cd, t);
            let new_ab = rounds2(t, cd, ab);
            (ab, cd, ef, gh) = (new_ab, ab, new_ef, ef);
        }
        let digest = [add(ab, start[0]), add(cd, start[1]), add(ef, start[2]), add(gh, start[3])];
        assert_eq!(
            digest.map(doublewords).concat(),
            [
                0xddaf35a193617aba,
                0xcc417349ae204131,
                0x12e6fa4e89a97ea2,
                0x0a9eeee64b55d39a,
                0x2192992a274fc1a8,
                0x36ba3c23a3feebbd,
                0x454d4423643ce80e,
                0x2a9ac94fa54ca49f,
            ]
        );
    }
}
