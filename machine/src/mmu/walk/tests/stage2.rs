//! Stage 2, and stage 1 tables under stage 2.

use super::*;
use crate::mmu::fault::Stage2Fault;

const VA: u64 = 0x1234_5678_9000;
const VM: u64 = 1;
const PTW: u64 = 1 << 2;
const DC: u64 = 1 << 12;
/// 4 KiB, 40-bit input from level 1 (two concatenated tables), 48-bit output.
const VTCR: u64 = 24 | 0b01 << 6 | 0b101 << 16;
const S2: Shape = Shape { granule: Granule::K4, start_level: 1, input_bits: 40, ds: false };
const PRIVILEGED: Privilege = Privilege::Privileged;

/// A guest whose RAM begins at IPA 0x8000_0000 and lies at PA 0x1_0000_0000, mapped by pages on demand.
struct Guest {
    memory: FakeMemory,
    tables: Tables,
    leaf: u64,
    registers: Registers,
}

const OFFSET: u64 = 0x1_0000_0000 - 0x8000_0000;

impl Guest {
    /// Stage 1 maps `VA` to IPA 0x9000_0000 with `leaf` bits; its tables are at IPA = PA, mapped read-write.
    fn new(leaf: u64) -> Self {
        let memory = FakeMemory::default();
        let root = memory.allocate();
        let leaf = memory.map(root, SHAPE, VA, 3, 0x9000_0000 | leaf | bit::AF);
        let s2_root = memory.allocate_aligned(0x2000);
        for n in 0..16 {
            let table = 0x100_0000 + n * 0x1_0000;
            memory.map(s2_root, S2, table, 3, table | bit::S2_RW);
        }
        let registers = Registers { hcr: VM, vtcr: VTCR, ..registers() };
        Self { memory, tables: Tables { ttbr: [root; 2], vttbr: s2_root }, leaf, registers }
    }

    fn map(&self, ipa: u64, level: i8, bits: u64) -> u64 {
        let pa = ipa.wrapping_add(OFFSET) & !((1 << S2.granule.block_log2(level)) - 1);
        self.memory.map(self.tables.vttbr, S2, ipa, level, pa | bits)
    }

    fn walk(&self, request: Request) -> Result<Translation, Fault> {
        translate(&self.memory, &config(Regime::El10, self.registers), &self.tables, VA, request)
    }
}

#[test]
fn both_stages_combine() {
    let guest = Guest::new(0);
    guest.map(0x9000_0000, 2, bit::S2_RW);
    let found = guest.walk(read(PRIVILEGED)).unwrap();
    assert_eq!((found.pa, found.ipa), (0x9000_0000 + OFFSET, 0x9000_0000));
    assert_eq!((found.size_log2, found.stage1_size_log2), (12, 12));
}

#[test]
fn an_unmapped_ipa_faults_in_stage_2_with_its_ipa() {
    let guest = Guest::new(0);
    let fault = guest.walk(write(PRIVILEGED)).unwrap_err();
    assert_eq!((fault.kind, fault.level, fault.write), (FaultKind::Translation, 1, true));
    assert_eq!(fault.stage2, Some(Stage2Fault { ipa: 0x9000_0000, table_walk: false }));
}

#[test]
fn a_table_that_stage_2_does_not_map_faults_on_the_walk() {
    let mut guest = Guest::new(0);
    let elsewhere = 0x4444_0000;
    guest.tables.ttbr = [elsewhere; 2];
    let fault = guest.walk(write(PRIVILEGED)).unwrap_err();
    let ipa = elsewhere + 8 * (VA >> 39 & 511);
    assert_eq!(fault.stage2, Some(Stage2Fault { ipa, table_walk: true }));
    assert_eq!((fault.kind, fault.write), (FaultKind::Translation, false), "a table walk reads");
}

#[test]
fn stage_2_permissions_restrict_stage_1() {
    let guest = Guest::new(0);
    guest.map(0x9000_0000, 3, bit::S2_READ);
    let found = guest.walk(read(PRIVILEGED)).unwrap();
    assert!(!found.permissions.allows(PRIVILEGED, Kind::Write));
    assert!(found.permissions.allows(PRIVILEGED, Kind::Execute));
    let fault = guest.walk(write(PRIVILEGED)).unwrap_err();
    assert_eq!((fault.kind, fault.level, fault.write), (FaultKind::Permission, 3, true));
    assert_eq!(fault.stage2.map(|s| s.table_walk), Some(false));
    // Write-only memory.
    guest.map(0x9000_0000, 3, 2 << 6 | 0xf << 2 | bit::AF);
    let fault = guest.walk(read(PRIVILEGED)).unwrap_err();
    assert_eq!((fault.kind, fault.write), (FaultKind::Permission, false));
}

