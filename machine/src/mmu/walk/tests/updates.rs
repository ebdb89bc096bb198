//! Access flag and dirty state.

use super::*;

const VA: u64 = 0x1234_5678_9000;
const HA: u64 = 1 << 39;
const HD: u64 = 1 << 40;

struct Page {
    memory: FakeMemory,
    tables: Tables,
    slot: u64,
}

impl Page {
    fn new(leaf: u64) -> Self {
        let memory = FakeMemory::default();
        let root = memory.allocate();
        let slot = memory.map(root, SHAPE, VA, 3, leaf);
        Self { memory, tables: Tables { ttbr: [root; 2], vttbr: 0 }, slot }
    }

    fn walk(&self, tcr: u64, request: Request) -> Result<Translation, Fault> {
        let registers = Registers { tcr: TCR_48 | tcr, ..registers() };
        translate(&self.memory, &config(Regime::El10, registers), &self.tables, VA, request)
    }

    fn descriptor(&self) -> u64 {
        self.memory.read(self.slot).unwrap()
    }
}

#[test]
fn without_ha_a_clear_access_flag_faults() {
    let page = Page::new(0);
    assert_eq!(kind_and_level(page.walk(0, read(Privilege::Privileged))), (FaultKind::AccessFlag, 3));
    assert_eq!(page.descriptor(), 3);
}

#[test]
fn ha_sets_the_access_flag() {
    let page = Page::new(0);
    page.walk(HA, read(Privilege::Privileged)).unwrap();
    assert_eq!(page.descriptor(), 3 | bit::AF);
}

#[test]
fn a_write_makes_a_managed_page_dirty_and_a_read_does_not() {
    let page = Page::new(bit::AF | bit::DBM | bit::READ_ONLY);
    let clean = page.walk(HA | HD, read(Privilege::Privileged)).unwrap();
    assert!(!clean.permissions.allows(Privilege::Privileged, Kind::Write), "the next write must come back");
    assert_eq!(page.descriptor() & bit::READ_ONLY, bit::READ_ONLY);
    let dirty = page.walk(HA | HD, write(Privilege::Privileged)).unwrap();
    assert!(dirty.permissions.allows(Privilege::Privileged, Kind::Write));
    assert_eq!(page.descriptor() & bit::READ_ONLY, 0);
    let again = page.walk(HA | HD, read(Privilege::Privileged)).unwrap();
    assert!(again.permissions.allows(Privilege::Privileged, Kind::Write));
}

#[test]
fn without_hd_a_clean_page_is_read_only() {
    let page = Page::new(bit::AF | bit::DBM | bit::READ_ONLY);
    let result = page.walk(HA, write(Privilege::Privileged));
    assert_eq!(kind_and_level(result), (FaultKind::Permission, 3));
}

#[test]
fn address_translation_sets_no_dirty_state() {
    let page = Page::new(bit::AF | bit::DBM | bit::READ_ONLY);
    let request = Request { update: false, ..write(Privilege::Privileged) };
    page.walk(HA | HD, request).unwrap();
    assert_eq!(page.descriptor() & bit::READ_ONLY, bit::READ_ONLY);
}

#[test]
fn a_forbidden_write_changes_nothing() {
    let page = Page::new(bit::DBM | bit::READ_ONLY);
    page.walk(HA | HD, write(Privilege::User)).unwrap_err();
    assert_eq!(page.descriptor(), 3 | bit::DBM | bit::READ_ONLY);
}

/// Memory in which another CPU changes the descriptor between the walk's read and its update.
struct Racing<'a> {
    page: &'a Page,
    change: std::cell::Cell<Option<u64>>,
}

impl PhysMem for Racing<'_> {
    fn read(&self, pa: u64) -> Option<u64> {
        self.page.memory.read(pa)
    }

    fn compare_exchange(&self, pa: u64, expected: u64, new: u64) -> Option<u64> {
        if let Some(changed) = self.change.take() {
            self.page.memory.write(pa, changed);
        }
        self.page.memory.compare_exchange(pa, expected, new)
    }
}

#[test]
fn an_update_that_lost_a_race_walks_again() {
    let page = Page::new(0x5000_0000);
    let memory = Racing { page: &page, change: std::cell::Cell::new(Some(0x6000_0003)) };
    let registers = Registers { tcr: TCR_48 | HA, ..registers() };
    let config = config(Regime::El10, registers);
    let found = translate(&memory, &config, &page.tables, VA, read(Privilege::Privileged)).unwrap();
    assert_eq!(found.pa, 0x6000_0000);
    assert_eq!(page.descriptor(), 0x6000_0003 | bit::AF);
    let memory = Racing { page: &page, change: std::cell::Cell::new(None) };
    page.memory.write(page.slot, 0x5000_0003);
    memory.change.set(Some(0));
    let gone = translate(&memory, &config, &page.tables, VA, read(Privilege::Privileged));
    assert_eq!(kind_and_level(gone), (FaultKind::Translation, 3));
}
