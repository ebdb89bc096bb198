//! TLBI by VA: which entries it removes, and how they are found.

use super::{EMPTY, Entries, Entry, PAGE_MASK, salt};
use crate::mmu::block_filter::PAGE_LOG2;
use crate::mmu::context::Contexts;

/// Pages for which a TLBI looks one by one.
const SEARCHED_PAGES: u64 = 512;

impl Entries {
    /// TLBI by VA: removes the entries of a space that translate any address of `first..=last`, for one ASID and
    /// global pages, or for all ASIDs. Blocks that the range touches go as a whole: answers the range that holds them.
    /// Cost: a few cache lines for each page of it, and at most a pass over everything.
    pub(crate) fn remove_range(
        &mut self,
        contexts: &Contexts,
        space: u16,
        first: u64,
        last: u64,
        asid: Option<u16>,
    ) -> (u64, u64) {
        // The first level has global pages under the id that is looked up, which may be that of any ASID.
        let covers = |entry: &Entry| {
            let block = (1_u64 << entry.stage1_size_log2) - 1;
            let (start, end) = (entry.page() & !block, entry.page() | block);
            start <= last && end >= first && contexts.owner(entry.cid()).space == space && entry.tag != EMPTY
        };
        let matches = |entry: &Entry| {
            let owner = contexts.owner(entry.cid()).asid;
            covers(entry) && (asid.is_none() || owner.is_none() || owner == asid)
        };
        let whole = self.with_blocks(space, first, last);
        let page_count = ((whole.1 - whole.0) >> 12).saturating_add(1);
        if page_count > SEARCHED_PAGES {
            for entry in self.first.iter_mut().filter(|entry| covers(entry)) {
                *entry = Entry::NONE;
            }
            let others = self.second.as_flattened_mut().iter_mut().chain(self.blocks.iter_mut());
            for entry in others.filter(|entry| matches(entry)) {
                *entry = Entry::NONE;
            }
            return whole;
        }
        let salt = salt(space);
        for page in (0..page_count).map(|n| whole.0 + (n << 12)) {
            let near = &mut self.first[Self::slot(page, salt)];
            if covers(near) {
                *near = Entry::NONE;
            }
            let others = self.second[Self::set(page, salt)]
                .iter_mut()
                .chain(std::iter::once(&mut self.blocks[Self::block_slot(page, salt)]));
            for entry in others.filter(|entry| matches(entry)) {
                *entry = Entry::NONE;
            }
        }
        whole
    }

    /// A range with all of the blocks that it touches; everything if that is too much to find out.
    fn with_blocks(&self, space: u16, first: u64, last: u64) -> (u64, u64) {
        let page_count = ((last - first) >> 12) + 1;
        if page_count > SEARCHED_PAGES {
            return (0, u64::MAX);
        }
        let pages = (0..page_count).map(|n| (first & PAGE_MASK) + (n << 12));
        let region = pages.map(|page| self.filter.region_log2(space, page)).max().unwrap_or(PAGE_LOG2);
        match 1_u64.checked_shl(u32::from(region)) {
            Some(bytes) => (first & !(bytes - 1), last | (bytes - 1)),
            None => (0, u64::MAX),
        }
    }
}
