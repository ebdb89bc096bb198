//! Stage 2 translations kept apart from combined ones: what makes a two-stage walk cost little more than one stage.
//!
//! A guest's own TLB maintenance removes combined entries only, and every stage 1 table lies in a page that stage 2
//! translates. Entries go when anything invalidates stage 2 of any VMID, which is rare.

use std::cell::Cell;

use super::walk::{PhysMem, Stage2Page};

const ENTRY_COUNT: usize = 256;

/// A direct-mapped cache from {VMID, configuration, IPA page} to what stage 2 says of the page.
pub(super) struct Stage2Cache {
    entries: Box<[Cell<Entry>]>,
}

#[derive(Clone, Copy)]
struct Entry {
    key: u32,
    ipa_page: u64,
    page: Option<Stage2Page>,
}

impl Default for Stage2Cache {
    fn default() -> Self {
        let none = Entry { key: 0, ipa_page: 0, page: None };
        Self { entries: (0..ENTRY_COUNT).map(|_| Cell::new(none)).collect() }
    }
}

impl std::fmt::Debug for Stage2Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage2Cache").finish_non_exhaustive()
    }
}

impl Stage2Cache {
    pub(super) fn clear(&mut self) {
        for entry in &mut self.entries {
            entry.get_mut().page = None;
        }
    }

    fn slot(&self, key: u32, ipa_page: u64) -> &Cell<Entry> {
        &self.entries[(ipa_page ^ ipa_page >> 8 ^ u64::from(key)) as usize % ENTRY_COUNT]
    }
}

/// Memory with the cache in front of its stage 2. `key` names VMID and configuration.
pub(super) struct WithStage2Cache<'a, M> {
    pub(super) memory: &'a M,
    pub(super) cache: &'a Stage2Cache,
    pub(super) key: u32,
}

impl<M: PhysMem> PhysMem for WithStage2Cache<'_, M> {
    #[inline]
    fn read(&self, pa: u64) -> Option<u64> {
        self.memory.read(pa)
    }

    fn compare_exchange(&self, pa: u64, expected: u64, new: u64) -> Option<u64> {
        self.memory.compare_exchange(pa, expected, new)
    }

    #[inline]
    fn cached_stage2(&self, ipa: u64) -> Option<Stage2Page> {
        let entry = self.cache.slot(self.key, ipa >> 12).get();
        if entry.key == self.key && entry.ipa_page == ipa >> 12 { entry.page } else { None }
    }

    fn cache_stage2(&self, ipa: u64, page: Stage2Page) {
        let entry = Entry { key: self.key, ipa_page: ipa >> 12, page: Some(page) };
        self.cache.slot(self.key, ipa >> 12).set(entry);
    }
}
