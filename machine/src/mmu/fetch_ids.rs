//! Ids under which translations of fetches may be remembered outside of the TLB, as branches do that go from page to
//! page without a look-up.
//!
//! There is one id for each half of the address space, so that another process does not make the kernel's branches
//! forgotten. An id belongs to a range, with its CID, and to a level, as blocks do; it comes back when they do. TLBI by ASID, by
//! VMID and of everything retires CIDs, and their ids of fetches with them. TLBI by VA retires the ids of its half and of
//! its ASID, but only if it concerns a page from which a fetch was noted, or the block that the page is part of: most are
//! about data. If such a page may be global it retires the ids of all ASIDs.

use super::block_filter::{BlockFilter, PAGE_LOG2};
use super::fetch::FetchPage;
use super::tlb::Range;
use crate::cpu::Level;
use std::mem::offset_of;

/// Rows of recent selections.
const ROWS: usize = 64;
/// Bits of the filter of noted pages.
const FILTER_BITS: usize = 1 << 16;
/// Pages that are noted before everything is forgotten, as the filter begins to be wrong then.
const NOTED_LIMIT: usize = FILTER_BITS / 8;
/// In place of a space: global pages of it.
const GLOBAL: u16 = 1 << 15;
/// Pages that are looked up one by one, in some nanoseconds each; of larger ranges it is assumed that they hold code.
const PAGE_LIMIT: u64 = 4096;

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
    noted_count: usize,
    /// The blocks that noted pages are part of.
    noted_blocks: BlockFilter,
}

impl Default for FetchIds {
    fn default() -> Self {
        Self {
            current: [0; 2],
            rows: Box::new([Row::default(); ROWS]),
            last: 0,
            forget_count: 0,
            noted: Box::new([0; FILTER_BITS / 64]),
            noted_count: 0,
            noted_blocks: BlockFilter::default(),
        }
    }
}

/// Which ids a TLBI by VA makes void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concern {
    Nothing,
    /// Those of the ASID that it names.
    OneAsid,
    AllAsids,
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
        self.noted_count = 0;
        self.noted_blocks.clear();
        self.forget_count += 1;
    }

    /// Retires the ids of the halves that two addresses are in, for context ids that are named; the next selection gets
    /// new ones.
    pub(super) fn retire(&mut self, first: u64, last: u64, is_named: impl Fn(u16) -> bool) {
        let halves = [first, last].map(|va| va >> 55 & 1 != 0);
        for row in self.rows.iter_mut().filter(|row| halves.contains(&row.high) && is_named(row.range.cid()))
        {
            *row = Row::default();
        }
        self.forget_count += 1;
    }

    /// How often ids were retired.
    pub(super) fn forget_count(&self) -> u64 {
        self.forget_count
    }

    /// The ids of the high and of the low half.
    pub(super) fn both(&self) -> [u64; 2] {
        self.current
    }

    /// Makes the ids those that were selected before, since the last that were retired.
    pub(super) fn show(&mut self, ids: [u64; 2]) {
        self.current = ids;
    }

    /// Whether so much was noted that it is time to forget it.
    pub(super) fn is_full(&self) -> bool {
        self.noted_count >= NOTED_LIMIT
    }

    /// Notes that a fetch from the page at `va` is remembered.
    pub(super) fn note(&mut self, space: u16, va: u64, page: &FetchPage) {
        let space = if page.global { space | GLOBAL } else { space };
        let (word, mask) = bit_of(space, va);
        self.noted_count += usize::from(self.noted[word] & mask == 0);
        self.noted[word] |= mask;
        if page.size_log2 > PAGE_LOG2 {
            self.noted_blocks.note(space, va, page.size_log2);
        }
    }

    /// Which ids the removal of the translations of these addresses may concern.
    pub(super) fn concern(&self, space: u16, first: u64, last: u64) -> Concern {
        let page_count = ((last - first) >> 12) + 1;
        if page_count > PAGE_LIMIT {
            return Concern::AllAsids;
        }
        let mut pages = (0..page_count).map(|n| (first & !0xfff).wrapping_add(n << 12));
        let noted = |space, page| {
            let (word, mask) = bit_of(space, page);
            self.noted[word] & mask != 0 || self.noted_blocks.region_log2(space, page) > PAGE_LOG2
        };
        let mut concern = Concern::Nothing;
        if pages.any(|page| {
            if noted(space, page) {
                concern = Concern::OneAsid;
            }
            noted(space | GLOBAL, page)
        }) {
            return Concern::AllAsids;
        }
        concern
    }
}

