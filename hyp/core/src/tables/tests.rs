//! The engine against a reference map, with a fake memory that knows the rules of TLBs.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::vec;
use std::vec::Vec;

/// Tables in a map. Complains when a valid entry becomes another valid one, when a table is freed before its entry was
/// invalidated, and when a freed one is used.
#[derive(Default)]
struct Fake {
    tables: BTreeMap<u64, Vec<u64>>,
    free: Vec<u64>,
    limit: usize,
    /// Entries that were broken and not yet invalidated.
    broken: BTreeSet<(u64, usize)>,
    invalidations: usize,
}

const ROOT: u64 = 0x10_0000;

impl Fake {
    fn new(root_count: usize, limit: usize) -> Fake {
        let mut fake = Fake { limit, ..Fake::default() };
        fake.tables.insert(ROOT, vec![0; ENTRY_COUNT * root_count]);
        fake
    }
}

impl TableMemory for Fake {
    fn read(&self, table: Pa, index: usize) -> u64 {
        self.tables[&table.0][index]
    }
    fn write(&mut self, table: Pa, index: usize, descriptor: u64) {
        let entry = &mut self.tables.get_mut(&table.0).expect("a table in use")[index];
        assert!(*entry & 1 == 0 || descriptor & 1 == 0 || *entry == descriptor, "no break before make");
        if *entry & 1 != 0 {
            self.broken.insert((table.0, index));
        } else if descriptor & 1 != 0 {
            assert!(!self.broken.contains(&(table.0, index)), "made before it was invalidated");
        }
        *entry = descriptor;
    }
    fn allocate(&mut self) -> Option<Pa> {
        if self.tables.len() > self.limit {
            return None;
        }
        let at = self.free.pop().unwrap_or(ROOT * 2 + self.tables.len() as u64 * 4096);
        assert!(self.tables.insert(at, vec![0; ENTRY_COUNT]).is_none(), "allocated twice");
        Some(Pa(at))
    }
    fn free(&mut self, table: Pa) {
        assert!(self.broken.is_empty(), "freed while a TLB may still know it");
        self.tables.remove(&table.0).expect("freed twice");
        self.free.push(table.0);
    }
    fn publish(&mut self) {}
    fn invalidate(&mut self, _: u64, _: u8) {
        self.invalidations += 1;
        self.broken.clear();
    }
}

const NORMAL: Attributes = stage2_attributes(Stage2Kind::Memory);
const DEVICE: Attributes = stage2_attributes(Stage2Kind::Device);
const GIB: u64 = 1 << 30;

fn range(start: u64, end: u64) -> PaRange {
    PaRange { start, end }
}

#[test]
fn aligned_gigabyte_is_one_block() {
    let (tables, mut memory) = (Tables::new(Pa(ROOT), 0, 48), Fake::new(1, 16));
    tables.map(&mut memory, range(GIB, 2 * GIB), Pa(GIB), NORMAL).unwrap();
    let t = tables.walk(&memory, GIB + 0x1234).unwrap();
    assert_eq!((t.output, t.level, t.attributes), (GIB + 0x1234, 1, NORMAL));
    assert_eq!(memory.tables.len(), 2, "root and one table");
    assert_eq!(memory.invalidations, 0, "what was never valid needs no TLBI");
}

#[test]
fn hole_splits_blocks_and_filling_it_merges_them_again() {
    let (tables, mut memory) = (Tables::new(Pa(ROOT), 1, 40), Fake::new(2, 16));
    tables.map(&mut memory, range(GIB, 2 * GIB), Pa(GIB), NORMAL).unwrap();
    let hole = range(GIB + 0x20_0000, GIB + 0x20_3000);
    tables.unmap(&mut memory, hole).unwrap();
    assert_eq!(tables.walk(&memory, hole.start), None);
    assert_eq!(tables.walk(&memory, hole.end - 1), None);
    assert_eq!(tables.walk(&memory, hole.end).unwrap().level, 3);
    assert_eq!(tables.walk(&memory, hole.start - 1).unwrap().level, 2);
    assert_eq!(memory.tables.len(), 3);
    tables.map(&mut memory, hole, Pa(hole.start), NORMAL).unwrap();
    assert_eq!(tables.walk(&memory, hole.start).unwrap().level, 1);
    assert_eq!(memory.tables.len(), 1, "tables of the split are back in the pool");
}

