//! What generated code looks at: a direct-mapped table of host addresses, where one comparison decides a hit.
//!
//! A comparand is made of an address and of what the CPU's present state selects. The address is shifted right by
//! twelve, with its sign: its page's number is in bits 51:0, and the sign fills bits 63:52. There each half of the
//! address space has an id of its own, which stands for {context id, privilege}: an AND leaves the bits in which the two
//! ids differ, an exclusive OR turns them into the id of the half. So a change of context, privilege or Exception level
//! changes two words and no entry.
//!
//! Only what needs no further test is here: little-endian accesses, at any alignment, to Normal memory that is RAM.
//! Address spaces are spread over windows of the table, as kernels of hosts and guests use the same addresses.

use super::tlb::Range;
use super::walk::Privilege;

/// log2 of the entries of a window.
const WINDOW_LOG2: u32 = 12;
const WINDOW_COUNT: usize = 1 << WINDOW_LOG2;
const WINDOWS: usize = 4;
const PAGE_LOG2: u32 = 12;
/// Where the id is in a comparand.
const ID_SHIFT: u32 = 52;
/// The id of accesses that no entry serves. Id 0 is that of empty entries.
const NEVER: u16 = 0xfff;
/// Privileges for each context id, and one to spare.
const ROW: usize = 4;

/// A page that may be accessed without further tests.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(32))]
struct Inline {
    /// Comparand for loads.
    read: u64,
    /// Comparand for stores and for what does both.
    write: u64,
    /// Host address less virtual address.
    addend: u64,
    /// Address of the byte that tells whether the page holds decoded code.
    code: u64,
}

/// What turns an address into a comparand, see the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Comparison {
    mask: u64,
    id: u64,
}

impl Comparison {
    /// Matches nothing.
    pub(super) const NEVER: Self = Self::new(NEVER, NEVER);

    const fn new(low: u16, high: u16) -> Self {
        let page = (1 << ID_SHIFT) - 1;
        Self { mask: ((low ^ high) as u64) << ID_SHIFT | page, id: (low as u64) << ID_SHIFT }
    }

    fn comparand(self, va: u64) -> u64 {
        (va.cast_signed() >> PAGE_LOG2).cast_unsigned() & self.mask ^ self.id
    }
}

/// What a page of RAM lets generated code do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) read: bool,
    pub(super) write: bool,
    /// Host address of the page.
    pub(super) host: u64,
    /// Address of the byte that tells whether it holds decoded code.
    pub(super) code: u64,
}

/// The table, and the ids of its comparands.
#[derive(Debug)]
pub(super) struct InlineTable {
    entries: Box<[Inline]>,
    /// The id of each {context id, privilege}, 0 where there is none yet.
    ids: Box<[u16]>,
    /// By id, the context id.
    owners: Vec<u16>,
    /// How often everything was forgotten: selections of before are void.
    clear_count: u64,
}

impl Default for InlineTable {
    fn default() -> Self {
        Self {
            entries: vec![Inline::default(); WINDOWS * WINDOW_COUNT].into_boxed_slice(),
            ids: vec![0; ROW << PAGE_LOG2].into_boxed_slice(),
            owners: vec![0],
            clear_count: 0,
        }
    }
}

impl InlineTable {
    /// Forgets all entries and ids: context ids begin anew.
    pub(super) fn clear(&mut self) {
        self.entries.fill(Inline::default());
        self.ids.fill(0);
        self.owners.truncate(1);
        self.clear_count += 1;
    }

    /// How often everything was forgotten.
    pub(super) fn clear_count(&self) -> u64 {
        self.clear_count
    }

    /// Makes room for three selections. Ids may begin anew, so earlier selections are void.
    pub(super) fn make_room(&mut self) {
        if self.owners.len() + 3 * 2 > usize::from(NEVER) {
            self.clear();
        }
    }

    /// The selection of a privilege over the two halves. There must be [room](Self::make_room).
    pub(super) fn select(&mut self, ranges: &[Range; 2], privilege: Privilege) -> Comparison {
        let [low, high] = ranges.each_ref().map(|range| self.intern(range.cid(), privilege));
        Comparison::new(low, high)
    }

    fn intern(&mut self, cid: u16, privilege: Privilege) -> u16 {
        let id = &mut self.ids[usize::from(cid) * ROW + privilege as usize];
        if *id == 0 {
            *id = self.owners.len() as u16;
            self.owners.push(cid);
        }
        *id
    }

    /// Address of the window of an address space, which never moves.
    pub(super) fn window_address(&self, space: u16) -> u64 {
        self.entries[window(space)].as_ptr().addr() as u64
    }

