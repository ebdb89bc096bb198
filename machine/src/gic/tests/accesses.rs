//! Registers of the CPU interface through MRS and MSR, with the access rules in between.

use crate::bus::Device;
use crate::cpu::Vcpu;
use crate::cpu::model::Model;
use crate::exception::Exception;
use crate::gic::{DistributorWindow, RedistributorWindow};
use crate::irq::IrqPins;
use crate::machine::testing::cpus;
use droste_arch::fields::hcr_el2;
use droste_arch::sysreg::SysReg;

fn word(base: u32, r: SysReg) -> u32 {
    base | u32::from(r.encoding().0) << 5
}

/// MRS X1, `r`.
fn read(cpu: &mut Vcpu, r: SysReg) -> Result<u64, Exception> {
    match crate::sysreg::mrs(cpu, word(0xd520_0001, r)) {
        Ok(_) => Ok(cpu.x(1)),
        Err(_) => Err(cpu.abort),
    }
}

/// MSR `r`, X1.
fn write(cpu: &mut Vcpu, r: SysReg, value: u64) -> Result<(), Exception> {
    cpu.set_x(1, value);
    crate::sysreg::msr(cpu, word(0xd500_0001, r)).map(|_| ()).map_err(|_| cpu.abort)
}

fn set(cpu: &mut Vcpu, r: SysReg, value: u64) {
    write(cpu, r, value).unwrap_or_else(|e| panic!("MSR {r}: {e:?}"));
}

fn get(cpu: &mut Vcpu, r: SysReg) -> u64 {
    read(cpu, r).unwrap_or_else(|e| panic!("MRS {r}: {e:?}"))
}

fn trap<T: std::fmt::Debug>(result: Result<T, Exception>) -> (u8, u8) {
    let exception = result.unwrap_err();
    (exception.target, exception.ec)
}

/// A CPU at EL2 with SGI 3 and its groups enabled.
fn cpu() -> Vcpu {
    let mut cpu = cpus(Model::parse("max").unwrap(), 1).remove(0);
    DistributorWindow(cpu.machine.gic.clone()).write(0, 4, 3);
    let redistributor = RedistributorWindow(cpu.machine.gic.clone());
    redistributor.write(0x1_0080, 4, 1 << 3);
    redistributor.write(0x1_0100, 4, 1 << 3);
    set(&mut cpu, SysReg::ICC_PMR_EL1, 0xf0);
    set(&mut cpu, SysReg::ICC_IGRPEN1_EL1, 1);
    cpu
}

fn enter_el1(cpu: &mut Vcpu) {
    cpu.state.pstate.el = 1;
    cpu.context_changed();
}

#[test]
fn sgi_is_sent_acknowledged_and_ended_by_instructions() {
    let mut cpu = cpu();
    set(&mut cpu, SysReg::ICC_SGI1R_EL1, 3 << 24 | 1);
    assert_eq!(cpu.machine.gic.pins(0).load(), IrqPins::IRQ);
    assert_eq!(get(&mut cpu, SysReg::ICC_HPPIR1_EL1), 3);
    assert_eq!(get(&mut cpu, SysReg::ICC_IAR1_EL1), 3);
    assert_eq!(get(&mut cpu, SysReg::ICC_RPR_EL1), 0);
    set(&mut cpu, SysReg::ICC_EOIR1_EL1, 3);
    assert_eq!(get(&mut cpu, SysReg::ICC_RPR_EL1), 0xff);
    assert_eq!(get(&mut cpu, SysReg::ICC_IAR1_EL1), 1023);
}

#[test]
fn registers_keep_what_they_implement() {
    let mut cpu = cpu();
    for (r, value) in [
        (SysReg::ICC_PMR_EL1, 0xf8),
        (SysReg::ICC_BPR0_EL1, 7),
        (SysReg::ICC_BPR1_EL1, 7),
        (SysReg::ICC_IGRPEN0_EL1, 1),
        (SysReg::ICC_IGRPEN1_EL1, 1),
        (SysReg::ICC_AP0R0_EL1, 0xffff_ffff),
        (SysReg::ICC_AP1R0_EL1, 0xffff_ffff),
        (SysReg::ICC_SRE_EL1, 7),
        (SysReg::ICC_SRE_EL2, 0xf),
        (SysReg::ICC_CTLR_EL1, 0x8403),
        (SysReg::ICH_HCR_EL2, 0xf800_5cff),
        (SysReg::ICH_VMCR_EL2, 0xf8fc_021b),
        (SysReg::ICH_AP0R0_EL2, 0xffff_ffff),
        (SysReg::ICH_AP1R0_EL2, 0xffff_ffff),
        (SysReg::ICH_LR0_EL2, 0xf0f8_1fff_0000_ffff),
        (SysReg::ICH_LR3_EL2, 0xf0f8_1fff_0000_ffff),
    ] {
        set(&mut cpu, r, !0);
        assert_eq!(get(&mut cpu, r), value, "{r}");
    }
}