#[test]
fn xnx_tells_el0_and_el1_execution_apart() {
    for (xn, user, privileged) in
        [(0b00, true, true), (0b01, true, false), (0b10, false, false), (0b11, false, true)]
    {
        let guest = Guest::new(0);
        guest.map(0x9000_0000, 3, bit::S2_RW | xn << 53);
        let permissions = guest.walk(read(PRIVILEGED)).unwrap().permissions;
        assert_eq!(permissions.allows(Privilege::User, Kind::Execute), user, "XN {xn:02b}");
        assert_eq!(permissions.allows(PRIVILEGED, Kind::Execute), privileged, "XN {xn:02b}");
    }
}

#[test]
fn setting_the_access_flag_of_a_read_only_table_faults_as_a_write_of_the_walk() {
    let mut guest = Guest::new(0);
    guest.map(0x9000_0000, 3, bit::S2_RW);
    guest.registers.tcr |= 1 << 39;
    let descriptor = guest.memory.read(guest.leaf).unwrap();
    guest.memory.write(guest.leaf, descriptor & !bit::AF);
    let page = guest.leaf & !0xfff;
    guest.memory.map(guest.tables.vttbr, S2, page, 3, page | bit::S2_READ);
    let fault = guest.walk(read(PRIVILEGED)).unwrap_err();
    assert_eq!((fault.kind, fault.write), (FaultKind::Permission, true));
    assert_eq!(fault.stage2, Some(Stage2Fault { ipa: guest.leaf, table_walk: true }));
    guest.memory.map(guest.tables.vttbr, S2, page, 3, page | bit::S2_RW);
    guest.walk(read(PRIVILEGED)).unwrap();
    assert_eq!(guest.memory.read(guest.leaf).unwrap(), descriptor);
}

#[test]
fn ptw_forbids_tables_in_device_memory() {
    let mut guest = Guest::new(0);
    guest.map(0x9000_0000, 3, bit::S2_RW);
    let page = guest.leaf & !0xfff;
    guest.memory.map(guest.tables.vttbr, S2, page, 3, page | bit::S2_RW & !(0xf << 2));
    guest.walk(read(PRIVILEGED)).unwrap();
    guest.registers.hcr |= PTW;
    let fault = guest.walk(read(PRIVILEGED)).unwrap_err();
    assert_eq!((fault.kind, fault.level), (FaultKind::Permission, 3));
    assert_eq!(fault.stage2.map(|s| s.table_walk), Some(true));
}

#[test]
fn hardware_manages_access_flag_and_dirty_state_of_stage_2() {
    let mut guest = Guest::new(0);
    let slot = guest.map(0x9000_0000, 3, bit::S2_READ & !bit::AF | bit::DBM);
    assert_eq!(kind_and_level(guest.walk(read(PRIVILEGED))), (FaultKind::AccessFlag, 3));
    guest.registers.vtcr |= 1 << 21 | 1 << 22;
    let clean = guest.walk(read(PRIVILEGED)).unwrap();
    assert!(!clean.permissions.allows(PRIVILEGED, Kind::Write));
    assert_eq!(guest.memory.read(slot).unwrap() & (bit::AF | 1 << 7), bit::AF);
    assert!(guest.walk(write(PRIVILEGED)).unwrap().permissions.allows(PRIVILEGED, Kind::Write));
    assert_eq!(guest.memory.read(slot).unwrap() & 1 << 7, 1 << 7);
}

#[test]
fn default_cacheability_turns_stage_1_off_and_stage_2_on() {
    let mut guest = Guest::new(0);
    guest.registers.hcr = DC;
    guest.registers.tcr = TCR_48;
    guest.map(VA & 0xffff_ffff, 3, bit::S2_RW);
    let config = config(Regime::El10, guest.registers);
    let found = translate(&guest.memory, &config, &guest.tables, VA & 0xffff_ffff, read(PRIVILEGED)).unwrap();
    assert_eq!(found.pa, (VA & 0xffff_ffff) + OFFSET);
    assert_eq!(found.attributes.mair, MAIR_NORMAL_WB);
}

