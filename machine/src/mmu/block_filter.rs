//! Where stage 1 blocks may be cached: TLBI by VA must remove every fragment of one, and looking for them
//! everywhere is dear.
//!
//! Blocks are told apart by size: pages of the larger granules are blocks too, as entries are for 4 KiB.

/// 8 KiB: a kernel's linear map of some GiB in blocks of 2 MiB fills a small part of it.
const BIT_COUNT: usize = 1 << 16;
/// A block is noted in the region of the first of these sizes that it fits into.
const CLASSES_LOG2: [u8; 3] = [16, 21, 30];
/// log2 of the size of a page.
pub(super) const PAGE_LOG2: u8 = 12;

/// A filter over regions of address spaces that never misses a block and is rarely wrong otherwise.
#[derive(Debug)]
pub(super) struct BlockFilter {
    bits: Box<[u64]>,
    /// Whether there may be blocks of more than 1 GiB.
    giants: bool,
}

impl Default for BlockFilter {
    fn default() -> Self {
        Self { bits: vec![0; BIT_COUNT / 64].into_boxed_slice(), giants: false }
    }
}

impl BlockFilter {
    pub(super) fn clear(&mut self) {
        self.bits.fill(0);
        self.giants = false;
    }

    /// Notes that a stage 1 block or page of more than 4 KiB is cached, of which `page` is part.
    pub(super) fn note(&mut self, space: u16, page: u64, size_log2: u8) {
        match CLASSES_LOG2.into_iter().find(|&class| size_log2 <= class) {
            Some(class) => {
                let bit = bit_of(space, page, class);
                self.bits[bit / 64] |= 1 << (bit % 64);
            }
            None => self.giants = true,
        }
    }

    /// log2 of the size of a region, aligned to it, that has all of every noted block that covers `page`:
    /// [`PAGE_LOG2`] where there is none, 64 where one may be larger than 1 GiB.
    pub(super) fn region_log2(&self, space: u16, page: u64) -> u8 {
        if self.giants {
            return u64::BITS as u8;
        }
        let noted = |class| {
            let bit = bit_of(space, page, class);
            self.bits[bit / 64] >> (bit % 64) & 1 != 0
        };
        CLASSES_LOG2.into_iter().rev().find(|&class| noted(class)).unwrap_or(PAGE_LOG2)
    }
}

fn bit_of(space: u16, page: u64, class: u8) -> usize {
    let region = page >> class | u64::from(class) << 56;
    let hash = (region ^ u64::from(space) << 44).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 48) as usize % BIT_COUNT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_of_a_noted_block_is_covered_and_others_mostly_not() {
        for (size_log2, region_log2, block) in [
            (14, 16, 0x4000_4000),
            (16, 16, 0xaaaa_0001_0000),
            (17, 21, 0x4002_0000),
            (21, 21, 0xffff_0000_0020_0000),
            (29, 30, 0x6000_0000),
            (30, 30, 1 << 33),
        ] {
            let mut filter = BlockFilter::default();
            filter.note(3, block + 0x3000, size_log2);
            for page in [0, 0x1000, (1 << size_log2) - 0x1000] {
                assert_eq!(filter.region_log2(3, block + page), region_log2);
            }
            let covered = |space, page| filter.region_log2(space, page) != PAGE_LOG2;
            let elsewhere = (1..100).filter(|n| covered(3, block + (n << 31))).count();
            assert!(elsewhere < 5 && !covered(4, block), "{elsewhere} of 99");
        }
        let mut filter = BlockFilter::default();
        filter.note(3, 0, 39);
        assert_eq!(filter.region_log2(3, 0x12_3456_7000), 64);
        filter.clear();
        assert_eq!(filter.region_log2(3, 0), PAGE_LOG2);
    }

    #[test]
    fn pages_beside_a_small_block_are_not_covered_and_the_largest_region_counts() {
        let mut filter = BlockFilter::default();
        filter.note(3, 0x4001_0000, 16);
        assert_eq!(filter.region_log2(3, 0x4000_f000), PAGE_LOG2);
        assert_eq!(filter.region_log2(3, 0x4002_0000), PAGE_LOG2);
        filter.note(3, 0x4000_0000, 21);
        assert_eq!(filter.region_log2(3, 0x4001_3000), 21);
    }
}
