//! Accesses as a guest makes them, on CPUs without memory.

mod matrix;
mod nested;
mod outcome;

use super::*;
use crate::cpu::model::Model;
use crate::exception::Exception;
use droste_arch::feature::Feature;
use droste_arch::fields::{hcr_el2, mdscr_el1};

/// A CPU of this model, at EL2 or at the highest Exception level that it has.
fn cpu(model: &str) -> Vcpu {
    let mut cpu = Vcpu::for_tests();
    let model = Model::parse(model).expect("a model");
    cpu.features = *model.features();
    cpu.rules = Rules::of(&cpu.features);
    cpu.state = crate::cpu::CpuState::reset(2);
    reset(&mut cpu);
    id::reset(&mut cpu, &model);
    pmu::reset(&mut cpu);
    cpu.context_changed();
    cpu
}

fn at_el(cpu: &mut Vcpu, el: u8) {
    cpu.state.pstate.el = el;
    cpu.context_changed();
}

fn word(base: u32, r: SysReg) -> u32 {
    base | u32::from(r.encoding().0) << 5
}

/// MRS X1, `r`.
fn read(cpu: &mut Vcpu, r: SysReg) -> Result<u64, Exception> {
    match mrs(cpu, word(0xd520_0001, r)) {
        Ok(_) => Ok(cpu.x(1)),
        Err(Abort) => Err(cpu.abort),
    }
}

/// MSR `r`, X1.
fn write(cpu: &mut Vcpu, r: SysReg, value: u64) -> Result<Flow, Exception> {
    cpu.set_x(1, value);
    msr(cpu, word(0xd500_0001, r)).map_err(|Abort| cpu.abort)
}

fn trapped_to(el: u8, ec: u8, result: Result<u64, Exception>) -> bool {
    result.is_err_and(|e| (e.target, e.ec) == (el, ec))
}

#[test]
fn hcr_el2_at_el1_is_undefined_without_nv_and_trapped_with_it() {
    let mut plain = cpu("max,-nv");
    at_el(&mut plain, 1);
    assert!(trapped_to(1, 0, read(&mut plain, SysReg::HCR_EL2)));

    let mut nested = cpu("max");
    write(&mut nested, SysReg::HCR_EL2, hcr_el2::NV.mask()).unwrap();
    at_el(&mut nested, 1);
    let exception = read(&mut nested, SysReg::HCR_EL2).unwrap_err();
    // ISS: op0 3, op2 0, op1 4, CRn 1, Rt 1, CRm 1, read.
    assert_eq!((exception.target, exception.ec, exception.iss), (2, 0x18, 0x31_0423));
}

#[test]
fn hcr_el2_holds_only_bits_of_the_features() {
    let mut plain = cpu("max,-nv");
    write(&mut plain, SysReg::HCR_EL2, u64::MAX).unwrap();
    let value = read(&mut plain, SysReg::HCR_EL2).unwrap();
    assert!(!hcr_el2::NV.is_set(value) && !hcr_el2::TID5.is_set(value));
    assert!(hcr_el2::E2H.is_set(value) && hcr_el2::RW.is_set(value));
    let mut nested = cpu("max");
    write(&mut nested, SysReg::HCR_EL2, u64::MAX).unwrap();
    assert!(hcr_el2::NV2.is_set(read(&mut nested, SysReg::HCR_EL2).unwrap()));
}

#[test]
fn e2h_redirects_el1_names_to_el2_registers() {
    let mut cpu = cpu("max");
    assert!(trapped_to(2, 0, read(&mut cpu, SysReg::VBAR_EL12)));
    write(&mut cpu, SysReg::VBAR_EL1, 0x1000).unwrap();
    write(&mut cpu, SysReg::HCR_EL2, hcr_el2::E2H.mask()).unwrap();
    write(&mut cpu, SysReg::VBAR_EL1, 0x2800).unwrap();
    assert_eq!(cpu.sys(SysReg::VBAR_EL1), 0x1000);
    assert_eq!(cpu.sys(SysReg::VBAR_EL2), 0x2800);
    assert_eq!(read(&mut cpu, SysReg::VBAR_EL12), Ok(0x1000));
}