#[test]
fn an_ipa_beyond_the_input_size_faults_at_level_0() {
    let guest = Guest::new(0);
    guest.memory.write(guest.leaf, 1 << 41 | bit::AF | 3);
    let fault = guest.walk(read(PRIVILEGED)).unwrap_err();
    assert_eq!((fault.kind, fault.level), (FaultKind::Translation, 0));
    assert_eq!(fault.stage2.map(|s| s.ipa), Some(1 << 41));
}

/// One leaf under every start level and number of concatenated tables.
fn check_shape(features: &MmuFeatures, granule: Granule, vtcr: u64, start_level: i8, input_bits: u8) {
    let ds = features.lpa2_stage2[0] && granule != Granule::K64;
    let shape = Shape { granule, start_level, input_bits, ds };
    let memory = FakeMemory::default();
    let index_bits = input_bits - granule.block_log2(start_level);
    let root = memory.allocate_aligned(8 << index_bits.max(3));
    let ipa = 0x000a_9cde_f123_4568_u64 & ((1 << input_bits) - 1);
    let page = (1 << granule.page_log2()) - 1;
    memory.map(root, shape, ipa, 3, 0x5555_0000_u64 & !page | bit::S2_RW);
    let registers = Registers { hcr: VM, vtcr: vtcr | u64::from(64 - input_bits), sctlr: 0, ..registers() };
    let config = WalkConfig::new(Regime::El10, &registers, features);
    let tables = Tables { ttbr: [0; 2], vttbr: root };
    let found = translate(&memory, &config, &tables, ipa, read(PRIVILEGED))
        .unwrap_or_else(|f| panic!("{granule:?} level {start_level} of {input_bits} bits: {f:?}"));
    assert_eq!(found.pa, 0x5555_0000 & !page | ipa & page);
}

#[test]
fn every_start_level_and_concatenation_translates() {
    let ps = 0b101 << 16;
    let tg = |granule| match granule {
        Granule::K4 => 0,
        Granule::K64 => 1 << 14,
        Granule::K16 => 2 << 14,
    };
    // {granule, SL0, level}: SL0 counts levels up from the last but one (4 KiB) or the last (others).
    let rows = [
        (Granule::K4, 0, 2),
        (Granule::K4, 1, 1),
        (Granule::K4, 2, 0),
        (Granule::K16, 0, 3),
        (Granule::K16, 1, 2),
        (Granule::K16, 2, 1),
        (Granule::K64, 0, 3),
        (Granule::K64, 1, 2),
        (Granule::K64, 2, 1),
    ];
    for (granule, sl0, level) in rows {
        let least = granule.block_log2(level) + 1;
        for input_bits in least..=(least + granule.stride() + 3).min(48) {
            check_shape(&FEATURES, granule, tg(granule) | sl0 << 6 | ps, level, input_bits);
        }
    }
}

#[test]
fn lpa2_stage_2_starts_at_level_minus_1() {
    let features = MmuFeatures { pa_bits: 52, lpa: true, lva: true, lpa2_stage2: [true; 2], ..FEATURES };
    check_shape(&features, Granule::K4, 1 << 33 | 1 << 32 | 0b110 << 16, -1, 52);
}

#[test]
fn a_start_level_that_does_not_fit_the_size_faults() {
    let mut guest = Guest::new(0);
    // 48 bits cannot start at level 2.
    guest.registers.vtcr = 16 | 0b101 << 16;
    let fault = guest.walk(read(PRIVILEGED)).unwrap_err();
    assert_eq!((fault.kind, fault.level), (FaultKind::Translation, 0));
    assert_eq!(fault.stage2.map(|s| s.table_walk), Some(true));
}

#[test]
fn stage_1_only_still_walks_its_tables_through_stage_2() {
    let mut guest = Guest::new(0);
    let config_of = |guest: &Guest| config(Regime::El10, guest.registers);
    let found =
        translate_stage1(&guest.memory, &config_of(&guest), &guest.tables, VA, read(PRIVILEGED)).unwrap();
    assert_eq!(found.pa, 0x9000_0000, "the IPA, although stage 2 does not map it");
    guest.tables.ttbr = [0x4444_0000; 2];
    let fault = translate_stage1(&guest.memory, &config_of(&guest), &guest.tables, VA, read(PRIVILEGED));
    assert_eq!(fault.unwrap_err().stage2.map(|s| s.table_walk), Some(true));
}
