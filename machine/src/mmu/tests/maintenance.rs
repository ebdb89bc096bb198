//! The TLB over fake memory: what maintenance removes, and that nothing else is ever removed or wrong.

use std::cell::Cell;

use super::super::tlbi::{Scope, TlbiOp};
use super::super::translate::{Memory, RegimeRegisters, Tlb};
use super::super::walk::tests::{FEATURES, FakeMemory, SHAPE, Shape, bit, registers};
use super::super::walk::{self, Kind, PhysMem, Privilege, Regime, Request, Tables, WalkConfig};

/// Fake memory that counts descriptor reads, to tell hits from walks.
#[derive(Default)]
struct Counted {
    memory: FakeMemory,
    reads: Cell<u64>,
}

impl PhysMem for Counted {
    fn read(&self, pa: u64) -> Option<u64> {
        self.reads.set(self.reads.get() + 1);
        self.memory.read(pa)
    }

    fn compare_exchange(&self, pa: u64, expected: u64, new: u64) -> Option<u64> {
        self.memory.compare_exchange(pa, expected, new)
    }
}

impl Memory for Counted {
    fn host_page(&self, _pa: u64) -> *mut u8 {
        std::ptr::null_mut()
    }
}

const HIGH: u64 = 0xffff_0000_0000_0000;
const LOW_PAGE: u64 = 0x1234_5000;
const HIGH_PAGE: u64 = HIGH | 0x8765_4000;

/// A CPU's view: one TLB, tables for two VMIDs with two ASIDs each.
struct World {
    memory: Counted,
    tlb: Tlb,
    /// TTBR0 by {VMID, ASID}, TTBR1 by VMID.
    low: [[u64; 2]; 2],
    high: [u64; 2],
    vmid: usize,
    asid: usize,
}

impl World {
    fn new() -> Self {
        let memory = Counted::default();
        let table = || memory.memory.allocate();
        let low = [[table(), table()], [table(), table()]];
        let high = [table(), table()];
        let mut world = Self { tlb: Tlb::new(FEATURES), memory, low, high, vmid: 0, asid: 0 };
        world.switch(0, 0);
        world
    }

    fn registers(&self) -> RegimeRegisters {
        let asid = self.asid as u16 + 1;
        let ttbr = [self.low[self.vmid][self.asid] | u64::from(asid) << 48, self.high[self.vmid]];
        RegimeRegisters {
            control: registers(),
            tables: Tables { ttbr, vttbr: 0 },
            asid,
            vmid: self.vmid as u16 + 1,
        }
    }

    fn switch(&mut self, vmid: usize, asid: usize) {
        (self.vmid, self.asid) = (vmid, asid);
        self.resolve();
    }

    fn resolve(&mut self) {
        let registers = self.registers();
        self.tlb.resolve(Regime::El10, registers);
        self.tlb.select(Regime::El10, [Privilege::Privileged; 2], false, false);
    }

    fn map(&self, va: u64, pa: u64, bits: u64) {
        self.map_at(va, 3, pa, bits);
    }

    fn map_at(&self, va: u64, level: i8, pa: u64, bits: u64) {
        let root = if va >= HIGH { self.high[self.vmid] } else { self.low[self.vmid][self.asid] };
        let size = SHAPE.granule.block_log2(level);
        self.memory.memory.map(root, SHAPE, va & !HIGH, level, pa >> size << size | bits | bit::AF);
    }

    fn unmap(&self, va: u64, level: i8) {
        let root = if va >= HIGH { self.high[self.vmid] } else { self.low[self.vmid][self.asid] };
        let slot = self.memory.memory.map(root, SHAPE, va & !HIGH, level, 0);
        self.memory.memory.write(slot, 0);
    }

    fn read(&mut self, va: u64) -> Option<u64> {
        let found = self.tlb.translate(&self.memory, Regime::El10, va, Kind::Read, Privilege::Privileged);
        found.ok().map(|entry| entry.pa)
    }

    /// Translates and tells whether the tables were walked.
    fn walks(&mut self, va: u64) -> bool {
        let before = self.memory.reads.get();
        self.read(va).expect("a mapped page");
        self.memory.reads.get() != before
    }

    fn maintain(&mut self, vmid: Option<usize>, scope: Scope) {
        self.tlb.maintain(TlbiOp { regime: Regime::El10, vmid: vmid.map(|v| v as u16 + 1), scope });
        self.resolve();
    }