/// The word of the filter that tells about a page, and the bit there.
fn bit_of(space: u16, page: u64) -> (usize, u64) {
    let hash = (page >> 12 ^ u64::from(space) << 48).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bit = (hash >> 48) as usize % FILTER_BITS;
    (bit / 64, 1 << (bit % 64))
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
    fn only_the_ids_of_named_contexts_and_of_a_half_are_retired() {
        let mut ids = FetchIds::default();
        ids.select(&[range(1), range(9)], EL1);
        let one = ids.both();
        ids.select(&[range(2), range(9)], EL1);
        let two = ids.both();
        let count = ids.forget_count();
        ids.retire(LOW, LOW, |cid| cid == 1);
        assert_ne!(ids.forget_count(), count, "what was kept of selections is void");
        ids.select(&[range(2), range(9)], EL1);
        assert_eq!(ids.both(), two);
        ids.select(&[range(1), range(9)], EL1);
        assert_eq!(ids.current(HIGH), one[0]);
        assert!(![one[1], two[1]].contains(&ids.current(LOW)));
        ids.retire(HIGH, HIGH, |_| true);
        ids.select(&[range(2), range(9)], EL1);
        assert_eq!(ids.current(LOW), two[1]);
        assert_ne!(ids.current(HIGH), one[0]);
    }

    fn page(size_log2: u8, global: bool) -> FetchPage {
        FetchPage { pa: 0, guarded: false, size_log2, global }
    }

    #[test]
    fn only_noted_pages_their_blocks_and_large_ranges_concern_fetches() {
        let mut ids = FetchIds::default();
        ids.note(3, 0x7000, &page(12, false));
        ids.note(3, 0x25_0000, &page(16, false));
        assert_eq!(ids.concern(3, 0x7000, 0x7fff), Concern::OneAsid);
        assert_eq!(ids.concern(3, 0x5000, 0x8fff), Concern::OneAsid);
        assert_eq!(ids.concern(3, 0x8000, 0x8fff), Concern::Nothing);
        assert_eq!(ids.concern(3, 0x25_f000, 0x25_ffff), Concern::OneAsid, "a block with a noted page");
        assert_eq!(ids.concern(3, 0x26_0000, 0x26_ffff), Concern::Nothing, "beside it");
        assert_eq!(ids.concern(3, 0x100_0000, 0x13f_ffff), Concern::Nothing, "hundreds of pages");
        assert_eq!(ids.concern(3, 0x1000_0000, 0x1fff_ffff), Concern::AllAsids, "a large range");
        assert_eq!(ids.concern(4, 0x7000, 0x7fff), Concern::Nothing, "another address space");
        ids.note(3, 0x8000, &page(12, true));
        assert_eq!(ids.concern(3, 0x7000, 0x8fff), Concern::AllAsids, "a global page");
        ids.note(3, 0x47_0000, &page(21, true));
        assert_eq!(ids.concern(3, 0x40_0000, 0x40_0fff), Concern::AllAsids, "a global block");
    }

    #[test]
    fn the_filter_says_when_it_is_full() {
        let mut ids = FetchIds::default();
        for n in 0..2 * NOTED_LIMIT as u64 {
            assert!(n > NOTED_LIMIT as u64 / 2 || !ids.is_full());
            ids.note(3, (n / 2) << 12, &page(12, false));
        }
        (0..NOTED_LIMIT as u64).for_each(|n| ids.note(4, n << 12, &page(12, false)));
        assert!(ids.is_full());
        ids.forget();
        assert!(!ids.is_full());
    }
}
