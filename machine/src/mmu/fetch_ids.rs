//! Ids under which translations of fetches may be remembered outside of the TLB, as branches do that go from page to
//! page without a look-up.
//!
//! There is one id for each half of the address space, so that another process does not make the kernel's branches
//! forgotten. An id belongs to a range, with its CID, and to a level, as blocks do; it comes back when they do. TLBI by ASID, by
//! VMID and of everything retires CIDs, and their ids of fetches with them. TLBI by VA retires all ids, but only if it
//! concerns a page from which a fetch was noted: most are about data.

use super::tlb::Range;
use crate::cpu::Level;
use std::mem::offset_of;

/// Rows of recent selections.
const ROWS: usize = 64;
/// Bits of the filter of noted pages.
const FILTER_BITS: usize = 1 << 16;
/// Pages that are looked up one by one; of larger ranges it is assumed that they hold code.
const PAGE_LIMIT: u64 = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Row {
    range: Range,
    level: Level,
    high: bool,
    id: u64,
}

/// The present ids, and those of recent selections.
#[derive(Debug)]
pub(super) struct FetchIds {
    /// Of the high and of the low half.
    current: [u64; 2],
    rows: Box<[Row; ROWS]>,
    last: u64,
    forget_count: u64,
    noted: Box<[u64; FILTER_BITS / 64]>,
}

impl Default for FetchIds {
    fn default() -> Self {
        Self {
            current: [0; 2],
            rows: Box::new([Row::default(); ROWS]),
            last: 0,
            forget_count: 0,
            noted: Box::new([0; FILTER_BITS / 64]),
        }
    }
}

impl FetchIds {
    pub(super) const CURRENT: usize = offset_of!(Self, current);

    /// The id for the half that an address is in.
    pub(super) fn current(&self, pc: u64) -> u64 {
        self.current[usize::from(pc >> 55 & 1 == 0)]
    }

    /// Makes the ids those of two ranges, low and high.
    pub(super) fn select(&mut self, ranges: &[Range; 2], level: Level) {
        for high in [false, true] {
            let range = ranges[usize::from(high)];
            // The CID is in the low bits, and so is the Exception level.
            let (level_bits, user) = (u64::from(level.bits()), u64::from(level.el() == 0));
            let hash = range.or << 2 ^ level_bits >> 2 << 3 | user << 1 | u64::from(high);
            let row = &mut self.rows[hash as usize % ROWS];
            if row.id == 0 || (row.range, row.level, row.high) != (range, level, high) {
                self.last += 4;
                *row = Row { range, level, high, id: self.last };
            }
            self.current[usize::from(!high)] = row.id;
        }
    }

    /// Retires all ids; the next selection gets new ones.
    pub(super) fn forget(&mut self) {
        self.rows.fill(Row::default());
        self.noted.fill(0);
        self.forget_count += 1;
    }

    /// How often that was.
    pub(super) fn forget_count(&self) -> u64 {
        self.forget_count
    }

    /// The ids of the high and of the low half.
    pub(super) fn both(&self) -> [u64; 2] {
        self.current
    }

    /// Makes the ids those that were selected before, since the last [`FetchIds::forget`].
    pub(super) fn show(&mut self, ids: [u64; 2]) {
        self.current = ids;
    }

    /// Notes that a fetch from a page is remembered.
    pub(super) fn note(&mut self, space: u16, page: u64) {
        let bit = bit_of(space, page);
        self.noted[bit / 64] |= 1 << (bit % 64);
    }

    /// Whether the removal of the translations of these addresses may concern a noted page. `blocks` tells whether a
    /// block may cover a page, of which another page may be noted.
    pub(super) fn concerns(&self, space: u16, first: u64, last: u64, blocks: impl Fn(u64) -> bool) -> bool {
        let page_count = ((last - first) >> 12) + 1;
        page_count > PAGE_LIMIT
            || (0..page_count).map(|n| (first & !0xfff).wrapping_add(n << 12)).any(|page| {
                let bit = bit_of(space, page);
                self.noted[bit / 64] >> (bit % 64) & 1 != 0 || blocks(page)
            })
    }
}

fn bit_of(space: u16, page: u64) -> usize {
    let hash = (page >> 12 ^ u64::from(space) << 52).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 48) as usize % FILTER_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(cid: u64) -> Range {
        Range { mask: !0xfff, or: cid, salt: 0 }
    }

    const EL0: Level = Level::from_bits(0);
    const EL1: Level = Level::from_bits(1);
    const LOW: u64 = 0x1000;
    const HIGH: u64 = 0xffff_0000_0000_1000;

    #[test]
    fn an_id_of_a_half_follows_its_range_and_comes_back_with_it() {
        let mut ids = FetchIds::default();
        ids.select(&[range(1), range(9)], EL1);
        let (low, high) = (ids.current(LOW), ids.current(HIGH));
        assert_ne!(low, high);
        ids.select(&[range(2), range(9)], EL1);
        assert_ne!(ids.current(LOW), low);
        assert_eq!(ids.current(HIGH), high);
        ids.select(&[range(2), range(9)], EL0);
        assert_ne!(ids.current(HIGH), high, "EL0 may execute other pages");
        ids.select(&[range(1), range(9)], Level::from_bits(1 << 2 | 1));
        assert_ne!(ids.current(HIGH), high, "a guest hypervisor has other code");
        ids.select(&[range(1), range(9)], EL1);
        assert_eq!((ids.current(LOW), ids.current(HIGH)), (low, high));
    }

    #[test]
    fn forgotten_ids_do_not_come_back() {
        let mut ids = FetchIds::default();
        ids.select(&[range(1), range(9)], EL1);
        let before = ids.current;
        ids.forget();
        ids.select(&[range(1), range(9)], EL1);
        assert!(ids.current.iter().all(|id| !before.contains(id)));
    }

    #[test]
    fn only_noted_pages_their_blocks_and_large_ranges_concern_fetches() {
        let mut ids = FetchIds::default();
        ids.note(3, 0x7000);
        let concerns = |first, last, block| ids.concerns(3, first, last, |_| block);
        assert!(concerns(0x7000, 0x7fff, false));
        assert!(concerns(0x5000, 0x8fff, false));
        assert!(!concerns(0x8000, 0x8fff, false));
        assert!(concerns(0x8000, 0x8fff, true), "a block of which another page was noted");
        assert!(concerns(0x10_0000, 0x1f_ffff, false), "a large range");
        assert!(!ids.concerns(4, 0x7000, 0x7fff, |_| false), "another address space");
    }
}
