//! Faults of stage 1: kinds, levels, ranges.

use super::*;

const VA: u64 = 0x1234_5678_9000;
const PRIVILEGED: Privilege = Privilege::Privileged;

#[test]
fn an_invalid_descriptor_faults_at_its_level() {
    for invalid in 0..=3 {
        let memory = FakeMemory::default();
        let root = memory.allocate();
        let leaf = memory.map(root, SHAPE, VA, 3, bit::AF);
        let mut table = root;
        let mut slot = leaf;
        for level in 0..=invalid {
            slot = table + 8 * (VA >> SHAPE.granule.block_log2(level) & 511);
            table = memory.read(slot).unwrap() & 0xffff_ffff_f000;
        }
        memory.write(slot, 0);
        let tables = Tables { ttbr: [root; 2], vttbr: 0 };
        let result = translate(&memory, &config(Regime::El10, registers()), &tables, VA, write(PRIVILEGED));
        let fault = result.unwrap_err();
        assert_eq!((fault.kind, fault.level, fault.write), (FaultKind::Translation, invalid, true));
        assert_eq!(fault.status_code(), 0b000100 | invalid as u64);
    }
}

#[test]
fn a_block_descriptor_at_the_last_level_is_invalid() {
    let memory = FakeMemory::default();
    let root = memory.allocate();
    let slot = memory.map(root, SHAPE, VA, 3, bit::AF);
    memory.write(slot, bit::AF | 1);
    let tables = Tables { ttbr: [root; 2], vttbr: 0 };
    let result = translate(&memory, &config(Regime::El10, registers()), &tables, VA, read(PRIVILEGED));
    assert_eq!(kind_and_level(result), (FaultKind::Translation, 3));
}

#[test]
fn a_block_at_level_0_needs_lpa2() {
    let memory = FakeMemory::default();
    let root = memory.allocate();
    memory.map(root, SHAPE, VA, 0, bit::AF);
    let tables = Tables { ttbr: [root; 2], vttbr: 0 };
    let result = translate(&memory, &config(Regime::El10, registers()), &tables, VA, read(PRIVILEGED));
    assert_eq!(kind_and_level(result), (FaultKind::Translation, 0));
}

#[test]
fn addresses_beyond_the_output_size_fault() {
    // 36-bit IPS.
    let small = Registers { tcr: TCR_48 & !(7 << 32) | 1 << 32, ..registers() };
    let leaf = one_page(small, VA, 1 << 36 | bit::AF, read(PRIVILEGED));
    assert_eq!(kind_and_level(leaf), (FaultKind::AddressSize, 3));
    let memory = FakeMemory::default();
    let tables = Tables { ttbr: [1 << 36; 2], vttbr: 0 };
    let base = translate(&memory, &config(Regime::El10, small), &tables, VA, read(PRIVILEGED));
    assert_eq!(kind_and_level(base), (FaultKind::AddressSize, 0));
    let root = memory.allocate();
    memory.write(root + 8 * (VA >> 39), 1 << 40 | 3);
    let tables = Tables { ttbr: [root; 2], vttbr: 0 };
    let table = translate(&memory, &config(Regime::El10, small), &tables, VA, read(PRIVILEGED));
    assert_eq!(kind_and_level(table), (FaultKind::AddressSize, 0));
}

#[test]
fn the_top_byte_counts_unless_tbi_ignores_it() {
    let tagged = VA | 0x5a << 56;
    let with_tbi = one_page(registers(), VA, bit::AF, read(PRIVILEGED));
    assert!(with_tbi.is_ok());
    let memory = FakeMemory::default();
    let root = memory.allocate();
    memory.map(root, SHAPE, VA, 3, 0x7000 | bit::AF);
    let tables = Tables { ttbr: [root; 2], vttbr: 0 };
    let walk = |tcr, kind| {
        let config = config(Regime::El10, Registers { tcr, ..registers() });
        translate(&memory, &config, &tables, tagged, Request::new(kind, PRIVILEGED))
    };
    assert_eq!(walk(TCR_48, Kind::Read).unwrap().pa, 0x7000);
    assert!(walk(TCR_48, Kind::Execute).is_ok());
    let tbid = TCR_48 | 1 << 51;
    assert!(walk(tbid, Kind::Read).is_ok());
    assert_eq!(kind_and_level(walk(tbid, Kind::Execute)), (FaultKind::Translation, 0));
    assert_eq!(kind_and_level(walk(TCR_48 & !(1 << 37), Kind::Read)), (FaultKind::Translation, 0));
    // Bits 54:48 always count.
    let config = config(Regime::El10, registers());
    let result = translate(&memory, &config, &tables, VA | 1 << 48, read(PRIVILEGED));
    assert_eq!(kind_and_level(result), (FaultKind::Translation, 0));
}

#[test]
fn epd_and_e0pd_refuse_walks() {
    let epd = Registers { tcr: TCR_48 | 1 << 7, ..registers() };
    assert_eq!(kind_and_level(one_page(epd, VA, bit::AF, read(PRIVILEGED))), (FaultKind::Translation, 0));
    let e0pd = Registers { tcr: TCR_48 | 1 << 55, ..registers() };
    let leaf = bit::AF | bit::USER;
    assert!(one_page(e0pd, VA, leaf, read(PRIVILEGED)).is_ok());
    assert_eq!(kind_and_level(one_page(e0pd, VA, leaf, read(Privilege::User))), (FaultKind::Translation, 0));
}

#[test]
fn a_table_where_nothing_answers_is_an_external_abort_of_its_level() {
    let mut memory = FakeMemory::default();
    let root = memory.allocate();
    let slot = memory.map(root, SHAPE, VA, 3, bit::AF);
    memory.hole = Some(slot & !0xfff);
    let tables = Tables { ttbr: [root; 2], vttbr: 0 };
    let result = translate(&memory, &config(Regime::El10, registers()), &tables, VA, read(PRIVILEGED));
    assert_eq!(result.unwrap_err().status_code(), 0b010111);
}

#[test]
fn untranslated_addresses_are_flat_and_bounded() {
    let off = Registers { sctlr: 0, tcr: TCR_48, ..Registers::default() };
    let memory = FakeMemory::default();
    let config = config(Regime::El10, off);
    let walk = |va, kind| translate(&memory, &config, &Tables::default(), va, Request::new(kind, PRIVILEGED));
    let data = walk(0x4000_1234, Kind::Read).unwrap();
    assert_eq!((data.pa, data.attributes), (0x4000_1234, Attributes::DEVICE));
    assert!(data.permissions.contains(Permissions::ALL));
    assert!(!walk(0x4000_1234, Kind::Execute).unwrap().attributes.is_device());
    assert_eq!(kind_and_level(walk(1 << 48, Kind::Read)), (FaultKind::AddressSize, 0));
    // TBI0 applies here too.
    assert_eq!(walk(0xff << 56 | 0x4000_0000, Kind::Read).unwrap_or(data).pa & 0xffff_ffff, 0x4000_0000);
}

#[test]
fn level_minus_1_has_status_codes_of_its_own() {
    let code = |kind| Fault::stage1(kind, -1, false).status_code();
    assert_eq!(code(FaultKind::AddressSize), 0b101001);
    assert_eq!(code(FaultKind::Translation), 0b101011);
    assert_eq!(code(FaultKind::ExternalOnWalk), 0b010011);
}
