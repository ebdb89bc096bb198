//! Counters through their registers, on a CPU that counts what the tests say.

use super::*;
use crate::cpu::model::Model;
use crate::irq::IrqPins;
use crate::machine::testing::cpus;
use crate::sysreg::{read_register, write_register};

const CYCLE_BIT: u64 = 1 << CYCLES;
const NSH: u64 = typer_fields::NSH.mask();
const P: u64 = typer_fields::P.mask();
const U: u64 = typer_fields::U.mask();

fn cpu() -> Vcpu {
    let mut cpu = cpus(Model::parse("max").unwrap(), 1).remove(0);
    let distributor = crate::gic::DistributorWindow(cpu.machine.gic.clone());
    let redistributor = crate::gic::RedistributorWindow(cpu.machine.gic.clone());
    crate::bus::Device::write(&distributor, 0, 4, 3);
    crate::bus::Device::write(&redistributor, 0x1_0080, 4, 1 << 23);
    crate::bus::Device::write(&redistributor, 0x1_0100, 4, 1 << 23);
    crate::gic::cpu_interface::write(&mut cpu, SysReg::ICC_PMR_EL1, 0xff);
    crate::gic::cpu_interface::write(&mut cpu, SysReg::ICC_IGRPEN1_EL1, 1);
    cpu
}

fn set(cpu: &mut Vcpu, r: SysReg, value: u64) {
    write_register(cpu, r, value);
}

fn get(cpu: &mut Vcpu, r: SysReg) -> u64 {
    read_register(cpu, r)
}

fn pass(cpu: &mut Vcpu, instructions: u64) {
    cpu.state.insn_count += instructions;
    poll(cpu);
}

fn at_el(cpu: &mut Vcpu, el: u8) {
    cpu.state.pstate.el = el;
    cpu.context_changed();
    let now = cpu.instructions();
    refresh(cpu, now);
}

fn irq(cpu: &Vcpu) -> bool {
    cpu.machine.gic.pins(0).load() & IrqPins::IRQ != 0
}

/// A CPU whose cycle counter and counter 0, of instructions, count with these filters.
fn counting(cycles: u64, instructions: u64) -> Vcpu {
    let mut cpu = cpu();
    set(&mut cpu, SysReg::PMCCFILTR_EL0, cycles);
    set(&mut cpu, SysReg::PMEVTYPER0_EL0, INST_RETIRED | instructions);
    set(&mut cpu, SysReg::PMCNTENSET_EL0, CYCLE_BIT | 1);
    set(&mut cpu, SysReg::PMCR_EL0, pmcr_el0::E.mask());
    cpu
}

fn counts(cpu: &mut Vcpu) -> (u64, u64) {
    (get(cpu, SysReg::PMCCNTR_EL0), get(cpu, SysReg::PMEVCNTR0_EL0))
}

#[test]
fn filters_select_the_levels_that_count() {
    let mut cpu = counting(NSH | P, U);
    for el in [2, 1, 0] {
        at_el(&mut cpu, el);
        pass(&mut cpu, 10_u64.pow(u32::from(el)));
    }
    at_el(&mut cpu, 2);
    pass(&mut cpu, 0);
    assert_eq!(counts(&mut cpu), (100 + 1, 10), "EL2 and EL0; EL1");
}

#[test]
fn counting_at_el2_can_be_prohibited() {
    let mut cpu = counting(NSH, NSH);
    pass(&mut cpu, 5);
    set(&mut cpu, SysReg::MDCR_EL2, mdcr_el2::HPMD.mask() | 6);
    pass(&mut cpu, 5);
    assert_eq!(counts(&mut cpu), (10, 5), "HPMD");
    set(&mut cpu, SysReg::PMCR_EL0, pmcr_el0::E.mask() | pmcr_el0::DP.mask());
    pass(&mut cpu, 5);
    assert_eq!(counts(&mut cpu), (10, 5), "PMCR_EL0.DP");
    set(&mut cpu, SysReg::PMCR_EL0, pmcr_el0::E.mask());
    set(&mut cpu, SysReg::MDCR_EL2, mdcr_el2::HCCD.mask() | 6);
    pass(&mut cpu, 5);
    assert_eq!(counts(&mut cpu), (10, 10), "HCCD");
}

#[test]
fn counters_of_el2_are_apart() {
    let mut cpu = counting(NSH, NSH);
    set(&mut cpu, SysReg::PMEVTYPER4_EL0, CPU_CYCLES | NSH);
    set(&mut cpu, SysReg::PMCNTENSET_EL0, 1 << 4);
    set(&mut cpu, SysReg::MDCR_EL2, 4);
    pass(&mut cpu, 10);
    assert_eq!(get(&mut cpu, SysReg::PMEVCNTR4_EL0), 0, "HPME = 0");
    set(&mut cpu, SysReg::MDCR_EL2, mdcr_el2::HPME.mask() | mdcr_el2::HPMD.mask() | 4);
    pass(&mut cpu, 10);
    assert_eq!(get(&mut cpu, SysReg::PMEVCNTR4_EL0), 10, "HPMD is for the others");
    at_el(&mut cpu, 1);
    assert_eq!(pmcr_el0::N.get(get(&mut cpu, SysReg::PMCR_EL0)), 4);
    assert_eq!(get(&mut cpu, SysReg::PMCNTENSET_EL0), CYCLE_BIT | 1);
    set(&mut cpu, SysReg::PMCNTENCLR_EL0, u64::MAX);
    set(&mut cpu, SysReg::PMCR_EL0, pmcr_el0::P.mask());
    at_el(&mut cpu, 2);
    assert_eq!(get(&mut cpu, SysReg::PMCNTENSET_EL0), 1 << 4);
    assert!(get(&mut cpu, SysReg::PMEVCNTR4_EL0) >= 10);
    assert_eq!(get(&mut cpu, SysReg::PMEVCNTR0_EL0), 0);
}