#[test]
fn unimplemented_registers_are_undefined() {
    let mut cpu = cpu();
    for r in [SysReg::ICC_AP0R1_EL1, SysReg::ICC_AP1R3_EL1, SysReg::ICH_AP1R1_EL2, SysReg::ICH_LR4_EL2] {
        assert_eq!(trap(read(&mut cpu, r)), (2, 0), "{r}");
    }
    enter_el1(&mut cpu);
    for r in [SysReg::ICH_HCR_EL2, SysReg::ICH_LR0_EL2, SysReg::ICC_SRE_EL2] {
        assert_eq!(trap(read(&mut cpu, r)), (1, 0), "{r}");
    }
}

#[test]
fn guest_with_imo_sees_its_list_registers() {
    let mut cpu = cpu();
    set(&mut cpu, SysReg::ICC_SGI1R_EL1, 3 << 24 | 1);
    set(&mut cpu, SysReg::ICH_VMCR_EL2, 0xf0 << 24 | 2);
    set(&mut cpu, SysReg::ICH_HCR_EL2, 1);
    set(&mut cpu, SysReg::ICH_LR0_EL2, 1 << 62 | 1 << 60 | 0x80 << 48 | 27);
    set(&mut cpu, SysReg::HCR_EL2, hcr_el2::RW.mask() | hcr_el2::IMO.mask() | hcr_el2::FMO.mask());
    enter_el1(&mut cpu);
    assert_eq!(cpu.machine.gic.pins(0).load(), IrqPins::IRQ | IrqPins::VIRQ);
    assert_eq!(get(&mut cpu, SysReg::ICC_PMR_EL1), 0xf0);
    set(&mut cpu, SysReg::ICC_PMR_EL1, 0xa0);
    assert_eq!(get(&mut cpu, SysReg::ICC_HPPIR1_EL1), 27);
    assert_eq!(get(&mut cpu, SysReg::ICC_IAR1_EL1), 27);
    assert_eq!(get(&mut cpu, SysReg::ICC_RPR_EL1), 0x80);
    assert_eq!(get(&mut cpu, SysReg::ICC_AP1R0_EL1), 1 << 16);
    set(&mut cpu, SysReg::ICC_EOIR1_EL1, 27);
    assert_eq!(get(&mut cpu, SysReg::ICC_IAR1_EL1), 1023);
    assert_eq!(get(&mut cpu, SysReg::ICC_IGRPEN1_EL1), 1);
    assert_eq!(get(&mut cpu, SysReg::ICC_CTLR_EL1), 0x8400);
    assert_eq!(trap(write(&mut cpu, SysReg::ICC_SGI1R_EL1, 0)), (2, 0x18));
    assert_eq!(cpu.machine.gic.pins(0).load(), IrqPins::IRQ, "the physical SGI is untouched");
}

#[test]
fn guest_without_imo_reaches_the_physical_interface() {
    let mut cpu = cpu();
    enter_el1(&mut cpu);
    set(&mut cpu, SysReg::ICC_SGI1R_EL1, 3 << 24 | 1);
    assert_eq!(get(&mut cpu, SysReg::ICC_IAR1_EL1), 3);
}

#[test]
fn ich_hcr_traps_what_it_is_asked_to() {
    for (bit, r) in [
        (10, SysReg::ICC_PMR_EL1),
        (11, SysReg::ICC_BPR0_EL1),
        (12, SysReg::ICC_BPR1_EL1),
        (14, SysReg::ICC_DIR_EL1),
    ] {
        let mut cpu = cpu();
        set(&mut cpu, SysReg::HCR_EL2, hcr_el2::RW.mask() | hcr_el2::IMO.mask() | hcr_el2::FMO.mask());
        enter_el1(&mut cpu);
        set(&mut cpu, r, 3);
        cpu.state.pstate.el = 2;
        cpu.context_changed();
        set(&mut cpu, SysReg::ICH_HCR_EL2, 1 | 1 << bit);
        enter_el1(&mut cpu);
        assert_eq!(trap(write(&mut cpu, r, 3)), (2, 0x18), "{r}");
    }
}
