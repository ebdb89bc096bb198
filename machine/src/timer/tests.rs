//! The timers of a CPU, on a counted clock of one tick an instruction.

use super::*;
use crate::cpu::model::Model;
use crate::irq::IrqPins;
use crate::machine::testing::cpus;
use droste_arch::fields::hcr_el2;

const ENABLE: u64 = 1;
const IMASK: u64 = 2;
const ISTATUS: u64 = 4;

/// A CPU at EL2 whose timer interrupts reach it as IRQs.
fn cpu() -> Vcpu {
    let mut cpu = cpus(Model::parse("max").unwrap(), 1).remove(0);
    let distributor = crate::gic::DistributorWindow(cpu.machine.gic.clone());
    let redistributor = crate::gic::RedistributorWindow(cpu.machine.gic.clone());
    let timers = ALL.iter().map(|timer| 1 << timer.intid()).sum::<u64>();
    crate::bus::Device::write(&distributor, 0, 4, 3);
    crate::bus::Device::write(&redistributor, 0x1_0080, 4, timers);
    crate::bus::Device::write(&redistributor, 0x1_0100, 4, timers);
    crate::gic::cpu_interface::write(&mut cpu, SysReg::ICC_PMR_EL1, 0xff);
    crate::gic::cpu_interface::write(&mut cpu, SysReg::ICC_IGRPEN1_EL1, 1);
    cpu
}

/// Lets time pass and the run loop look at the timers.
fn pass(cpu: &mut Vcpu, ticks: u64) {
    cpu.state.insn_count += ticks;
    poll(cpu);
}

fn irq(cpu: &Vcpu) -> bool {
    cpu.machine.gic.pins(0).load() & IrqPins::IRQ != 0
}

/// Acknowledges, and ends, the interrupt that is pending.
fn acknowledge(cpu: &mut Vcpu) -> u64 {
    let intid = crate::gic::cpu_interface::read(cpu, SysReg::ICC_IAR1_EL1);
    crate::gic::cpu_interface::write(cpu, SysReg::ICC_EOIR1_EL1, intid);
    intid
}

fn enter_el1(cpu: &mut Vcpu) {
    cpu.state.pstate.el = 1;
    cpu.context_changed();
}

#[test]
fn each_timer_fires_at_its_deadline_with_its_own_interrupt() {
    for (control, compare, intid) in [
        (SysReg::CNTV_CTL_EL0, SysReg::CNTV_CVAL_EL0, 27),
        (SysReg::CNTP_CTL_EL0, SysReg::CNTP_CVAL_EL0, 30),
        (SysReg::CNTHP_CTL_EL2, SysReg::CNTHP_CVAL_EL2, 26),
        (SysReg::CNTHV_CTL_EL2, SysReg::CNTHV_CVAL_EL2, 28),
    ] {
        let mut cpu = cpu();
        write(&mut cpu, compare, 1000);
        assert_eq!(next_deadline(&cpu), None);
        write(&mut cpu, control, ENABLE);
        assert_eq!(next_deadline(&cpu), Some(1000));
        pass(&mut cpu, 999);
        assert!(!irq(&cpu));
        pass(&mut cpu, 1);
        assert!(irq(&cpu));
        assert_eq!(read(&mut cpu, control), ENABLE | ISTATUS);
        assert_eq!(next_deadline(&cpu), None);
        assert_eq!(acknowledge(&mut cpu), intid);
        assert!(irq(&cpu), "the level stays until software moves the timer");
        write(&mut cpu, compare, 2000);
        assert!(!irq(&cpu));
    }
}

#[test]
fn masking_a_timer_lowers_its_interrupt_at_once() {
    let mut cpu = cpu();
    write(&mut cpu, SysReg::CNTV_CTL_EL0, ENABLE);
    assert!(irq(&cpu), "the compare value is zero");
    write(&mut cpu, SysReg::CNTV_CTL_EL0, ENABLE | IMASK | ISTATUS);
    assert!(!irq(&cpu));
    assert_eq!(read(&mut cpu, SysReg::CNTV_CTL_EL0), ENABLE | IMASK | ISTATUS);
    write(&mut cpu, SysReg::CNTV_CTL_EL0, ISTATUS);
    assert_eq!(read(&mut cpu, SysReg::CNTV_CTL_EL0), 0, "ISTATUS is read-only");
}

#[test]
fn timer_value_counts_down_through_zero() {
    let mut cpu = cpu();
    pass(&mut cpu, 500);
    write(&mut cpu, SysReg::CNTP_TVAL_EL0, 100);
    write(&mut cpu, SysReg::CNTP_CTL_EL0, ENABLE);
    assert_eq!(read(&mut cpu, SysReg::CNTP_CVAL_EL0), 600);
    pass(&mut cpu, 101);
    assert!(irq(&cpu));
    assert_eq!(read(&mut cpu, SysReg::CNTP_TVAL_EL0), 0xffff_ffff);
    write(&mut cpu, SysReg::CNTP_TVAL_EL0, 0xffff_ff00);
    assert_eq!(read(&mut cpu, SysReg::CNTP_CVAL_EL0), 601 - 256);
}

