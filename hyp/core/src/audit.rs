//! What has to be true at all times, looked at when the host ends and when the hypervisor stops.

use crate::address::{PAGE_BYTES, PaRange};
use crate::tables::{TableMemory, Tables};

/// A sum over memory that must not change: FNV-1a over 64-bit words. Not a defence against collisions, which a host that
/// cannot write there cannot look for.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks_exact(8).filter_map(|c| c.try_into().ok().map(u64::from_le_bytes));
    words.fold(0xcbf2_9ce4_8422_2325, |sum, word| (sum ^ word).wrapping_mul(0x0100_0000_01b3))
}

/// The first page of `own` that some tables translate to, which the host could then reach. Walks each page: for audits only.
pub fn leak<M: TableMemory>(tables: &Tables, memory: &M, own: impl Iterator<Item = PaRange>) -> Option<u64> {
    own.flat_map(|range| (range.start..range.end).step_by(PAGE_BYTES as usize))
        .find(|page| tables.walk(memory, *page).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Pa;

    /// One root table of level 3, in which every second page is mapped.
    struct Half;

    impl TableMemory for Half {
        fn read(&self, _: Pa, index: usize) -> u64 {
            if index % 2 == 1 { (index as u64) << 12 | 3 } else { 0 }
        }
        fn write(&mut self, _: Pa, _: usize, _: u64) {}
        fn allocate(&mut self) -> Option<Pa> {
            None
        }
        fn free(&mut self, _: Pa) {}
        fn publish(&mut self) {}
        fn invalidate(&mut self, _: u64, _: u8) {}
    }

    #[test]
    fn page_that_is_mapped_is_found() {
        let tables = Tables::new(Pa(0), 3, 21);
        let pages = |start, end| [PaRange { start, end }].into_iter();
        assert_eq!(leak(&tables, &Half, pages(0x2000, 0x3000)), None);
        assert_eq!(leak(&tables, &Half, pages(0x2000, 0x5000)), Some(0x3000));
    }

    #[test]
    fn every_bit_counts() {
        let mut bytes = [0; 64];
        let sum = checksum(&bytes);
        for at in 0..64 {
            bytes[at] = 0x10;
            assert_ne!(checksum(&bytes), sum, "{at}");
            bytes[at] = 0;
        }
    }
}