    fn slot(space: u16, va: u64) -> usize {
        window(space).start + (va >> PAGE_LOG2) as usize % WINDOW_COUNT
    }

    /// Lets generated code access the page of `va`, an address whose translation is valid under `selection`.
    pub(super) fn insert(&mut self, selection: Comparison, space: u16, va: u64, page: Page) {
        // Where translation ignores the top byte, the sign may choose the other half's id than bit 55 does.
        if (va ^ va << 8) >> 63 != 0 {
            return;
        }
        let comparand = selection.comparand(va);
        let only = |allowed| if allowed { comparand } else { 0 };
        self.entries[Self::slot(space, va)] = Inline {
            read: only(page.read),
            write: only(page.read && page.write),
            addend: page.host.wrapping_sub(va & !0xfff),
            code: page.code,
        };
    }

    /// Removes what there is for an address, under any id.
    pub(super) fn forget(&mut self, space: u16, va: u64) {
        self.entries[Self::slot(space, va)] = Inline::default();
    }

    /// Removes what there is for the addresses of `first..=last`, with any top byte. Of many pages it is removed if
    /// its context id is one of those named, too.
    pub(super) fn forget_range(&mut self, space: u16, first: u64, last: u64, is_named: impl Fn(u16) -> bool) {
        /// More than this are rather looked for in the whole window.
        const FEW: u64 = WINDOW_COUNT as u64 / 8;
        let page_count = ((last - first) >> PAGE_LOG2).saturating_add(1);
        if page_count <= FEW {
            return (0..page_count).for_each(|n| self.forget(space, first + (n << PAGE_LOG2)));
        }
        let number = |page: u64| page & ((1 << (u64::BITS - 8 - PAGE_LOG2)) - 1);
        let (low, span) = (number(first >> PAGE_LOG2), page_count);
        for entry in &mut self.entries[window(space)] {
            // A comparand for stores implies one for loads.
            let id = (entry.read >> ID_SHIFT) as usize;
            let inside = number(number(entry.read).wrapping_sub(low)) < span;
            if inside && self.owners.get(id).is_some_and(|&cid| is_named(cid)) {
                *entry = Inline::default();
            }
        }
    }
}

#[cfg(test)]
impl InlineTable {
    /// The host page that generated code finds for `va`.
    pub(super) fn find(&self, selection: Comparison, space: u16, va: u64, write: bool) -> Option<u64> {
        let entry = &self.entries[Self::slot(space, va)];
        let wanted = if write { entry.write } else { entry.read };
        (wanted == selection.comparand(va)).then(|| entry.addend.wrapping_add(va & !0xfff))
    }
}

/// Where the entries of an address space are.
fn window(space: u16) -> std::ops::Range<usize> {
    let start = usize::from(space) % WINDOWS * WINDOW_COUNT;
    start..start + WINDOW_COUNT
}

/// Where generated code finds what it compares.
pub(crate) mod layout {
    use super::{Comparison, Inline, PAGE_LOG2, WINDOW_COUNT};
    use std::mem::offset_of;

    /// How far an address is shifted, with its sign, to be compared.
    pub(crate) const COMPARAND_SHIFT: u8 = PAGE_LOG2 as u8;
    /// How far an address is shifted to give the offset of its entry, after [`OFFSET_MASK`].
    pub(crate) const OFFSET_SHIFT: u8 = PAGE_LOG2 as u8 - size_of::<Inline>().ilog2() as u8;
    pub(crate) const OFFSET_MASK: i32 = ((WINDOW_COUNT - 1) * size_of::<Inline>()) as i32;
    pub(crate) const READ: i32 = offset_of!(Inline, read) as i32;
    pub(crate) const WRITE: i32 = offset_of!(Inline, write) as i32;
    pub(crate) const ADDEND: i32 = offset_of!(Inline, addend) as i32;
    pub(crate) const CODE: i32 = offset_of!(Inline, code) as i32;
    pub(crate) const MASK: usize = offset_of!(Comparison, mask);
    pub(crate) const ID: usize = offset_of!(Comparison, id);
    pub(crate) const COMPARISON_BYTES: usize = size_of::<Comparison>();
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: u64 = 0x12_3456_7000;
    const HIGH: u64 = 0xffff_8000_1234_5000;
    const PAGE: Page = Page { read: true, write: true, host: 0x7f00_0000_0000, code: 0 };

    fn ranges(low: u64, high: u64) -> [Range; 2] {
        [low, high].map(|or| Range { mask: !0xfff, or, salt: 0 })
    }

    fn select(table: &mut InlineTable, low: u64, high: u64) -> Comparison {
        table.make_room();
        table.select(&ranges(low, high), Privilege::Privileged)
    }

