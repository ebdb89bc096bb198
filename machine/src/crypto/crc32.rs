//! The checksum instructions CRC32B/H/W/X (polynomial 0x04C11DB7) and CRC32CB/H/W/X (0x1EDC6F41).
//! Both work on bit-reflected values and neither inverts: the caller of the instruction does.

use super::host;

/// CRC32B, CRC32H, CRC32W, CRC32X: folds the low `bytes` (1, 2, 4 or 8) bytes of `value` into `acc`.
#[inline]
pub fn crc32(acc: u32, value: u64, bytes: u32) -> u32 {
    table_update(&CRC32, acc, value, bytes)
}

/// CRC32CB, CRC32CH, CRC32CW, CRC32CX: the same with the Castagnoli polynomial.
#[inline]
pub fn crc32c(acc: u32, value: u64, bytes: u32) -> u32 {
    host::crc32c(acc, value, bytes).unwrap_or_else(|| table_update(&CRC32C, acc, value, bytes))
}

/// `TABLE[n][b]`: the contribution of byte `b` followed by `n` zero bytes.
type Table = [[u32; 256]; 8];

static CRC32: Table = table(0xedb8_8320);
static CRC32C: Table = table(0x82f6_3b78);

const fn table(reflected: u32) -> Table {
    let mut t = [[0; 256]; 8];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (if crc & 1 != 0 { reflected } else { 0 });
            bit += 1;
        }
        t[0][i] = crc;
        i += 1;
    }
    let mut n = 1;
    while n < 8 {
        let mut i = 0;
        while i < 256 {
            let below = t[n - 1][i];
            t[n][i] = (below >> 8) ^ t[0][(below & 0xff) as usize];
            i += 1;
        }
        n += 1;
    }
    t
}

#[inline]
fn table_update(table: &Table, acc: u32, value: u64, bytes: u32) -> u32 {
    let kept = if bytes < 4 { acc >> (8 * bytes) } else { 0 };
    let mixed = (value ^ u64::from(acc)).to_le_bytes();
    (0..bytes as usize).fold(kept, |crc, i| crc ^ table[bytes as usize - 1 - i][usize::from(mixed[i])])
}

#[cfg(test)]
mod tests {
    use super::super::test_sequence;
    use super::*;

    fn checksum(update: impl Fn(u32, u64, u32) -> u32, data: &[u8]) -> u32 {
        !data.iter().fold(!0, |crc, b| update(crc, u64::from(*b), 1))
    }

    #[test]
    fn check_values_of_both_polynomials() {
        assert_eq!(checksum(crc32, b"123456789"), 0xcbf4_3926);
        assert_eq!(checksum(crc32c, b"123456789"), 0xe306_9283);
        assert_eq!(checksum(|c, v, n| table_update(&CRC32C, c, v, n), b"123456789"), 0xe306_9283);
    }

    #[test]
    fn wide_updates_equal_byte_updates() {
        for x in test_sequence(9).take(200) {
            let (acc, value) = ((x >> 64) as u32, x as u64);
            for update in [crc32, crc32c, |a, v, n| table_update(&CRC32C, a, v, n)] {
                for n in [1, 2, 4, 8] {
                    let bytes = &value.to_le_bytes()[..n];
                    let one_by_one = bytes.iter().fold(acc, |c, b| update(c, u64::from(*b), 1));
                    assert_eq!(update(acc, value, n as u32), one_by_one, "{n} bytes");
                }
            }
        }
    }
}
