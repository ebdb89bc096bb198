//! The IMPLEMENTATION DEFINED algorithm: three AES rounds over {pointer, modifier}, keyed before and in
//! each round. Two rounds let every input bit reach every output byte; the third mixes them again. It is
//! made to be cheap (some 5 ns with AES instructions) and to look random, not to resist an analyst.

use super::Key;
use crate::crypto::aes::three_rounds;

/// Digits of pi's hexadecimal expansion, so that the rounds differ under any key.
pub(crate) static ROUND: [u128; 3] = [
    0x243f_6a88_85a3_08d3_1319_8a2e_0370_7344,
    0xa409_3822_299f_31d0_082e_fa98_ec4e_6c89,
    0x4528_21e6_38d0_1377_be54_66cf_34e9_0c6c,
];

#[inline]
pub(super) fn compute(data: u64, modifier: u64, key: Key) -> u64 {
    let key = u128::from(key.high) << 64 | u128::from(key.low);
    let state = (u128::from(modifier) << 64 | u128::from(data)) ^ key;
    let state = three_rounds(state, key, &ROUND);
    (state >> 64) as u64 ^ state as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::test_sequence;

    #[test]
    fn one_changed_input_bit_changes_about_half_of_the_code() {
        let mut flips = 0;
        let mut count = 0;
        for x in test_sequence(20).take(50) {
            let (data, modifier) = (x as u64, (x >> 64) as u64);
            let key = Key { high: data.rotate_left(17) ^ 0x55, low: modifier.rotate_left(5) };
            let code = compute(data, modifier, key);
            for bit in (0..64).map(|b| 1 << b) {
                let others = [
                    compute(data ^ bit, modifier, key),
                    compute(data, modifier ^ bit, key),
                    compute(data, modifier, Key { high: key.high ^ bit, ..key }),
                    compute(data, modifier, Key { low: key.low ^ bit, ..key }),
                ];
                for other in others {
                    assert_ne!(other, code);
                    flips += (other ^ code).count_ones();
                    count += 1;
                }
            }
        }
        let average = f64::from(flips) / f64::from(count);
        assert!((31.0..33.0).contains(&average), "{average}");
    }

    #[test]
    fn code_of_a_fixed_input_does_not_depend_on_the_host() {
        let key = Key { high: 0x84be85ce9804e94b, low: 0xec2802d4e0a488e9 };
        assert_eq!(compute(0xfb623599da6e8127, 0x477d469dec0b8762, key), 0xc1946e099b4e465d);
    }
}