#[test]
fn tvm_traps_writes_of_translation_controls_at_el1() {
    let mut cpu = cpu("max");
    write(&mut cpu, SysReg::HCR_EL2, hcr_el2::TVM.mask()).unwrap();
    at_el(&mut cpu, 1);
    assert!(write(&mut cpu, SysReg::SCTLR_EL1, 0).is_err_and(|e| (e.target, e.ec) == (2, 0x18)));
    assert!(read(&mut cpu, SysReg::SCTLR_EL1).is_ok());
}

#[test]
fn current_el_of_a_guest_hypervisor_is_el2() {
    let mut cpu = cpu("max");
    assert_eq!(read(&mut cpu, SysReg::CurrentEL), Ok(8));
    at_el(&mut cpu, 1);
    assert_eq!(read(&mut cpu, SysReg::CurrentEL), Ok(4));
    cpu.set_sys(SysReg::HCR_EL2, hcr_el2::NV.mask());
    assert_eq!(read(&mut cpu, SysReg::CurrentEL), Ok(8));
}

#[test]
fn nv2_redirects_elr_el2_to_elr_el1() {
    let mut cpu = cpu("max");
    write(&mut cpu, SysReg::HCR_EL2, hcr_el2::NV.mask() | hcr_el2::NV2.mask()).unwrap();
    at_el(&mut cpu, 1);
    write(&mut cpu, SysReg::ELR_EL2, 0x1234).unwrap();
    assert_eq!(cpu.sys(SysReg::ELR_EL1), 0x1234);
    assert_eq!(cpu.sys(SysReg::ELR_EL2), 0);
    // SP_EL2 is UNDEFINED even so (I_TZTZL).
    assert!(trapped_to(1, 0, read(&mut cpu, SysReg::SP_EL2)));
}

#[test]
fn virtual_ids_are_what_el1_reads() {
    let mut cpu = cpu("cortex-a76");
    assert_eq!(read(&mut cpu, SysReg::MIDR_EL1), Ok(0x414f_d0b1));
    write(&mut cpu, SysReg::VPIDR_EL2, 0x1111).unwrap();
    at_el(&mut cpu, 1);
    assert_eq!(read(&mut cpu, SysReg::MIDR_EL1), Ok(0x1111));
    assert_eq!(read(&mut cpu, SysReg::MPIDR_EL1), Ok(1 << 31));
}

#[test]
fn id_registers_at_el1_follow_tid3_and_have_no_gaps() {
    let mut cpu = cpu("max");
    at_el(&mut cpu, 1);
    assert_eq!(read(&mut cpu, SysReg::ID_AA64PFR0_EL1).map(|v| v & 0xffff), Ok(0x0111));
    // S3_0_C0_C7_7 has no name: reserved ID registers are zero.
    let reserved = 0xd520_0001 | u32::from(SysEncoding::new(3, 0, 0, 7, 7).0) << 5;
    assert_eq!(mrs(&mut cpu, reserved), Ok(Flow::Next));
    cpu.set_sys(SysReg::HCR_EL2, hcr_el2::TID3.mask());
    assert!(trapped_to(2, 0x18, read(&mut cpu, SysReg::ID_AA64PFR0_EL1)));
    assert_eq!(mrs(&mut cpu, reserved), Err(Abort));
    assert_eq!(cpu.abort.ec, 0x18);
}

#[test]
fn implementation_defined_registers_follow_tidcp() {
    let mut cpu = cpu("max");
    let word = 0xd520_0001 | u32::from(SysEncoding::new(3, 1, 15, 2, 0).0) << 5;
    at_el(&mut cpu, 1);
    assert_eq!(mrs(&mut cpu, word), Err(Abort));
    assert_eq!(cpu.abort.ec, 0);
    cpu.set_sys(SysReg::HCR_EL2, hcr_el2::TIDCP.mask());
    assert_eq!(mrs(&mut cpu, word), Err(Abort));
    assert_eq!((cpu.abort.target, cpu.abort.ec), (2, 0x18));
}