    fn invalidate_va(&mut self, va: u64, asid: Option<usize>) {
        let asid = asid.map(|a| a as u16 + 1);
        self.maintain(Some(self.vmid), Scope::Range { first: va & !0xfff, last: va | 0xfff, asid });
    }
}

#[test]
fn switching_asid_and_vmid_keeps_entries() {
    let mut world = World::new();
    for (vmid, asid) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        world.switch(vmid, asid);
        world.map(LOW_PAGE, 0x1_0000 * (1 + 2 * vmid as u64 + asid as u64), bit::NG);
        assert!(world.walks(LOW_PAGE));
    }
    for (vmid, asid) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        world.switch(vmid, asid);
        assert!(!world.walks(LOW_PAGE), "VMID {vmid} ASID {asid}");
        assert_eq!(world.read(LOW_PAGE), Some(0x1_0000 * (1 + 2 * vmid as u64 + asid as u64)));
    }
}

#[test]
fn global_pages_survive_an_asid_change_but_not_a_vmid_change() {
    let mut world = World::new();
    world.map(HIGH_PAGE, 0x5000, 0);
    assert!(world.walks(HIGH_PAGE));
    world.switch(0, 1);
    assert!(!world.walks(HIGH_PAGE));
    world.switch(1, 0);
    world.map(HIGH_PAGE, 0x6000, 0);
    assert!(world.walks(HIGH_PAGE));
    assert_eq!(world.read(HIGH_PAGE), Some(0x6000));
}

#[test]
fn a_global_page_in_the_lower_range_is_shared_too() {
    let mut world = World::new();
    world.map(LOW_PAGE, 0x5000, 0);
    assert!(world.walks(LOW_PAGE));
    world.switch(0, 1);
    assert!(!world.walks(LOW_PAGE));
}

#[test]
fn non_global_pages_in_the_upper_range_follow_the_asid() {
    let mut world = World::new();
    let other = world.memory.memory.allocate();
    world.map(HIGH_PAGE, 0x5000, bit::NG);
    assert_eq!(world.read(HIGH_PAGE), Some(0x5000));
    let first = world.high[0];
    world.high[0] = other;
    world.switch(0, 1);
    world.map(HIGH_PAGE, 0x6000, bit::NG);
    assert_eq!(world.read(HIGH_PAGE), Some(0x6000));
    world.high[0] = first;
    world.switch(0, 0);
    assert!(!world.walks(HIGH_PAGE));
    assert_eq!(world.read(HIGH_PAGE), Some(0x5000));
}

#[test]
fn tlbi_by_asid_removes_that_asid_only() {
    let mut world = World::new();
    world.map(HIGH_PAGE, 0x5000, 0);
    for asid in 0..2 {
        world.switch(0, asid);
        world.map(LOW_PAGE, 0x6000, bit::NG);
        world.read(LOW_PAGE);
        world.read(HIGH_PAGE);
    }
    world.maintain(Some(0), Scope::Asid(1));
    assert!(!world.walks(LOW_PAGE), "ASID 2 stays");
    world.switch(0, 0);
    assert!(!world.walks(HIGH_PAGE), "global pages stay");
    assert!(world.walks(LOW_PAGE), "ASID 1 is gone");
}

#[test]
fn tlbi_by_va_removes_that_page_of_that_asid_only() {
    let mut world = World::new();
    for asid in 0..2 {
        world.switch(0, asid);
        for page in 0..3 {
            world.map(LOW_PAGE + page * 0x1000, 0x6000, bit::NG);
            world.read(LOW_PAGE + page * 0x1000);
        }
    }
    world.switch(0, 0);
    world.invalidate_va(LOW_PAGE + 0x1000, Some(0));
    assert!(!world.walks(LOW_PAGE));
    assert!(!world.walks(LOW_PAGE + 0x2000));
    assert!(world.walks(LOW_PAGE + 0x1000));
    world.switch(0, 1);
    assert!(!world.walks(LOW_PAGE + 0x1000), "the other ASID stays");
    world.invalidate_va(LOW_PAGE + 0x1000, None);
    assert!(world.walks(LOW_PAGE + 0x1000));
    world.switch(0, 0);
    assert!(world.walks(LOW_PAGE + 0x1000), "all ASIDs are gone");
}