#[test]
fn concatenated_root_reaches_its_last_entry() {
    let (tables, mut memory) = (Tables::new(Pa(ROOT), 1, 40), Fake::new(2, 4));
    let last = range((1 << 40) - GIB, 1 << 40);
    tables.map(&mut memory, last, Pa(last.start), DEVICE).unwrap();
    assert_eq!(tables.walk(&memory, (1 << 40) - 1).unwrap().level, 1);
    assert_eq!(tables.walk(&memory, 1 << 40), None);
}

#[test]
fn bad_ranges_are_refused_and_change_nothing() {
    let (tables, mut memory) = (Tables::new(Pa(ROOT), 1, 40), Fake::new(2, 4));
    let mut map = |r, to| tables.map(&mut memory, r, Pa(to), NORMAL);
    assert_eq!(map(range(0, 1 << 41), 0), Err(MapError::OutOfRange));
    assert_eq!(map(range(0x2000, 0x1000), 0), Err(MapError::OutOfRange));
    assert_eq!(map(range(0, 0x1000), u64::MAX - 10), Err(MapError::OutOfRange));
    assert_eq!(map(range(0, 0x1000), 1 << 48), Err(MapError::OutOfRange));
    assert_eq!(map(range(0, 0x1234), 0), Err(MapError::Misaligned));
    assert_eq!(map(range(0, 0x1000), 0x10), Err(MapError::Misaligned));
    assert_eq!(memory.tables.len(), 1);
}

#[test]
fn empty_pool_is_an_error_that_keeps_what_a_block_said() {
    let (tables, mut memory) = (Tables::new(Pa(ROOT), 1, 40), Fake::new(2, 0));
    tables.map(&mut memory, range(0, GIB), Pa(0), NORMAL).unwrap();
    assert_eq!(tables.unmap(&mut memory, range(0, 0x1000)), Err(MapError::OutOfTables));
    assert!(tables.walk(&memory, 0).is_some());
}

#[derive(Clone, Copy, Debug)]
struct Operation {
    first: u64,
    pages: u64,
    /// Maps identity, identity as device, or displaced; or unmaps.
    what: u8,
}

/// Addresses near the edges of blocks, where the interesting splits are.
fn operation() -> impl Strategy<Value = Operation> {
    let first = prop_oneof![0..2048_u64, Just(0), Just(512), Just(1024), (262_140..262_660_u64)];
    let pages = prop_oneof![1..64_u64, Just(512), Just(1024), 500..1100_u64];
    (first, pages, 0..4_u8).prop_map(|(first, pages, what)| Operation { first, pages, what })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn mapped_set_equals_the_reference_after_random_operations(
        operations in prop::collection::vec(operation(), 1..12),
        start_level in 0..2_u8,
    ) {
        let input_bits = if start_level == 0 { 48 } else { 40 };
        let tables = Tables::new(Pa(ROOT), start_level, input_bits);
        let mut memory = Fake::new(2, 64);
        let mut reference: BTreeMap<u64, (u64, Attributes)> = BTreeMap::new();
        for o in &operations {
            let r = range(o.first * PAGE_BYTES, (o.first + o.pages) * PAGE_BYTES);
            let (displace, attributes) = match o.what { 0 => (0, NORMAL), 1 => (0, DEVICE), _ => (3 << 30, NORMAL) };
            if o.what == 3 {
                tables.unmap(&mut memory, r).unwrap();
            } else {
                tables.map(&mut memory, r, Pa(r.start + displace), attributes).unwrap();
            }
            for page in o.first..o.first + o.pages {
                if o.what == 3 {
                    reference.remove(&page);
                } else {
                    reference.insert(page, (page * PAGE_BYTES + displace, attributes));
                }
            }
        }
        for page in (0..3400_u64).chain(262_100..263_800) {
            let found = tables.walk(&memory, page * PAGE_BYTES).map(|t| (t.output, t.attributes));
            prop_assert_eq!(found, reference.get(&page).copied(), "page {:#x}", page);
        }
        let all = range(0, 1 << input_bits);
        tables.unmap(&mut memory, all).unwrap();
        prop_assert_eq!(memory.tables.len(), 1, "every table but the root is free again");
    }
}
