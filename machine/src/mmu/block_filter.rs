//! Where stage 1 blocks may be cached: TLBI by VA must remove every fragment of one, and looking for them
//! everywhere is dear.

/// 8 KiB: a kernel's linear map of some GiB in blocks of 2 MiB fills a small part of it.
const BIT_COUNT: usize = 1 << 16;

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
        let region = match size_log2 {
            ..=21 => small_region(page),
            22..=30 => large_region(page),
            _ => {
                self.giants = true;
                return;
            }
        };
        let bit = bit_of(space, region);
        self.bits[bit / 64] |= 1 << (bit % 64);
    }

    /// Tells whether a noted block may cover `page`.
    pub(super) fn may_cover(&self, space: u16, page: u64) -> bool {
        let noted = |region| {
            let bit = bit_of(space, region);
            self.bits[bit / 64] >> (bit % 64) & 1 != 0
        };
        self.giants || noted(small_region(page)) || noted(large_region(page))
    }
}

/// Blocks of up to 2 MiB lie within a region of that size.
fn small_region(page: u64) -> u64 {
    page >> 21
}

/// Blocks of up to 1 GiB lie within a region of that size.
fn large_region(page: u64) -> u64 {
    page >> 30 | 1 << 60
}

fn bit_of(space: u16, region: u64) -> usize {
    let hash = (region ^ u64::from(space) << 44).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 48) as usize % BIT_COUNT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_of_a_noted_block_is_covered_and_others_mostly_not() {
        for (size_log2, block) in
            [(14, 0x4000_4000), (21, 0xffff_0000_0020_0000), (29, 0x6000_0000), (30, 1 << 33)]
        {
            let mut filter = BlockFilter::default();
            filter.note(3, block + 0x3000, size_log2);
            for page in [0, 0x1000, (1 << size_log2) - 0x1000] {
                assert!(filter.may_cover(3, block + page));
            }
            let elsewhere = (1..100).filter(|n| filter.may_cover(3, block + (n << 31))).count();
            assert!(elsewhere < 5 && !filter.may_cover(4, block), "{elsewhere} of 99");
        }
        let mut filter = BlockFilter::default();
        filter.note(3, 0, 39);
        assert!(filter.may_cover(3, 0x12_3456_7000));
        filter.clear();
        assert!(!filter.may_cover(3, 0));
    }
}