#[test]
fn stack_pointer_in_use_is_undefined_and_banked_one_is_not() {
    let mut cpu = cpu("max");
    write(&mut cpu, SysReg::SP_EL0, 0x8000).unwrap();
    write(&mut cpu, SysReg::SP_EL1, 0x9000).unwrap();
    assert_eq!(read(&mut cpu, SysReg::SP_EL0), Ok(0x8000));
    write(&mut cpu, SysReg::SPSel, 0).unwrap();
    assert_eq!(cpu.state.sp, 0x8000);
    assert!(read(&mut cpu, SysReg::SP_EL0).is_err());
}

#[test]
fn os_lock_is_closed_by_reset_and_opened_by_oslar() {
    let mut cpu = cpu("max");
    assert_eq!(read(&mut cpu, SysReg::OSLSR_EL1), Ok(0xa));
    write(&mut cpu, SysReg::OSLAR_EL1, 0).unwrap();
    assert_eq!(read(&mut cpu, SysReg::OSLSR_EL1), Ok(0x8));
    write(&mut cpu, SysReg::MDSCR_EL1, mdscr_el1::SS.mask()).unwrap();
    assert_eq!(read(&mut cpu, SysReg::MDSCR_EL1), Ok(1));
    // Six breakpoints, four watchpoints.
    assert!(write(&mut cpu, SysReg::DBGBVR5_EL1, 8).is_ok());
    assert!(write(&mut cpu, SysReg::DBGBVR6_EL1, 8).is_err());
}

#[test]
fn cycle_counter_counts_instructions_while_enabled() {
    let mut cpu = cpu("max");
    // NSH: at EL2 too.
    write(&mut cpu, SysReg::PMCCFILTR_EL0, 1 << 27).unwrap();
    write(&mut cpu, SysReg::PMCNTENSET_EL0, 1 << 31).unwrap();
    cpu.state.insn_count += 100;
    assert_eq!(read(&mut cpu, SysReg::PMCCNTR_EL0), Ok(0));
    write(&mut cpu, SysReg::PMCR_EL0, 1).unwrap();
    cpu.state.insn_count += 100;
    assert_eq!(read(&mut cpu, SysReg::PMCCNTR_EL0), Ok(100));
    write(&mut cpu, SysReg::PMCNTENCLR_EL0, 1 << 31).unwrap();
    cpu.state.insn_count += 100;
    assert_eq!(read(&mut cpu, SysReg::PMCCNTR_EL0), Ok(100));
    assert_eq!(read(&mut cpu, SysReg::PMCR_EL0).map(|v| v >> 11 & 31), Ok(6));
}

#[test]
fn every_register_can_be_read_or_refused_at_every_level() {
    for model in ["max", "cortex-a57", "neoverse-n2"] {
        let mut cpu = cpu(model);
        for el in 0..3 {
            at_el(&mut cpu, el);
            for r in SysReg::all() {
                // A handler that does not know its register would panic.
                let _ = read(&mut cpu, r);
            }
        }
    }
}

#[test]
fn a57_has_no_vhe_and_no_lor() {
    let mut cpu = cpu("cortex-a57");
    assert!(read(&mut cpu, SysReg::TTBR1_EL2).is_err());
    assert!(read(&mut cpu, SysReg::LORID_EL1).is_err());
    write(&mut cpu, SysReg::HCR_EL2, hcr_el2::E2H.mask()).unwrap();
    assert_eq!(read(&mut cpu, SysReg::HCR_EL2), Ok(hcr_el2::RW.mask()));
}

#[test]
fn gaps_of_the_id_space_are_reported_as_traps() {
    let gap = 0xd520_0001 | u32::from(SysEncoding::new(3, 1, 0, 5, 3).0) << 5;
    let mut new = cpu("max");
    at_el(&mut new, 1);
    assert_eq!(mrs(&mut new, gap), Err(Abort));
    assert_eq!((new.abort.target, new.abort.ec), (1, 0x18));
    let mut old = cpu("cortex-a57");
    assert_eq!(mrs(&mut old, gap), Err(Abort));
    assert_eq!((old.abort.target, old.abort.ec), (2, 0));
}

