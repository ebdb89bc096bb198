//! The TLB over fake memory: what maintenance removes, and that nothing else is ever removed or wrong.

use super::super::resolve::RegimeRegisters;
use super::super::tlbi::{Scope, TlbiOp};
use super::super::translate::Tlb;
use super::super::walk::tests::{FEATURES, SHAPE, Shape, bit};
use super::super::walk::{self, Kind, Privilege, Regime, Tables};
use super::world::{Counted, HIGH_PAGE, HOST, LOW_PAGE, World};

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
fn tlbi_by_va_of_one_asid_removes_global_pages_that_another_one_used() {
    let mut world = World::new();
    for asid in 0..2 {
        for va in [LOW_PAGE, HIGH_PAGE] {
            world.switch(0, asid);
            world.map(va, 0x6000, 0);
            world.invalidate_va(va, None);
            // The second time from the first level.
            assert_eq!((world.read(va), world.walks(va)), (Some(0x6000), false));
            world.map(va, 0x7000, 0);
            world.invalidate_va(va, Some(1 - asid));
            assert_eq!(world.read(va), Some(0x7000), "ASID {asid}, {va:#x}");
        }
    }
}

#[test]
fn tlbi_by_va_of_one_asid_removes_global_blocks_that_another_one_used() {
    let mut world = World::new();
    world.map_at(LOW_PAGE, 2, 0x60_0000, 0);
    world.read(LOW_PAGE);
    world.map_at(LOW_PAGE, 2, 0x80_0000, 0);
    world.invalidate_va(LOW_PAGE + 0x3000, Some(1));
    assert_eq!(world.read(LOW_PAGE), Some(0x80_0000 | LOW_PAGE & 0x1f_f000));
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

/// A hypervisor's AT, or a register access that FEAT_NV2 transforms, resolves a regime that is not the current one.
#[test]
fn ids_that_run_out_for_another_regime_are_not_used_by_the_current_one() {
    let mut world = World::new();
    world.map(LOW_PAGE, 0x6000, bit::NG);
    for n in 0..1000 {
        let mut other = world.registers();
        other.control.mair = n;
        other.tables.ttbr = [world.low[0][1]; 2];
        (world.vmid, world.asid) = (0, 1);
        world.map(LOW_PAGE, 0x7000, 0);
        (world.vmid, world.asid) = (0, 0);
        world.tlb.resolve(Regime::El20, other);
        let found =
            world.tlb.translate(&world.memory, Regime::El20, LOW_PAGE, Kind::Read, Privilege::Privileged);
        assert_eq!(found.map(|entry| entry.pa), Ok(0x7000));
        world.read(LOW_PAGE);
        let host = world.tlb.fast(LOW_PAGE, false, Kind::Read as usize).map(|host| host.pointer().addr());
        assert!(host.is_none_or(|host| host as u64 == HOST + 0x6000), "configuration {n}: {host:x?}");
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