    #[test]
    fn an_entry_serves_its_half_under_every_selection_that_has_its_id() {
        let mut table = InlineTable::default();
        let one = select(&mut table, 1, 9);
        table.insert(one, 0, LOW, PAGE);
        table.insert(one, 0, HIGH, PAGE);
        let two = select(&mut table, 2, 9);
        assert_eq!(table.find(two, 0, LOW, false), None, "another process");
        assert_eq!(table.find(two, 0, HIGH, false), Some(PAGE.host), "the same kernel");
        let again = select(&mut table, 1, 9);
        assert_eq!(table.find(again, 0, LOW, true), Some(PAGE.host), "nothing was flushed");
        let user = table.select(&ranges(1, 9), Privilege::User);
        assert_eq!(table.find(user, 0, LOW, false), None, "another privilege");
        assert_eq!(table.find(Comparison::NEVER, 0, LOW, false), None);
        assert_eq!(table.find(Comparison::NEVER, 0, 0, false), None, "empty entries match nothing");
    }

    #[test]
    fn every_bit_above_the_page_offset_counts() {
        let mut table = InlineTable::default();
        let selection = select(&mut table, 0x555, 0xaaa);
        for va in [LOW, HIGH] {
            table.insert(selection, 0, va, PAGE);
            for bit in 12..64 {
                assert_eq!(table.find(selection, 0, va ^ 1 << bit, false), None, "bit {bit} of {va:#x}");
            }
        }
    }

    #[test]
    fn an_address_whose_top_byte_chooses_the_other_half_is_not_entered() {
        let mut table = InlineTable::default();
        let selection = select(&mut table, 1, 9);
        table.insert(selection, 0, LOW | 0x80 << 56, PAGE);
        let other = select(&mut table, 2, 9);
        assert_eq!(table.find(other, 0, LOW | 0x80 << 56, false), None);
        table.insert(selection, 0, LOW | 0x7f << 56, PAGE);
        assert_eq!(table.find(selection, 0, LOW | 0x7f << 56, false), Some(PAGE.host));
        assert_eq!(table.find(selection, 0, LOW, false), None, "another tag");
    }

    #[test]
    fn running_out_of_ids_empties_the_table() {
        let mut table = InlineTable::default();
        let first = select(&mut table, 1, 2);
        table.insert(first, 0, LOW, PAGE);
        for cid in 3..2100 {
            select(&mut table, cid, cid + 2000);
        }
        let again = select(&mut table, 1, 2);
        assert_eq!(table.find(again, 0, LOW, false), None);
        assert_eq!(table.find(first, 0, LOW, false), None);
    }

    #[test]
    fn a_page_that_may_not_be_written_serves_loads() {
        let mut table = InlineTable::default();
        let selection = select(&mut table, 1, 2);
        table.insert(selection, 0, LOW, Page { write: false, ..PAGE });
        assert_eq!(table.find(selection, 0, LOW, false), Some(PAGE.host));
        assert_eq!(table.find(selection, 0, LOW, true), None);
    }

    #[test]
    fn ranges_of_few_and_of_many_pages_are_forgotten() {
        for (page_count, va) in [(1, LOW), (200, LOW), (200, HIGH), (5000, LOW), (5000, HIGH)] {
            let mut table = InlineTable::default();
            let selection = select(&mut table, 1, 2);
            let tagged = va ^ 0x11 << 56;
            let inserted = [va - 0x1000, va, va + ((page_count - 1) << 12), va + (page_count << 12), tagged];
            let found = |table: &mut InlineTable, last: u64, named| {
                inserted.map(|at| {
                    table.clear();
                    let selection = select(table, 1, 2);
                    table.insert(selection, 0, at, PAGE);
                    table.forget_range(0, va, last, |cid| named && matches!(cid, 1 | 2));
                    table.find(selection, 0, at, false).is_some()
                })
            };
            assert_ne!(selection, Comparison::NEVER);
            let last = va + (page_count << 12) - 1;
            assert_eq!(found(&mut table, last, true), [true, false, false, true, false], "{page_count}");
            let many = page_count > 512;
            assert_eq!(found(&mut table, last, false), [true, many, many, true, many], "of others");
        }
        let mut table = InlineTable::default();
        let selection = select(&mut table, 1, 2);
        for va in [LOW, HIGH] {
            table.insert(selection, 0, va, PAGE);
        }
        table.forget_range(0, 0, u64::MAX, |cid| cid == 2);
        assert!(table.find(selection, 0, LOW, false).is_some());
        assert_eq!(table.find(selection, 0, HIGH, false), None);
    }
}
