//! Where aborts go and what their syndromes say.

use super::*;
use crate::mmu::{Access, Iss};

const UNMAPPED: u64 = VA + 0x5000;
const NORMAL: Access = Access::NORMAL;
const S1PTW: u64 = 1 << 7;
const WNR: u64 = 1 << 6;

/// {target, EC, ISS, FAR, HPFAR}.
fn parts(e: Exception) -> (u8, u8, u64, Option<u64>, Option<u64>) {
    (e.target, e.ec, e.iss, e.far, e.hpfar)
}

#[test]
fn stage_1_aborts_go_to_the_level_of_the_regime() {
    let mut bench = Bench::new();
    let result = bench.cpu.store(UNMAPPED, 0_u32, NORMAL);
    assert_eq!(parts(bench.raised(result)), (1, 0x25, WNR | 0b000111, Some(UNMAPPED), None));
    bench.at_el(0);
    let result = bench.cpu.load::<u32>(UNMAPPED, NORMAL);
    assert_eq!(parts(bench.raised(result)), (1, 0x24, 0b000111, Some(UNMAPPED), None));
    let result = bench.cpu.load::<u32>(VA, NORMAL);
    assert_eq!(bench.raised(result).iss, 0b001111);
}

#[test]
fn aborts_of_the_hosts_el0_and_of_el2_go_to_el2() {
    let mut bench = Bench::new();
    let root = bench.cpu.sys(SysReg::TTBR0_EL1);
    bench.cpu.set_sys(SysReg::TTBR0_EL2, root);
    bench.cpu.set_sys(SysReg::TCR_EL2, bench.cpu.sys(SysReg::TCR_EL1));
    bench.cpu.set_sys(SysReg::SCTLR_EL2, bench.cpu.sys(SysReg::SCTLR_EL1));
    bench.cpu.set_sys(SysReg::MAIR_EL2, bench.cpu.sys(SysReg::MAIR_EL1));
    bench.set_bits(SysReg::HCR_EL2, hcr_el2::E2H.mask() | hcr_el2::TGE.mask());
    bench.at_el(0);
    let result = bench.cpu.load::<u32>(UNMAPPED, NORMAL);
    assert_eq!(parts(bench.raised(result)), (2, 0x24, 0b000111, Some(UNMAPPED), None));
    bench.at_el(2);
    let result = bench.cpu.load::<u32>(UNMAPPED, NORMAL);
    assert_eq!(parts(bench.raised(result)), (2, 0x25, 0b000111, Some(UNMAPPED), None));
    assert!(bench.cpu.load::<u32>(VA, NORMAL).is_ok());
}

#[test]
fn a_stage_2_abort_carries_the_instruction_syndrome_and_the_ipa() {
    let mut bench = Bench::new();
    bench.with_stage2();
    assert!(bench.cpu.load::<u32>(VA, NORMAL).is_ok());
    let iss = Iss { sas: 2, sse: false, srt: 17, sf: true, ar: false };
    let va = VA + 0x1234;
    let result = bench.cpu.store(va, 0_u32, NORMAL.with_iss(iss));
    let syndrome = 1 << 24 | 2 << 22 | 17 << 16 | 1 << 15 | WNR | 0b000111;
    assert_eq!(parts(bench.raised(result)), (2, 0x24, syndrome, Some(va), Some(NEXT_PA >> 12 << 4)));
    let result = bench.cpu.load::<u32>(va, NORMAL);
    assert_eq!(bench.raised(result).iss, 0b000111, "without a syndrome ISV is 0");
}

#[test]
fn a_stage_2_abort_of_a_table_walk_has_no_instruction_syndrome() {
    let mut bench = Bench::new();
    bench.with_stage2();
    let elsewhere = 0x1234_5000;
    bench.set(SysReg::TTBR0_EL1, elsewhere);
    bench.cpu.tlb.wipe();
    bench.cpu.context_changed();
    let iss = Iss { sas: 2, sse: false, srt: 17, sf: true, ar: false };
    let result = bench.cpu.store(VA, 0_u32, NORMAL.with_iss(iss));
    let hpfar = (elsewhere + 8 * (VA >> 30 & 511)) >> 12 << 4;
    assert_eq!(parts(bench.raised(result)), (2, 0x24, S1PTW | 0b000101, Some(VA), Some(hpfar)));
}

#[test]
fn instruction_aborts_have_classes_of_their_own() {
    let mut bench = Bench::new();
    let result = bench.cpu.fetch_page(UNMAPPED);
    assert_eq!(parts(bench.raised(result)), (1, 0x21, 0b000111, Some(UNMAPPED), None));
    assert_eq!(bench.cpu.fetch_page(VA + 8).unwrap().pa, PA + 8);
    bench.map(VA, PA, bit::UXN);
    bench.at_el(0);
    let result = bench.cpu.fetch_page(VA);
    assert_eq!(parts(bench.raised(result)), (1, 0x20, 0b001111, Some(VA), None));
    let result = bench.cpu.fetch_page(VA + 2);
    assert_eq!(parts(bench.raised(result)), (1, 0x22, 0, Some(VA + 2), None));
    bench.map(VA, NEXT_PA, 0);
    bench.with_stage2();
    let result = bench.cpu.fetch_page(VA + 4);
    assert_eq!(parts(bench.raised(result)), (2, 0x20, 0b000111, Some(VA + 4), Some(NEXT_PA >> 12 << 4)));
}

#[test]
fn guarded_pages_are_reported_to_the_fetcher() {
    let mut bench = Bench::new();
    assert!(!bench.cpu.fetch_page(VA).unwrap().guarded);
    bench.map(VA, PA, 1 << 50);
    assert!(bench.cpu.fetch_page(VA).unwrap().guarded);
    assert!(bench.cpu.fetch_page(VA).unwrap().guarded, "from the TLB too");
}

#[test]
fn a_transformed_register_access_faults_as_el2s_own() {
    let mut bench = Bench::new();
    // EL2's stage 1 is off, so the address is physical: nothing is there.
    let result = bench.cpu.load::<u64>(0x1000, Access::NV2);
    let exception = bench.raised(result);
    assert_eq!(parts(exception), (2, 0x25, 1 << 13 | 0b010000, Some(0x1000), None));
    // With EL2's tables, a translation fault; an EL1 translation is not asked.
    let root = bench.table();
    bench.cpu.set_sys(SysReg::TTBR0_EL2, root);
    bench.cpu.set_sys(SysReg::TCR_EL2, 25 | 0b101 << 16);
    bench.set(SysReg::SCTLR_EL2, 1);
    let result = bench.cpu.store(VA, 0_u64, Access::NV2);
    assert_eq!(parts(bench.raised(result)), (2, 0x25, 1 << 13 | WNR | 0b000101, Some(VA), None));
    bench.map_under(root, VA, PA | bit::AF);
    bench.cpu.store(VA, 0x1122_u64, Access::NV2).unwrap();
    assert_eq!(bench.cpu.machine.ram.read::<u64>(PA).unwrap(), 0x1122);
    assert_eq!(bench.cpu.load::<u64>(VA, Access::NV2).unwrap(), 0x1122);
}

#[test]
fn tea_sends_external_aborts_to_el2() {
    let mut bench = Bench::new();
    bench.map(VA, 0x800_0000, DEVICE);
    bench.set_bits(SysReg::HCR_EL2, hcr_el2::TEA.mask());
    let result = bench.cpu.load::<u32>(VA, NORMAL);
    assert_eq!(parts(bench.raised(result)), (2, 0x24, 0b010000, Some(VA), None));
}