#[test]
fn tlbi_by_vmid_removes_that_vmid_only() {
    let mut world = World::new();
    for vmid in 0..2 {
        world.switch(vmid, 0);
        world.map(LOW_PAGE, 0x6000, bit::NG);
        world.map(HIGH_PAGE, 0x7000, 0);
        world.read(LOW_PAGE);
        world.read(HIGH_PAGE);
    }
    world.maintain(Some(0), Scope::All);
    assert!(!world.walks(LOW_PAGE) && !world.walks(HIGH_PAGE));
    world.switch(0, 0);
    assert!(world.walks(LOW_PAGE) && world.walks(HIGH_PAGE));
    world.maintain(None, Scope::All);
    assert!(world.walks(LOW_PAGE));
    world.switch(1, 0);
    assert!(world.walks(LOW_PAGE));
}

#[test]
fn tlbi_by_any_va_of_a_block_removes_all_of_it() {
    for level in [1, 2] {
        let mut world = World::new();
        let size = 1_u64 << SHAPE.granule.block_log2(level);
        let block = 0x40_0000_0000;
        world.map_at(block, level, 0x80_0000_0000, bit::NG);
        let near = [block, block + 0x5000, block + size / 2, block + size - 0x1000];
        for va in near {
            world.read(va);
        }
        world.unmap(block, level);
        world.invalidate_va(block + size / 2 + 0x3000, Some(0));
        for va in near {
            assert_eq!(world.read(va), None, "{va:#x} of a level {level} block");
        }
    }
}

#[test]
fn a_block_is_walked_once_for_all_its_pages() {
    let mut world = World::new();
    world.map_at(0x4000_0000, 2, 0x8000_0000, bit::NG);
    assert!(world.walks(0x4000_0000));
    assert!(!world.walks(0x4012_3000));
    assert_eq!(world.read(0x4012_3000), Some(0x8012_3000));
}

#[test]
fn stale_entries_stay_until_maintenance() {
    let mut world = World::new();
    world.map(LOW_PAGE, 0x6000, bit::NG);
    world.read(LOW_PAGE);
    world.map(LOW_PAGE, 0x7000, bit::NG);
    assert_eq!(world.read(LOW_PAGE), Some(0x6000));
    world.invalidate_va(LOW_PAGE, Some(0));
    assert_eq!(world.read(LOW_PAGE), Some(0x7000));
}

#[test]
fn more_permission_needs_no_maintenance() {
    let mut world = World::new();
    world.map(LOW_PAGE, 0x6000, bit::NG | bit::READ_ONLY);
    world.read(LOW_PAGE);
    world.map(LOW_PAGE, 0x6000, bit::NG);
    let found =
        world.tlb.translate(&world.memory, Regime::El10, LOW_PAGE, Kind::Write, Privilege::Privileged);
    assert!(found.is_ok());
}

#[test]
fn other_control_bits_are_another_context() {
    let mut world = World::new();
    world.map(LOW_PAGE, 0x6000, bit::NG);
    assert!(world.walks(LOW_PAGE));
    let mut registers = world.registers();
    registers.control.sctlr |= 1 << 19;
    world.tlb.resolve(Regime::El10, registers);
    assert!(world.walks(LOW_PAGE));
    world.resolve();
    assert!(!world.walks(LOW_PAGE), "and switching back finds the old one");
}

#[test]
fn running_out_of_ids_only_costs_walks() {
    let mut world = World::new();
    world.map(LOW_PAGE, 0x6000, bit::NG);
    for _ in 0..10_000 {
        world.maintain(Some(0), Scope::All);
        assert_eq!(world.read(LOW_PAGE), Some(0x6000));
    }
}

/// A small deterministic generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Random edits, each followed by maintenance that the architecture deems enough: the TLB must agree with the tables.
#[test]
fn cached_translations_equal_fresh_walks_under_correct_maintenance() {
    for seed in 1..=20 {
        let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut world = World::new();
        let page = |random: &mut Random| {
            let half = if random.below(2) == 0 { 0 } else { HIGH };
            // Three 2 MiB regions with three pages each.
            half | (0x4000_0000 + random.below(3) * 0x20_0000 + random.below(3) * 0x1000)
        };
        for _ in 0..3000 {
            let va = page(&mut random);
            match random.below(10) {
                0 => world.switch(random.below(2) as usize, random.below(2) as usize),
                1..=3 => edit(&mut world, &mut random, va),
                _ => compare(&mut world, va, seed),
            }
        }
    }
}

