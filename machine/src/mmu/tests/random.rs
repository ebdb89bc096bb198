//! Random edits of tables, each followed by maintenance that the architecture deems enough.

use super::super::resolve::RegimeRegisters;
use super::super::route::Route;
use super::super::tlbi::{Scope, TlbiOp};
use super::super::translate::Tlb;
use super::super::walk::tests::{FEATURES, SHAPE, Shape, bit, registers};
use super::super::walk::{self, Kind, PhysMem, Privilege, Regime, Request, Tables, WalkConfig};
use super::world::{Counted, HIGH, HOST, LOW_PAGE, World};

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
    let mut inline_hits = 0;
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
                _ => inline_hits += compare(&mut world, va, seed),
            }
        }
    }
    assert!(inline_hits > 10_000, "the inline table has served {inline_hits} of some accesses");
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

/// Compares what the TLB and the inline table have for a page with a fresh walk. Answers how often the latter had it.
fn compare(world: &mut World, va: u64, seed: u64) -> u32 {
    let registers = world.registers();
    let config = WalkConfig::new(Regime::El10, &registers.control, &FEATURES);
    let shown = format!("{va:#x}, VMID {} ASID {}, seed {seed}", world.vmid, world.asid);
    let mut inline_hits = 0;
    for kind in [Kind::Read, Kind::Write] {
        let request = Request::new(kind, Privilege::Privileged);
        let fresh = walk::translate(&world.memory, &config, &registers.tables, va, request);
        let fresh = fresh.map(|t| t.pa & !0xfff);
        if let Some(host) = world.tlb.inlined(va, Route::Ordinary, kind == Kind::Write) {
            assert_eq!(Ok(host - HOST), fresh, "inline {kind:?} of {shown}");
            inline_hits += 1;
        }
        let cached = world.tlb.translate(&world.memory, Regime::El10, va, kind, Privilege::Privileged);
        assert_eq!(cached.map(|entry| entry.pa), fresh, "{kind:?} of {shown}");
        world.tlb.inline(va, Route::Ordinary, |_| 0);
    }
    inline_hits
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