#[test]
fn virtual_offset_moves_the_virtual_timer_and_counter_only() {
    let mut cpu = cpu();
    pass(&mut cpu, 5000);
    write(&mut cpu, SysReg::CNTVOFF_EL2, 4000);
    write(&mut cpu, SysReg::CNTV_CVAL_EL0, 2000);
    write(&mut cpu, SysReg::CNTV_CTL_EL0, ENABLE);
    assert_eq!(next_deadline(&cpu), Some(6000));
    enter_el1(&mut cpu);
    assert_eq!(read(&mut cpu, SysReg::CNTVCT_EL0), 1000);
    assert_eq!(read(&mut cpu, SysReg::CNTPCT_EL0), 5000);
    assert_eq!(read(&mut cpu, SysReg::CNTV_TVAL_EL0), 1000);
}

#[test]
fn host_regime_reads_the_virtual_counter_without_offset() {
    let mut cpu = cpu();
    pass(&mut cpu, 5000);
    write(&mut cpu, SysReg::CNTVOFF_EL2, 4000);
    cpu.context_changed();
    assert_eq!(read(&mut cpu, SysReg::CNTVCTSS_EL0), 1000, "E2H = 0");
    cpu.set_sys(SysReg::HCR_EL2, hcr_el2::E2H.mask());
    cpu.context_changed();
    assert_eq!(read(&mut cpu, SysReg::CNTVCTSS_EL0), 5000);
    assert_eq!(virtual_count(&cpu), 5000);
}

#[test]
fn physical_offset_applies_below_el2_when_enabled() {
    let mut cpu = cpu();
    assert!(cpu.has(Feature::FEAT_ECV_POFF));
    pass(&mut cpu, 5000);
    write(&mut cpu, SysReg::CNTPOFF_EL2, 4000);
    write(&mut cpu, SysReg::CNTP_CVAL_EL0, 3000);
    write(&mut cpu, SysReg::CNTP_CTL_EL0, ENABLE);
    assert!(irq(&cpu), "CNTHCTL_EL2.ECV = 0");
    write(&mut cpu, SysReg::CNTHCTL_EL2, cnthctl_el2::ECV.mask());
    assert!(!irq(&cpu));
    assert_eq!(next_deadline(&cpu), Some(7000));
    assert_eq!(read(&mut cpu, SysReg::CNTPCT_EL0), 5000, "at EL2");
    enter_el1(&mut cpu);
    assert_eq!(read(&mut cpu, SysReg::CNTPCT_EL0), 1000);
}

#[test]
fn host_regime_suspends_the_physical_offset() {
    let mut cpu = cpu();
    pass(&mut cpu, 5000);
    write(&mut cpu, SysReg::CNTPOFF_EL2, 4000);
    write(&mut cpu, SysReg::CNTHCTL_EL2, cnthctl_el2::ECV.mask());
    write(&mut cpu, SysReg::CNTP_CVAL_EL0, 3000);
    write(&mut cpu, SysReg::CNTP_CTL_EL0, ENABLE);
    assert!(!irq(&cpu));
    cpu.set_sys(SysReg::HCR_EL2, hcr_el2::E2H.mask() | hcr_el2::TGE.mask());
    cpu.context_changed();
    poll(&mut cpu);
    assert!(irq(&cpu));
}

#[test]
fn control_registers_keep_only_their_fields() {
    let mut cpu = cpu();
    write(&mut cpu, SysReg::CNTHCTL_EL2, !0);
    assert_eq!(read(&mut cpu, SysReg::CNTHCTL_EL2), 0x3_ffff);
    write(&mut cpu, SysReg::CNTKCTL_EL1, !0);
    assert_eq!(read(&mut cpu, SysReg::CNTKCTL_EL1) & 0x2_03ff, 0x2_03ff);
    assert_eq!(read(&mut cpu, SysReg::CNTFRQ_EL0), 1_000_000_000);
}

#[test]
fn reset_disables_the_timers() {
    let mut cpu = cpu();
    write(&mut cpu, SysReg::CNTV_CTL_EL0, ENABLE);
    cpu.reset();
    assert_eq!(next_deadline(&cpu), None);
    crate::gic::cpu_interface::write(&mut cpu, SysReg::ICC_PMR_EL1, 0xff);
    crate::gic::cpu_interface::write(&mut cpu, SysReg::ICC_IGRPEN1_EL1, 1);
    assert!(!irq(&cpu));
}

mod accesses {
    //! Timer registers through MRS and MSR, with the access rules in between.

    use super::*;
    use crate::exception::Exception;

    fn word(base: u32, r: SysReg) -> u32 {
        base | u32::from(r.encoding().0) << 5
    }

    /// MRS X1, `r`.
    fn get(cpu: &mut Vcpu, r: SysReg) -> Result<u64, Exception> {
        match crate::sysreg::mrs(cpu, word(0xd520_0001, r)) {
            Ok(_) => Ok(cpu.x(1)),
            Err(_) => Err(cpu.abort),
        }
    }