fn edit(world: &mut World, random: &mut Random, va: u64) {
    // Break.
    let region = va & !0x1f_ffff;
    let block = random.below(3) == 0;
    let was_block = world.is_block(va);
    if was_block || block {
        world.unmap_region(region);
    } else {
        world.unmap(va, 3);
    }
    // Tell.
    let (vmid, asid) = (world.vmid, world.asid);
    let whole = was_block || block;
    match random.below(5) {
        0 => world.maintain(Some(vmid), Scope::All),
        1 => world.maintain(None, Scope::All),
        2 if va < HIGH => world.maintain(Some(vmid), Scope::Asid(asid as u16 + 1)),
        3 => {
            let (first, last) = if whole { (region, region + 0x1f_ffff) } else { (va, va | 0xfff) };
            world.maintain(Some(vmid), Scope::Range { first, last, asid: None });
        }
        _ => {
            let pages = if whole && !was_block { vec![0, 1, 2] } else { vec![(va >> 12) & 3] };
            for n in pages {
                world.invalidate_va(region + n * 0x1000, (random.below(2) == 0).then_some(asid));
            }
        }
    }
    // Make. Non-global pages below, global ones above.
    let bits = if va < HIGH { bit::NG } else { 0 } | [0, bit::READ_ONLY][random.below(2) as usize];
    let pa = (1 + random.below(200)) << 21;
    match random.below(4) {
        0 => {}
        _ if block => world.map_at(region, 2, pa, bits),
        _ => world.map(va, pa + (va & 0xf000), bits),
    }
}

impl World {
    fn region_slot(&self, va: u64) -> u64 {
        let root = if va >= HIGH { self.high[self.vmid] } else { self.low[self.vmid][self.asid] };
        let old = self.peek(root, va);
        let slot = self.memory.memory.map(root, SHAPE, va & !HIGH, 2, 0);
        self.memory.memory.write(slot, old);
        slot
    }

    /// The level 2 descriptor of `va`, without making tables.
    fn peek(&self, root: u64, va: u64) -> u64 {
        let mut table = root;
        for level in 0..2 {
            let word = self.memory.memory.read(table + 8 * (va >> SHAPE.granule.block_log2(level) & 511));
            table = word.unwrap_or(0) & 0xffff_ffff_f000;
            if table == 0 {
                return 0;
            }
        }
        self.memory.memory.read(table + 8 * (va >> 21 & 511)).unwrap_or(0)
    }

    fn is_block(&self, va: u64) -> bool {
        let root = if va >= HIGH { self.high[self.vmid] } else { self.low[self.vmid][self.asid] };
        self.peek(root, va) & 3 == 1
    }

    fn unmap_region(&self, va: u64) {
        self.memory.memory.write(self.region_slot(va), 0);
    }
}

fn compare(world: &mut World, va: u64, seed: u64) {
    let registers = world.registers();
    let config = WalkConfig::new(Regime::El10, &registers.control, &FEATURES);
    for kind in [Kind::Read, Kind::Write] {
        let request = Request::new(kind, Privilege::Privileged);
        let fresh = walk::translate(&world.memory, &config, &registers.tables, va, request);
        let cached = world.tlb.translate(&world.memory, Regime::El10, va, kind, Privilege::Privileged);
        assert_eq!(
            cached.map(|entry| entry.pa),
            fresh.map(|t| t.pa & !0xfff),
            "seed {seed}, {kind:?} of {va:#x}, VMID {} ASID {}",
            world.vmid,
            world.asid
        );
    }
}

/// Two stages: maintenance of the guest's own addresses reaches combined entries.
#[test]
fn vmids_isolate_two_stage_translations() {
    let memory = Counted::default();
    let shape = Shape { start_level: 1, input_bits: 40, ..SHAPE };
    let root = [0, 1].map(|n: u64| {
        let root = memory.memory.allocate_aligned(0x2000);
        memory.memory.map(root, shape, LOW_PAGE, 3, (0x1_0000 * (n + 1)) | bit::S2_RW);
        root
    });
    let mut tlb = Tlb::new(FEATURES);
    let registers = |vm: usize| RegimeRegisters {
        // Stage 1 off, stage 2 on: 4 KiB, 40-bit input from level 1, 48-bit output.
        control: walk::Registers { hcr: 1, vtcr: 24 | 1 << 6 | 0b101 << 16, ..Default::default() },
        tables: Tables { ttbr: [0; 2], vttbr: root[vm] },
        asid: 0,
        vmid: vm as u16,
    };
    for round in 0..2 {
        for vm in 0..2 {
            tlb.resolve(Regime::El10, registers(vm));
            let before = memory.reads.get();
            let entry = tlb.translate(&memory, Regime::El10, LOW_PAGE, Kind::Read, Privilege::User).unwrap();
            assert_eq!(entry.pa, 0x1_0000 * (vm as u64 + 1));
            assert_eq!(memory.reads.get() == before, round == 1);
        }
    }
}

