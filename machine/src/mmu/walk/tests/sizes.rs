//! Granules, levels, block sizes and wide addresses.

use super::*;

/// Walks one leaf and checks output address and size.
fn check(features: &MmuFeatures, shape: Shape, tcr: u64, level: i8, pa: u64, ttbr_extra: u64) {
    let memory = FakeMemory::default();
    let root = memory.allocate();
    let size = shape.granule.block_log2(level);
    let va = (0x000a_bcde_f123_4567_u64 & ((1 << shape.input_bits) - 1)) | 8;
    let pa = pa & !((1 << size) - 1);
    let leaf = match shape.granule {
        Granule::K64 => pa & 0xffff_ffff_0000 | (pa >> 48) << 12,
        _ if shape.ds => pa & 0x3_ffff_ffff_f000 | (pa >> 50) << 8,
        _ => pa,
    };
    memory.map(root, shape, va, level, leaf | bit::AF);
    let registers = Registers { tcr, ..registers() };
    let config = WalkConfig::new(Regime::El10, &registers, features);
    let tables = Tables { ttbr: [root | ttbr_extra, 0], vttbr: 0 };
    let found = translate(&memory, &config, &tables, va, read(Privilege::Privileged))
        .unwrap_or_else(|f| panic!("{:?} level {level} of {} bits: {f:?}", shape.granule, shape.input_bits));
    assert_eq!(found.pa, pa | va & ((1 << size) - 1), "{:?} level {level}", shape.granule);
    assert_eq!(found.size_log2, size);
    assert_eq!(found.stage1_size_log2, size);
}

#[test]
fn every_granule_level_and_input_size_translates() {
    let tg0 = [(Granule::K4, 0b00, 39..=48), (Granule::K16, 0b10, 36..=48), (Granule::K64, 0b01, 30..=48)];
    for (granule, tg, sizes) in tg0 {
        for input_bits in sizes {
            let shape =
                Shape { granule, start_level: granule.start_level(input_bits), input_bits, ds: false };
            let tcr = u64::from(64 - input_bits) | tg << 14 | 0b101 << 32;
            for level in shape.start_level..=3 {
                if level == 3 || granule.block_allowed(level, false) {
                    check(&FEATURES, shape, tcr, level, 0x8765_4321_0000, 0);
                }
            }
        }
    }
}

#[test]
fn small_tables_start_at_a_late_level() {
    for input_bits in 16..=24 {
        let shape = Shape {
            granule: Granule::K4,
            start_level: Granule::K4.start_level(input_bits),
            input_bits,
            ds: false,
        };
        let tcr = u64::from(64 - input_bits) | 0b101 << 32;
        check(&FEATURES, shape, tcr, 3, 0x1234_5000, 0);
    }
}

#[test]
fn lpa2_has_level_minus_1_and_52_bit_output() {
    let features = MmuFeatures { pa_bits: 52, lpa: true, lva: true, lpa2: [true; 2], ..FEATURES };
    let (ds, ips) = (1 << 59, 0b110 << 32);
    for input_bits in 49..=52 {
        let shape = Shape { granule: Granule::K4, start_level: -1, input_bits, ds: true };
        for level in 0..=3 {
            check(&features, shape, u64::from(64 - input_bits) | ds | ips, level, 0xf_8765_4321_0000, 0);
        }
    }
    let shape = Shape { granule: Granule::K16, start_level: 0, input_bits: 52, ds: true };
    for level in 1..=3 {
        check(&features, shape, 12 | 0b10 << 14 | ds | ips, level, 0xf_8765_4321_0000, 0);
    }
}

#[test]
fn lpa_has_52_bit_output_with_64k_pages() {
    let features = MmuFeatures { pa_bits: 52, lpa: true, lva: true, ..FEATURES };
    let shape = Shape { granule: Granule::K64, start_level: 1, input_bits: 52, ds: false };
    for level in 1..=3 {
        check(&features, shape, 12 | 0b01 << 14 | 0b110 << 32, level, 0xf_8765_4321_0000, 0);
    }
}

#[test]
fn ttbr_bits_that_are_no_address_are_ignored() {
    // ASID and CnP.
    check(&FEATURES, SHAPE, TCR_48, 3, 0x8765_4321_0000, 0xabcd << 48 | 1);
}

#[test]
fn the_upper_range_uses_ttbr1_and_its_own_size() {
    let memory = FakeMemory::default();
    let root = memory.allocate();
    let shape = Shape { start_level: 1, input_bits: 39, ..SHAPE };
    let va = 0xffff_ffc0_1234_5678;
    memory.map(root, shape, va & ((1 << 39) - 1), 3, 0x5000_0000 | bit::AF);
    let registers = Registers { tcr: TCR_48 & !(63 << 16) | 25 << 16, ..registers() };
    let config = config(Regime::El10, registers);
    let tables = Tables { ttbr: [0, root], vttbr: 0 };
    let found = translate(&memory, &config, &tables, va, read(Privilege::Privileged)).unwrap();
    assert_eq!(found.pa, 0x5000_0678);
    let below = translate(&memory, &config, &tables, 0xffff_ff7f_1234_5678, read(Privilege::Privileged));
    assert_eq!(kind_and_level(below), (FaultKind::Translation, 0));
}

#[test]
fn the_el2_regime_has_one_range() {
    let memory = FakeMemory::default();
    let root = memory.allocate();
    memory.map(root, SHAPE, 0x1234_5678, 2, 0x4020_0000 | bit::AF);
    // T0SZ = 16, PS = 48 bits.
    let registers = Registers { tcr: 16 | 0b101 << 16, ..registers() };
    let config = config(Regime::El2, registers);
    let tables = Tables { ttbr: [root; 2], vttbr: 0 };
    let found = translate(&memory, &config, &tables, 0x1234_5678, read(Privilege::Privileged)).unwrap();
    assert_eq!((found.pa, found.size_log2, found.global), (0x4034_5678 - 0x10_0000 + 0x10_0000, 21, true));
    let high = translate(&memory, &config, &tables, !0xffff, read(Privilege::Privileged));
    assert_eq!(kind_and_level(high), (FaultKind::Translation, 0));
}

#[test]
fn big_endian_tables_are_read_swapped() {
    let memory = FakeMemory::default();
    let root = memory.allocate();
    let slot = memory.map(root, SHAPE, 0, 3, 0x5000_0000 | bit::AF);
    let words = memory.words.borrow().clone();
    for (pa, word) in words {
        memory.write(pa, word.swap_bytes());
    }
    let registers = Registers { sctlr: SCTLR_ON | 1 << 25, ..registers() };
    let tables = Tables { ttbr: [root; 2], vttbr: 0 };
    let found = translate(&memory, &config(Regime::El10, registers), &tables, 0, read(Privilege::Privileged))
        .unwrap();
    assert_eq!(found.pa, 0x5000_0000);
    assert_ne!(memory.read(slot).unwrap(), 0);
}