#[test]
fn features_without_an_equivalence_are_found_in_their_id_fields() {
    let mut cpu = cpu("max");
    for feature in [Feature::FEAT_UAO, Feature::FEAT_S2FWB, Feature::FEAT_BBM] {
        assert!(cpu.has(feature), "{feature}");
    }
    write(&mut cpu, SysReg::HCR_EL2, hcr_el2::FWB.mask()).unwrap();
    assert!(hcr_el2::FWB.is_set(read(&mut cpu, SysReg::HCR_EL2).unwrap()));
    // Nobody has SCTLRALIAS_EL1 and the like without FEAT_SRMASK.
    assert!(read(&mut cpu, SysReg::SCTLRALIAS_EL1).is_err());
}

#[test]
fn event_type_through_the_selected_register_has_the_same_bits() {
    let mut cpu = cpu("max");
    write(&mut cpu, SysReg::PMEVTYPER2_EL0, u64::MAX).unwrap();
    let direct = read(&mut cpu, SysReg::PMEVTYPER2_EL0).unwrap();
    // No threshold, no EL3.
    assert_eq!(direct, 0xc800_ffff);
    write(&mut cpu, SysReg::PMEVTYPER2_EL0, 0).unwrap();
    write(&mut cpu, SysReg::PMSELR_EL0, 2).unwrap();
    write(&mut cpu, SysReg::PMXEVTYPER_EL0, u64::MAX).unwrap();
    assert_eq!(read(&mut cpu, SysReg::PMEVTYPER2_EL0), Ok(direct));
}

/// Whatever the numbers in the instruction, an access has a value or an exception. Values written at one
/// encoding are there when the next one is tried, as a guest may do.
#[test]
fn every_encoding_is_answered_at_every_level() {
    let (host, nested) = (hcr_el2::E2H.mask(), hcr_el2::NV.mask() | hcr_el2::NV2.mask());
    for (model, hcrs) in [
        ("max", &[0, host, host | hcr_el2::TGE.mask(), nested, nested | hcr_el2::NV1.mask()][..]),
        ("cortex-a57", &[0]),
    ] {
        for (&hcr, el) in hcrs.iter().flat_map(|hcr| [(hcr, 0), (hcr, 1), (hcr, 2)]) {
            let mut cpu = cpu(model);
            for encoding in 0..=0xffff_u32 {
                cpu.set_sys(SysReg::HCR_EL2, hcr);
                at_el(&mut cpu, el);
                let value = [0, !0, 0x5555_5555_5555_5555, 0x4000_0000][encoding as usize / 7 % 4];
                let words = 0xd500_0000 | encoding << 5;
                let _ = mrs(&mut cpu, words | 1 << 21 | 1);
                cpu.set_x(1, value);
                let _ = msr(&mut cpu, words | 1);
                if encoding >> 14 == 1 {
                    cpu.set_x(1, value);
                    let _ = sys(&mut cpu, words | 1);
                }
            }
        }
    }
}

/// UnimplementedIDRegister(): with FEAT_IDST the exception says which register was asked for.
#[test]
fn id_register_of_an_absent_feature_is_reported_as_a_trap_at_every_level() {
    let mut cpu = cpu("max");
    for (el, target) in [(0, 1), (1, 1), (2, 2)] {
        at_el(&mut cpu, el);
        assert!(trapped_to(target, 0x18, read(&mut cpu, SysReg::SMIDR_EL1)), "EL{el}");
    }
}

#[test]
fn warm_reset_by_rmr_starts_at_rvbar() {
    let mut cpu = cpu("max");
    assert_eq!(read(&mut cpu, SysReg::RMR_EL2), Ok(1));
    cpu.state.pc = 0x4000_1000;
    cpu.set_x(5, 7);
    cpu.set_sys(SysReg::SCTLR_EL2, 1);
    cpu.set_x(1, 3);
    let flow = msr(&mut cpu, word(0xd500_0001, SysReg::RMR_EL2));
    assert_eq!(flow, Ok(Flow::Jump));
    assert_eq!((cpu.state.pc, cpu.x(5), cpu.el()), (0, 0, 2));
    assert_eq!(cpu.sys(SysReg::SCTLR_EL2) & 1, 0);
    at_el(&mut cpu, 1);
    assert!(read(&mut cpu, SysReg::RMR_EL2).is_err());
}