/// What two-stage edits do: the guest changes stage 1 and tells, the hypervisor changes stage 2 and tells.
#[test]
fn two_stage_translations_equal_fresh_walks_under_correct_maintenance() {
    const TABLES: u64 = 0x100_0000;
    let shape = Shape { start_level: 1, input_bits: 40, ..SHAPE };
    let memory = Counted::default();
    let fake = &memory.memory;
    let s1_root = fake.allocate();
    let s2_root = fake.allocate_aligned(0x2000);
    for n in 0..64 {
        let table = TABLES + n * 0x1_0000;
        fake.map(s2_root, shape, table, 3, table | bit::S2_RW);
    }
    let registers = RegimeRegisters {
        control: walk::Registers { hcr: 1, vtcr: 24 | 1 << 6 | 0b101 << 16, ..registers() },
        tables: Tables { ttbr: [s1_root; 2], vttbr: s2_root },
        asid: 1,
        vmid: 1,
    };
    let config = WalkConfig::new(Regime::El10, &registers.control, &FEATURES);
    let mut tlb = Tlb::new(FEATURES);
    let mut random = Random(0x1234_5678_9abc_def1);
    let ipa = |n: u64| 0x8000_0000 + n * 0x1000;
    for step in 0..20_000 {
        tlb.resolve(Regime::El10, registers);
        let va = LOW_PAGE + random.below(8) * 0x1000;
        match random.below(8) {
            0 => {
                let slot = fake.map(s1_root, SHAPE, va, 3, ipa(random.below(8)) | bit::AF | bit::NG);
                if random.below(4) == 0 {
                    fake.write(slot, 0);
                }
                let scope = Scope::Range { first: va, last: va | 0xfff, asid: Some(1) };
                tlb.maintain(TlbiOp { regime: Regime::El10, vmid: Some(1), scope });
            }
            1 => {
                let bits = [bit::S2_RW, bit::S2_READ, 0][random.below(3) as usize];
                let pa = 0x1_0000_0000 + random.below(64) * 0x1000;
                let slot = fake.map(s2_root, shape, ipa(random.below(8)), 3, pa | bits);
                if bits == 0 {
                    fake.write(slot, 0);
                }
                for scope in [Scope::Stage2, Scope::All] {
                    tlb.maintain(TlbiOp { regime: Regime::El10, vmid: Some(1), scope });
                }
            }
            _ => {
                let kind = [Kind::Read, Kind::Write, Kind::Execute][random.below(3) as usize];
                let request = Request::new(kind, Privilege::Privileged);
                let fresh = walk::translate(&memory, &config, &registers.tables, va, request);
                let cached = tlb.translate(&memory, Regime::El10, va, kind, Privilege::Privileged);
                let fresh = fresh.map(|t| t.pa & !0xfff);
                assert_eq!(cached.map(|entry| entry.pa), fresh, "step {step}, {kind:?} of {va:#x}");
            }
        }
    }
}

#[test]
fn a_guests_own_maintenance_leaves_stage_2_cached() {
    let memory = Counted::default();
    let shape = Shape { start_level: 1, input_bits: 40, ..SHAPE };
    let root = memory.memory.allocate_aligned(0x2000);
    memory.memory.map(root, shape, LOW_PAGE, 3, 0x1_0000 | bit::S2_RW);
    let registers = RegimeRegisters {
        control: walk::Registers { hcr: 1, vtcr: 24 | 1 << 6 | 0b101 << 16, ..Default::default() },
        tables: Tables { ttbr: [0; 2], vttbr: root },
        asid: 0,
        vmid: 1,
    };
    let mut tlb = Tlb::new(FEATURES);
    let mut reads = |scope| {
        tlb.maintain(TlbiOp { regime: Regime::El10, vmid: Some(1), scope });
        tlb.resolve(Regime::El10, registers);
        let before = memory.reads.get();
        tlb.translate(&memory, Regime::El10, LOW_PAGE, Kind::Read, Privilege::User).unwrap();
        memory.reads.get() - before
    };
    assert_eq!(reads(Scope::All), 3, "the first walk");
    assert_eq!(reads(Scope::All), 0);
    assert_eq!(reads(Scope::BothStages), 3);
}