#[test]
fn overflow_sets_its_flag_and_the_interrupt_when_it_is_due() {
    let mut cpu = counting(NSH, NSH);
    set(&mut cpu, SysReg::PMEVCNTR0_EL0, 0xffff_ff00);
    set(&mut cpu, SysReg::PMINTENSET_EL1, 1);
    let now = cpu.instructions();
    assert_eq!(overflow_at(&cpu), now + 0x100);
    pass(&mut cpu, 0xff);
    assert!(!irq(&cpu));
    pass(&mut cpu, 1);
    assert!(irq(&cpu));
    assert_eq!(get(&mut cpu, SysReg::PMOVSCLR_EL0), 1);
    assert_eq!(get(&mut cpu, SysReg::PMEVCNTR0_EL0), 1 << 32, "64 bits with FEAT_PMUv3p5");
    set(&mut cpu, SysReg::PMINTENCLR_EL1, 1);
    assert!(!irq(&cpu));
    set(&mut cpu, SysReg::PMINTENSET_EL1, 1);
    assert!(irq(&cpu));
    set(&mut cpu, SysReg::PMOVSCLR_EL0, 1);
    assert!(!irq(&cpu));
    set(&mut cpu, SysReg::PMCR_EL0, pmcr_el0::E.mask() | pmcr_el0::LP.mask());
    set(&mut cpu, SysReg::PMEVCNTR0_EL0, 0xffff_ff00);
    pass(&mut cpu, 0x1000);
    assert_eq!(get(&mut cpu, SysReg::PMOVSSET_EL0), 0, "LP: the overflow of 64 bits");
    set(&mut cpu, SysReg::PMCCNTR_EL0, u64::MAX);
    pass(&mut cpu, 1);
    assert_eq!(get(&mut cpu, SysReg::PMOVSSET_EL0), CYCLE_BIT);
}

#[test]
fn overflow_that_is_overdue_is_not_lost_by_a_change_of_level() {
    let mut cpu = counting(NSH, NSH | P);
    set(&mut cpu, SysReg::PMEVCNTR0_EL0, 0xffff_fff0);
    cpu.state.insn_count += 0x20;
    at_el(&mut cpu, 1);
    assert_eq!(get(&mut cpu, SysReg::PMOVSSET_EL0), 1);
    at_el(&mut cpu, 2);
    assert_eq!(get(&mut cpu, SysReg::PMEVCNTR0_EL0), 0x1_0000_0010);
}

#[test]
fn software_increments_count_and_overflow() {
    let mut cpu = cpu();
    set(&mut cpu, SysReg::PMEVTYPER1_EL0, SW_INCR | NSH);
    set(&mut cpu, SysReg::PMCNTENSET_EL0, 2);
    set(&mut cpu, SysReg::PMINTENSET_EL1, 2);
    set(&mut cpu, SysReg::PMSWINC_EL0, 2);
    assert_eq!(get(&mut cpu, SysReg::PMEVCNTR1_EL0), 0, "PMCR_EL0.E = 0");
    set(&mut cpu, SysReg::PMCR_EL0, pmcr_el0::E.mask());
    set(&mut cpu, SysReg::PMSWINC_EL0, 3);
    assert_eq!(get(&mut cpu, SysReg::PMEVCNTR1_EL0), 1);
    set(&mut cpu, SysReg::PMEVCNTR1_EL0, 0xffff_ffff);
    set(&mut cpu, SysReg::PMSWINC_EL0, 2);
    assert_eq!(get(&mut cpu, SysReg::PMOVSSET_EL0), 2);
    assert!(irq(&cpu));
    cpu.reset();
    crate::gic::cpu_interface::write(&mut cpu, SysReg::ICC_PMR_EL1, 0xff);
    crate::gic::cpu_interface::write(&mut cpu, SysReg::ICC_IGRPEN1_EL1, 1);
    assert!(!irq(&cpu), "a reset lowers it");
}

#[test]
fn counters_of_older_cpus_have_32_bits() {
    let mut cpu = cpus(Model::parse("cortex-a76").unwrap(), 1).remove(0);
    set(&mut cpu, SysReg::PMEVTYPER0_EL0, INST_RETIRED | NSH);
    set(&mut cpu, SysReg::PMCNTENSET_EL0, 1);
    set(&mut cpu, SysReg::PMCR_EL0, pmcr_el0::E.mask());
    set(&mut cpu, SysReg::PMEVCNTR0_EL0, 0xffff_ffff);
    pass(&mut cpu, 3);
    assert_eq!(get(&mut cpu, SysReg::PMEVCNTR0_EL0), 2);
    assert_eq!(get(&mut cpu, SysReg::PMOVSSET_EL0), 1);
}
