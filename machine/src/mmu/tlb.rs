//! The software TLB of a CPU: a direct-mapped first level, a set-associative second level, and a table of blocks.
//!
//! Every entry carries the context id of the translation (see [`super::context`]), so nothing is flushed when a
//! register is written; entries go when a TLBI names them or their id is retired.
//!
//! Unsafe is allowed here because entries hold host pointers into guest RAM: an entry's `host` is null or points
//! to a whole page of the [`GuestRam`](crate::ram::GuestRam) of the machine that owns the CPU, which lives longer.
#![allow(unsafe_code)]

mod removal;

use super::block_filter::BlockFilter;
use super::ram_address::RamAddress;
use super::walk::{Attributes, Kind, Permissions, Privilege, Translation};
use crate::debug::watchpoint::PAGE_BITS;

/// Entries of the first level: 32 KiB.
const FIRST_COUNT: usize = 1 << 10;
/// Sets of the second level, of four entries each.
const SET_COUNT: usize = 1 << 11;
const WAYS: usize = 4;
/// Entries of the block table, each for 2 MiB.
const BLOCK_COUNT: usize = 1 << 9;
const BLOCK_LOG2: u8 = 21;

const PAGE_MASK: u64 = !0xfff;
/// Tag of an empty entry: no lookup asks for CID 0.
const EMPTY: u64 = 0;
/// A bit that no entry's permissions have: asking for it makes every access take the slow path.
pub(crate) const NEVER: u16 = 1 << 15;
/// Set among the permissions for the inline path when the memory is not of a Device type.
pub(crate) const NORMAL: u16 = 1 << 14;

/// A cached translation of a 4 KiB page, or of 2 MiB in the block table.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(32))]
pub(crate) struct Entry {
    /// Virtual page, canonical, and CID in the low 12 bits.
    tag: u64,
    /// Host address of the RAM page; null when the page is not RAM.
    host: *mut u8,
    /// Physical page.
    pub(crate) pa: u64,
    /// Permissions for the inline path: empty when the page is not RAM.
    fast: u16,
    permissions: u16,
    stage1_size_log2: u8,
    mair: u8,
    guarded: bool,
    global: bool,
}

// SAFETY: `host` is a plain address into memory that is shared between threads anyway and outlives the CPU.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

impl Entry {
    const NONE: Self = Self {
        tag: EMPTY,
        host: std::ptr::null_mut(),
        pa: 0,
        fast: 0,
        permissions: 0,
        stage1_size_log2: 12,
        mair: 0,
        guarded: false,
        global: false,
    };

    fn cid(&self) -> u16 {
        (self.tag & !PAGE_MASK) as u16
    }

    fn page(&self) -> u64 {
        self.tag & PAGE_MASK
    }

    /// Tells whether the inline path may do all of `need`.
    #[inline(always)]
    pub(crate) fn lets(&self, need: u16) -> bool {
        self.fast & need == need
    }

    /// Tells whether `privilege` may do `kind`.
    pub(crate) fn allows(&self, privilege: Privilege, kind: Kind) -> bool {
        Permissions::from_bits(self.permissions).allows(privilege, kind)
    }

    /// Tells whether the memory is of a Device type.
    pub(crate) fn is_device(&self) -> bool {
        Attributes { mair: self.mair, shareability: 0 }.is_device()
    }

    /// Tells whether the translation is that of all ASIDs.
    pub(crate) fn is_global(&self) -> bool {
        self.global
    }

    /// log2 of the size in bytes of the stage 1 translation.
    pub(crate) fn size_log2(&self) -> u8 {
        self.stage1_size_log2
    }

    /// Tells whether the page is guarded (FEAT_BTI).
    pub(crate) fn is_guarded(&self) -> bool {
        self.guarded
    }

    /// The host address of the byte at `offset` of the page, if it is RAM.
    pub(crate) fn host(&self, offset: u64) -> Option<RamAddress> {
        (!self.host.is_null()).then(|| RamAddress(self.host.wrapping_add((offset & 0xfff) as usize)))
    }
}