    /// MSR `r`, X1.
    fn set(cpu: &mut Vcpu, r: SysReg, value: u64) {
        cpu.set_x(1, value);
        crate::sysreg::msr(cpu, word(0xd500_0001, r)).unwrap_or_else(|_| panic!("MSR {r}: {:?}", cpu.abort));
    }

    fn enable_e2h(cpu: &mut Vcpu, more: u64) {
        set(cpu, SysReg::HCR_EL2, hcr_el2::E2H.mask() | hcr_el2::RW.mask() | more);
        cpu.context_changed();
    }

    fn at_el(cpu: &mut Vcpu, el: u8) {
        cpu.state.pstate.el = el;
        cpu.context_changed();
    }

    #[test]
    fn host_uses_el2_timers_by_el1_names_and_el1_timers_by_el02_names() {
        let mut cpu = cpu();
        pass(&mut cpu, 1000);
        enable_e2h(&mut cpu, 0);
        set(&mut cpu, SysReg::CNTVOFF_EL2, 400);
        set(&mut cpu, SysReg::CNTV_TVAL_EL0, 10);
        set(&mut cpu, SysReg::CNTP_TVAL_EL0, 20);
        assert_eq!(cpu.sys(SysReg::CNTHV_CVAL_EL2), 1010);
        assert_eq!(cpu.sys(SysReg::CNTHP_CVAL_EL2), 1020);
        set(&mut cpu, SysReg::CNTV_TVAL_EL02, 30);
        set(&mut cpu, SysReg::CNTP_CVAL_EL02, 40);
        assert_eq!(cpu.sys(SysReg::CNTV_CVAL_EL0), 630);
        assert_eq!(cpu.sys(SysReg::CNTP_CVAL_EL0), 40);
        set(&mut cpu, SysReg::CNTV_CTL_EL0, ENABLE);
        assert_eq!(get(&mut cpu, SysReg::CNTHV_CTL_EL2), Ok(ENABLE));
        assert_eq!(get(&mut cpu, SysReg::CNTV_TVAL_EL0), Ok(10));
        set(&mut cpu, SysReg::CNTV_CTL_EL02, ENABLE);
        assert_eq!(get(&mut cpu, SysReg::CNTV_TVAL_EL02), Ok(30));
        assert_eq!(next_deadline(&cpu), Some(1010));
        assert_eq!(get(&mut cpu, SysReg::CNTVCT_EL0), Ok(1000));
    }

    #[test]
    fn cnthctl_has_both_layouts() {
        let mut cpu = cpu();
        set(&mut cpu, SysReg::CNTHCTL_EL2, 3);
        assert_eq!(get(&mut cpu, SysReg::CNTHCTL_EL2), Ok(3));
        enable_e2h(&mut cpu, 0);
        set(&mut cpu, SysReg::CNTKCTL_EL1, 0xf03);
        assert_eq!(get(&mut cpu, SysReg::CNTHCTL_EL2), Ok(0xf03));
        set(&mut cpu, SysReg::CNTKCTL_EL12, 0x3ff);
        assert_eq!(cpu.sys(SysReg::CNTKCTL_EL1), 0x3ff);
    }

    #[test]
    fn el0_of_the_host_reads_counters_as_cnthctl_allows() {
        let mut cpu = cpu();
        pass(&mut cpu, 1000);
        set(&mut cpu, SysReg::CNTVOFF_EL2, 400);
        enable_e2h(&mut cpu, hcr_el2::TGE.mask());
        at_el(&mut cpu, 0);
        assert_eq!(get(&mut cpu, SysReg::CNTVCT_EL0).unwrap_err().target, 2);
        at_el(&mut cpu, 2);
        set(&mut cpu, SysReg::CNTKCTL_EL1, 2);
        at_el(&mut cpu, 0);
        assert_eq!(get(&mut cpu, SysReg::CNTVCT_EL0), Ok(1000));
    }

    #[test]
    fn guest_counter_and_timer_accesses_trap_as_cnthctl_says() {
        let mut cpu = cpu();
        pass(&mut cpu, 1000);
        set(&mut cpu, SysReg::CNTVOFF_EL2, 400);
        at_el(&mut cpu, 1);
        assert_eq!(get(&mut cpu, SysReg::CNTPCT_EL0).unwrap_err().ec, 0x18, "EL1PCTEN = 0");
        assert_eq!(get(&mut cpu, SysReg::CNTVCT_EL0), Ok(600));
        at_el(&mut cpu, 2);
        set(&mut cpu, SysReg::CNTHCTL_EL2, 1 | 1 << 13 | 1 << 14);
        at_el(&mut cpu, 1);
        assert_eq!(get(&mut cpu, SysReg::CNTPCT_EL0), Ok(1000));
        assert_eq!(get(&mut cpu, SysReg::CNTVCT_EL0).unwrap_err().target, 2, "EL1TVCT");
        assert_eq!(get(&mut cpu, SysReg::CNTV_CTL_EL0).unwrap_err().target, 2, "EL1TVT");
    }
}
