//! TLBI, AT, DC and IC as instructions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::machine::CpuSlot;
use crate::mmu::Access;

const NORMAL: Access = Access::NORMAL;
const UNMAPPED: u64 = VA + 0x5000;

/// Remaps `VA` to the other page behind the TLB's back.
fn remap_quietly(bench: &mut Bench) {
    let root = bench.cpu.sys(SysReg::TTBR0_EL1) & 0xffff_ffff_f000;
    bench.map_under(root, VA, NEXT_PA | bit::AF | bit::NG);
}

/// Whether `VA` still translates to its first page.
fn is_stale(bench: &mut Bench) -> bool {
    bench.cpu.machine.ram.write(PA, 1_u32).unwrap();
    bench.cpu.machine.ram.write(NEXT_PA, 2_u32).unwrap();
    bench.cpu.load::<u32>(VA, NORMAL).unwrap() == 1
}

#[test]
fn every_form_of_tlbi_that_names_the_page_removes_it() {
    const ASID: u64 = 0x1234;
    let page = VA >> 12;
    let range = 1 << 46 | page;
    let all = [
        ("TLBI VMALLE1", 0),
        ("TLBI VMALLE1IS", 0),
        ("TLBI VMALLE1OSNXS", 0),
        ("TLBI VAE1", ASID << 48 | page),
        ("TLBI VALE1IS", ASID << 48 | page),
        ("TLBI VAAE1", page),
        ("TLBI VAALE1OS", page),
        ("TLBI ASIDE1IS", ASID << 48),
        ("TLBI RVAE1", ASID << 48 | range),
        ("TLBI RVAALE1IS", range),
        ("TLBI ALLE1", 0),
        ("TLBI VMALLS12E1IS", 0),
    ];
    for (name, operand) in all {
        let mut bench = Bench::new();
        bench.set_bits(SysReg::TTBR0_EL1, ASID << 48);
        bench.map(VA, PA, bit::NG);
        assert!(is_stale(&mut bench));
        remap_quietly(&mut bench);
        assert!(is_stale(&mut bench), "nothing has been invalidated");
        bench.perform(name, operand).unwrap();
        assert!(!is_stale(&mut bench), "{name}");
    }
}

#[test]
fn tlbi_of_something_else_leaves_the_page() {
    const ASID: u64 = 0x1234;
    let page = VA >> 12;
    let others = [
        ("TLBI VAE1", (ASID + 1) << 48 | page),
        ("TLBI VAE1", ASID << 48 | (page + 1)),
        ("TLBI ASIDE1", (ASID + 1) << 48),
        ("TLBI RVAE1", ASID << 48 | 1 << 46 | (page + 1)),
        ("TLBI RVAAE1", 1 << 46 | (page - 2)),
        ("TLBI ALLE2", 0),
        ("TLBI VAE2", page),
        ("TLBI IPAS2E1", PA >> 12),
    ];
    for (name, operand) in others {
        let mut bench = Bench::new();
        bench.set_bits(SysReg::TTBR0_EL1, ASID << 48);
        bench.map(VA, PA, bit::NG);
        assert!(is_stale(&mut bench));
        remap_quietly(&mut bench);
        bench.perform(name, operand).unwrap();
        assert!(is_stale(&mut bench), "{name} {operand:#x}");
    }
}

#[test]
fn a_range_covers_num_and_scale() {
    let mut bench = Bench::new();
    bench.map(VA, PA, bit::NG);
    assert!(is_stale(&mut bench));
    remap_quietly(&mut bench);
    // 2 * 2^(5*1+1) pages before: SCALE 1, NUM 1 ends just below VA.
    let size = 2 << 6;
    bench.perform("TLBI RVAAE1", 1 << 46 | 1 << 44 | 1 << 39 | ((VA >> 12) - size)).unwrap();
    assert!(is_stale(&mut bench));
    bench.perform("TLBI RVAAE1", 1 << 46 | 1 << 44 | 1 << 39 | ((VA >> 12) - size + 1)).unwrap();
    assert!(!is_stale(&mut bench));
}

#[test]
fn at_reports_address_and_attributes() {
    let mut bench = Bench::new();
    bench.perform("AT S1E1R", VA + 0x123).unwrap();
    let par = bench.cpu.sys(SysReg::PAR_EL1);
    assert_eq!(par & 1, 0);
    assert_eq!(par & 0xf_ffff_ffff_f000, PA);
    assert_eq!(par >> 56, 0xff);
    bench.map(VA, 0x900_0000, DEVICE);
    bench.perform("AT S1E1W", VA).unwrap();
    let par = bench.cpu.sys(SysReg::PAR_EL1);
    assert_eq!((par >> 56, par >> 7 & 3), (0x04, 2));
}

