//! Carry-less multiplication: PMUL and PMULL.

use super::host;

/// PMULL, PMULL2 on doublewords: a 64 by 64 bit carry-less product.
#[inline]
pub fn multiply64(a: u64, b: u64) -> u128 {
    host::carryless_multiply(a, b).unwrap_or_else(|| portable64(a, b))
}

/// PMULL on bytes: an 8 by 8 bit carry-less product. PMUL is its low byte.
#[inline(always)]
pub fn multiply8(a: u8, b: u8) -> u16 {
    let (a, b) = (u16::from(a), u16::from(b));
    let mut product = 0;
    for i in 0..8 {
        product ^= (a << i) & 0u16.wrapping_sub((b >> i) & 1);
    }
    product
}

fn portable64(a: u64, b: u64) -> u128 {
    let mut product = 0;
    for i in 0..64 {
        product ^= (u128::from(a) << i) & 0u128.wrapping_sub(u128::from((b >> i) & 1));
    }
    product
}

#[cfg(test)]
mod tests {
    use super::super::test_sequence;
    use super::*;

    #[test]
    fn multiply64_matches_the_published_carryless_example() {
        let (a, b) = (0x63746f725d53475d, 0x5b477565726f6e5d);
        assert_eq!(multiply64(a, b), 0x1d4d84c85c3440c0929633d5d36f0451);
        assert_eq!(portable64(a, b), 0x1d4d84c85c3440c0929633d5d36f0451);
    }

    #[test]
    fn narrow_and_wide_products_agree() {
        for x in test_sequence(8).take(300) {
            let (a, b) = (x as u64, (x >> 64) as u64);
            assert_eq!(multiply64(a, b), portable64(a, b));
            assert_eq!(u128::from(multiply8(a as u8, b as u8)), portable64(a & 0xff, b & 0xff));
        }
    }
}