/// What a look-up needs for one virtual address range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Range {
    /// Address bits that take part in the tag: all of the page number, or without the top byte.
    pub(crate) mask: u64,
    /// The CID, and the top byte that TBI makes canonical.
    pub(crate) or: u64,
    /// Mixes address spaces over the table.
    pub(crate) salt: u64,
}

impl Range {
    pub(super) const NONE: Range = Range { mask: 0, or: 0, salt: 0 };

    #[inline(always)]
    fn tag(&self, va: u64) -> u64 {
        va & self.mask | self.or
    }

    /// The context id.
    pub(crate) fn cid(&self) -> u16 {
        (self.or & !PAGE_MASK) as u16
    }

    /// The virtual page in canonical form.
    pub(crate) fn page(&self, va: u64) -> u64 {
        self.tag(va) & PAGE_MASK
    }
}

/// The salt of an address space.
pub(crate) fn salt(space: u16) -> u64 {
    u64::from(space).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
}

/// The entries of all levels.
#[derive(Debug)]
pub(crate) struct Entries {
    first: Box<[Entry; FIRST_COUNT]>,
    second: Box<[[Entry; WAYS]; SET_COUNT]>,
    blocks: Box<[Entry; BLOCK_COUNT]>,
    /// Where entries of stage 1 blocks may be.
    filter: BlockFilter,
    /// Which way of a set is replaced next.
    victim: usize,
    /// First and last of the pages that never take the inline path, in the bits of [`PAGE_BITS`].
    watched: Vec<(u64, u64)>,
}

impl Default for Entries {
    fn default() -> Self {
        Self {
            first: boxed(Entry::NONE),
            second: boxed([Entry::NONE; WAYS]),
            blocks: boxed(Entry::NONE),
            filter: BlockFilter::default(),
            victim: 0,
            watched: Vec::new(),
        }
    }
}

fn boxed<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    vec![value; N].into_boxed_slice().try_into().unwrap_or_else(|_| unreachable!("the vector has N elements"))
}

impl Entries {
    /// Removes everything.
    pub(crate) fn clear(&mut self) {
        self.first.fill(Entry::NONE);
        self.second.fill([Entry::NONE; WAYS]);
        self.blocks.fill(Entry::NONE);
        self.filter.clear();
    }

    #[inline(always)]
    fn slot(va: u64, salt: u64) -> usize {
        (va >> 12 ^ salt) as usize & (FIRST_COUNT - 1)
    }

    fn set(page: u64, salt: u64) -> usize {
        let n = page >> 12;
        (n ^ n >> 11 ^ salt) as usize & (SET_COUNT - 1)
    }

    fn block_slot(page: u64, salt: u64) -> usize {
        (page >> BLOCK_LOG2 ^ salt) as usize & (BLOCK_COUNT - 1)
    }

    /// The inline path: the host address of `va` if all of `need` is permitted and the page is RAM.
    #[inline(always)]
    pub(crate) fn fast(&self, range: &Range, va: u64, need: u16) -> Option<RamAddress> {
        let entry = self.fast_entry(range, va, need)?;
        Some(RamAddress(entry.host.wrapping_add((va & 0xfff) as usize)))
    }

    /// The entry behind [`Entries::fast`].
    #[inline(always)]
    pub(crate) fn fast_entry(&self, range: &Range, va: u64, need: u16) -> Option<&Entry> {
        let entry = &self.first[Self::slot(va, range.salt)];
        (entry.tag == range.tag(va) && entry.lets(need)).then_some(entry)
    }

    /// The first-level entry for `va`, whatever it permits.
    #[inline(always)]
    pub(crate) fn first(&self, range: &Range, va: u64) -> Option<&Entry> {
        let entry = &self.first[Self::slot(va, range.salt)];
        (entry.tag == range.tag(va)).then_some(entry)
    }