#[test]
fn at_reports_faults_in_par_without_an_exception() {
    let mut bench = Bench::new();
    let par = |bench: &mut Bench, name, va| {
        bench.perform(name, va).unwrap();
        bench.cpu.sys(SysReg::PAR_EL1) & 0x3ff
    };
    assert_eq!(par(&mut bench, "AT S1E1R", UNMAPPED), 0b000111 << 1 | 1);
    assert_eq!(par(&mut bench, "AT S1E0R", VA), 0b001111 << 1 | 1);
    bench.map(VA, PA, bit::USER);
    bench.cpu.state.pstate.pan = true;
    bench.cpu.context_changed();
    assert_eq!(par(&mut bench, "AT S1E1R", VA) & 1, 0, "PAN is not asked");
    assert_eq!(par(&mut bench, "AT S1E1RP", VA), 0b001111 << 1 | 1);
}

#[test]
fn at_of_both_stages_reports_which_failed() {
    let mut bench = Bench::new();
    bench.with_stage2();
    bench.at_el(2);
    bench.perform("AT S12E1R", VA).unwrap();
    assert_eq!(bench.cpu.sys(SysReg::PAR_EL1) & 0xf_ffff_ffff_f001, PA);
    bench.perform("AT S12E1R", VA + 0x1000).unwrap();
    assert_eq!(bench.cpu.sys(SysReg::PAR_EL1) & 0x3ff, 1 << 9 | 0b000111 << 1 | 1);
    bench.perform("AT S1E1R", VA + 0x1000).unwrap();
    assert_eq!(bench.cpu.sys(SysReg::PAR_EL1) & 0xf_ffff_ffff_f001, NEXT_PA, "stage 1 only: the IPA");
}

#[test]
fn a_table_walk_that_stage_2_refuses_traps_from_el1_and_is_reported_at_el2() {
    let mut bench = Bench::new();
    bench.with_stage2();
    bench.set(SysReg::TTBR0_EL1, 0x1234_5000);
    let result = bench.perform("AT S1E1R", VA);
    let exception = bench.raised(result);
    // CM, S1PTW, and WnR as for all maintenance.
    assert_eq!(
        (exception.target, exception.ec, exception.iss),
        (2, 0x24, 1 << 8 | 1 << 7 | 1 << 6 | 0b000101)
    );
    assert!(exception.hpfar.is_some());
    bench.at_el(2);
    bench.perform("AT S1E1R", VA).unwrap();
    assert_eq!(bench.cpu.sys(SysReg::PAR_EL1) & 0x3ff, 1 << 9 | 1 << 8 | 0b000101 << 1 | 1);
}

#[test]
fn maintenance_by_address_faults_on_unmapped_addresses_only() {
    let mut bench = Bench::new();
    for name in ["DC CVAC", "DC CIVAC", "DC CVAU", "IC IVAU"] {
        bench.perform(name, VA).unwrap();
        let result = bench.perform(name, UNMAPPED);
        let exception = bench.raised(result);
        assert_eq!((exception.ec, exception.iss), (0x25, 1 << 8 | 1 << 6 | 0b000111), "{name}");
    }
    bench.map(VA, PA, bit::READ_ONLY);
    bench.perform("DC CIVAC", VA).unwrap();
    let result = bench.perform("DC IVAC", VA);
    assert_eq!(bench.raised(result).iss, 1 << 8 | 1 << 6 | 0b001111);
    bench.perform("DC CISW", UNMAPPED).unwrap();
    bench.perform("IC IALLUIS", 0).unwrap();
    bench.at_el(0);
    let result = bench.perform("DC CVAC", VA);
    assert_eq!(bench.raised(result).iss, 1 << 8 | 1 << 6 | 0b001111);
}

#[test]
fn ic_ivau_makes_decoded_code_stale() {
    let mut bench = Bench::new();
    let page = bench.cpu.machine.ram.page(PA).unwrap();
    bench.cpu.machine.ram.mark_code(page, PA + 0x44, 4);
    bench.perform("IC IVAU", VA + 0x40).unwrap();
    assert_eq!(bench.cpu.machine.ram.generation(page), 1);
}

#[test]
fn dsb_waits_until_another_executing_cpu_has_performed_the_maintenance() {
    let mut bench = Bench::new();
    Arc::get_mut(&mut bench.cpu.machine).unwrap().slots.push(CpuSlot::new());
    let machine = bench.cpu.machine.clone();
    let performed = AtomicBool::new(false);
    machine.slots[1].tlbi.enter();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            while machine.slots[1].take_requests(CpuSlot::TLBI) == 0 {
                std::thread::yield_now();
            }
            std::thread::sleep(Duration::from_millis(20));
            let (ops, count) = machine.slots[1].tlbi.take();
            performed.store(true, Ordering::SeqCst);
            machine.slots[1].tlbi.complete(count);
            ops.len()
        });
        bench.perform("TLBI VMALLE1", 0).unwrap();
        bench.cpu.tlbi_sync();
        assert!(!performed.load(Ordering::SeqCst), "a local operation waits for nobody");
        bench.perform("TLBI VAE1IS", VA >> 12).unwrap();
        bench.cpu.tlbi_sync();
        assert!(performed.load(Ordering::SeqCst));
        assert_eq!(other.join().unwrap(), 1);
    });
}