    /// Looks into the second level and the blocks, for the ids of the ASID and of global pages; what is found moves
    /// to the first level. `host_page` gives the host address of a RAM page.
    pub(crate) fn promote(
        &mut self,
        range: &Range,
        va: u64,
        cids: [u16; 2],
        host_page: impl Fn(u64) -> *mut u8,
    ) -> Option<&Entry> {
        let page = range.page(va);
        let tags = cids.map(|cid| page | u64::from(cid));
        let set = &self.second[Self::set(page, range.salt)];
        let mut found = set.iter().find(|e| tags.contains(&e.tag)).copied();
        if found.is_none() {
            let mask = u64::MAX << BLOCK_LOG2;
            let tags = cids.map(|cid| page & mask | u64::from(cid));
            let block = &self.blocks[Self::block_slot(page, range.salt)];
            if tags.contains(&block.tag) {
                let pa = block.pa | page & !mask;
                found = Some(with_host(Entry { pa, ..*block }, host_page(pa)));
            }
        }
        let entry = self.unless_watched(va, Entry { tag: range.tag(va), ..found? });
        let slot = &mut self.first[Self::slot(va, range.salt)];
        *slot = entry;
        Some(slot)
    }

    /// Caches a translation of `va`. `cid` is the id that its entry has in the second level.
    pub(crate) fn insert(
        &mut self,
        range: &Range,
        va: u64,
        cid: u16,
        space: u16,
        translation: &Translation,
        host_page: impl Fn(u64) -> *mut u8,
    ) -> &Entry {
        let page = range.page(va);
        let entry = Entry {
            tag: page | u64::from(cid),
            pa: translation.pa & PAGE_MASK,
            permissions: translation.permissions.bits(),
            stage1_size_log2: translation.stage1_size_log2,
            mair: translation.attributes.mair,
            guarded: translation.guarded,
            global: translation.global,
            ..Entry::NONE
        };
        let entry = with_host(entry, host_page(entry.pa));
        if translation.stage1_size_log2 > 12 {
            self.filter.note(space, page, translation.stage1_size_log2);
        }
        if translation.size_log2 >= BLOCK_LOG2 {
            let mask = u64::MAX << BLOCK_LOG2;
            let block = Entry { tag: page & mask | u64::from(cid), pa: entry.pa & mask, ..entry };
            self.blocks[Self::block_slot(page, range.salt)] = block;
        } else {
            let set = &mut self.second[Self::set(page, range.salt)];
            let way = set
                .iter()
                .position(|e| e.tag == entry.tag)
                .or_else(|| set.iter().position(|e| e.tag == EMPTY))
                .unwrap_or(self.victim);
            set[way] = entry;
            self.victim = (self.victim + 1) % WAYS;
        }
        let entry = self.unless_watched(va, Entry { tag: range.tag(va), ..entry });
        let slot = &mut self.first[Self::slot(va, range.salt)];
        *slot = entry;
        slot
    }

    /// Sends all accesses to these pages out of line: watchpoints look at them. The second level has entries as they
    /// are without. Answers whether that is a change.
    pub(crate) fn set_watched(&mut self, pages: Vec<(u64, u64)>) -> bool {
        let changed = self.watched != pages;
        if changed {
            self.watched = pages;
            self.first.fill(Entry::NONE);
        }
        changed
    }

    /// Whether there are such pages.
    #[inline]
    pub(crate) fn is_watching(&self) -> bool {
        !self.watched.is_empty()
    }

    fn unless_watched(&self, va: u64, entry: Entry) -> Entry {
        let page = va & PAGE_BITS;
        let watched = self.watched.iter().any(|&(first, last)| (first..=last).contains(&page));
        if watched { Entry { fast: 0, ..entry } } else { entry }
    }

    /// Removes what the first level has for `va`, so that the next access looks again.
    pub(crate) fn forget(&mut self, range: &Range, va: u64, cids: [u16; 2]) {
        let page = range.page(va);
        self.first[Self::slot(va, range.salt)] = Entry::NONE;
        for entry in &mut self.second[Self::set(page, range.salt)] {
            if cids.iter().any(|&cid| entry.tag == page | u64::from(cid)) {
                *entry = Entry::NONE;
            }
        }
        let block = &mut self.blocks[Self::block_slot(page, range.salt)];
        let mask = u64::MAX << BLOCK_LOG2;
        if cids.iter().any(|&cid| block.tag == page & mask | u64::from(cid)) {
            *block = Entry::NONE;
        }
    }
}

fn with_host(entry: Entry, host: *mut u8) -> Entry {
    let memory = if entry.is_device() { 0 } else { NORMAL };
    Entry { host, fast: if host.is_null() { 0 } else { entry.permissions | memory }, ..entry }
}
