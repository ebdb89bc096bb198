//! Which register does what.

use super::comparator::{ENABLE, IMASK};
use super::{Timer, physical_count, update, virtual_count};
use crate::cpu::Vcpu;
use droste_arch::feature::Feature;
use droste_arch::sysreg::SysReg;

/// The parts of a timer that are registers.
#[derive(Clone, Copy)]
enum Part {
    Control,
    Compare,
    Value,
}

fn part(r: SysReg) -> Option<(Timer, Part)> {
    Some(match r {
        SysReg::CNTV_CTL_EL0 => (Timer::Virtual, Part::Control),
        SysReg::CNTV_CVAL_EL0 => (Timer::Virtual, Part::Compare),
        SysReg::CNTV_TVAL_EL0 => (Timer::Virtual, Part::Value),
        SysReg::CNTP_CTL_EL0 => (Timer::Physical, Part::Control),
        SysReg::CNTP_CVAL_EL0 => (Timer::Physical, Part::Compare),
        SysReg::CNTP_TVAL_EL0 => (Timer::Physical, Part::Value),
        SysReg::CNTHP_CTL_EL2 => (Timer::HypPhysical, Part::Control),
        SysReg::CNTHP_CVAL_EL2 => (Timer::HypPhysical, Part::Compare),
        SysReg::CNTHP_TVAL_EL2 => (Timer::HypPhysical, Part::Value),
        SysReg::CNTHV_CTL_EL2 => (Timer::HypVirtual, Part::Control),
        SysReg::CNTHV_CVAL_EL2 => (Timer::HypVirtual, Part::Compare),
        SysReg::CNTHV_TVAL_EL2 => (Timer::HypVirtual, Part::Value),
        _ => return None,
    })
}

/// Reads a register of the counter or of a timer. Accesses that trap have been filtered out, and
/// redirected ones (`_EL02`, or an EL1 name at EL2 with E2H = 1) arrive as the register that they reach.
pub(crate) fn read(cpu: &mut Vcpu, r: SysReg) -> u64 {
    if let Some((timer, part)) = part(r) {
        let comparator = timer.comparator(cpu);
        return match part {
            Part::Control => comparator.read_control(cpu.physical_count()),
            Part::Compare => comparator.compare,
            Part::Value => comparator.read_value(cpu.physical_count()),
        };
    }
    match r {
        SysReg::CNTPCT_EL0 | SysReg::CNTPCTSS_EL0 => physical_count(cpu),
        SysReg::CNTVCT_EL0 | SysReg::CNTVCTSS_EL0 => virtual_count(cpu),
        SysReg::CNTFRQ_EL0
        | SysReg::CNTVOFF_EL2
        | SysReg::CNTPOFF_EL2
        | SysReg::CNTHCTL_EL2
        | SysReg::CNTKCTL_EL1 => cpu.sys(r),
        _ => unreachable!("{r} is no readable register of the generic timers"),
    }
}

/// Writes a register of a timer or of its control.
pub(crate) fn write(cpu: &mut Vcpu, r: SysReg, value: u64) {
    let now = cpu.physical_count();
    match part(r) {
        Some((_, Part::Control)) => cpu.set_sys(r, value & (ENABLE | IMASK)),
        Some((_, Part::Compare)) => cpu.set_sys(r, value),
        Some((timer, Part::Value)) => {
            let compare = timer.comparator(cpu).compare_for(now, value);
            cpu.set_sys(timer.compare(), compare);
        }
        None => match r {
            SysReg::CNTVOFF_EL2 | SysReg::CNTPOFF_EL2 => cpu.set_sys(r, value),
            SysReg::CNTFRQ_EL0 => cpu.set_sys(r, value & 0xffff_ffff),
            SysReg::CNTHCTL_EL2 => cpu.set_sys(r, value & hypervisor_control_mask(cpu)),
            SysReg::CNTKCTL_EL1 => cpu.set_sys(r, value & kernel_control_mask(cpu)),
            _ => unreachable!("{r} is no writable register of the generic timers"),
        },
    }
    let before = cpu.timers.next_change;
    update(cpu, now);
    cpu.timers.is_nearer |= cpu.timers.next_change < before;
}

/// CNTHCTL_EL2.{EL1TVT, EL1TVCT, EL1NVPCT, EL1NVVCT, EVNTIS}.
const HYPERVISOR_ECV: u64 = 0x3_e000;
/// CNTHCTL_EL2.ECV.
const HYPERVISOR_POFF: u64 = 1 << 12;
/// CNTHCTL_EL2 before FEAT_ECV, in the layout of E2H = 1, which has the other's fields too.
const HYPERVISOR_BASE: u64 = 0xfff;

fn hypervisor_control_mask(cpu: &Vcpu) -> u64 {
    let ecv = if cpu.has(Feature::FEAT_ECV) { HYPERVISOR_ECV } else { 0 };
    let offset = if cpu.has(Feature::FEAT_ECV_POFF) { HYPERVISOR_POFF } else { 0 };
    HYPERVISOR_BASE | ecv | offset
}

/// CNTKCTL_EL1.EVNTIS.
const KERNEL_ECV: u64 = 1 << 17;
/// CNTKCTL_EL1 bits 16:10, which are storage for nested hypervisors.
const KERNEL_NV2P1: u64 = 0x1_fc00;
/// CNTKCTL_EL1 before FEAT_ECV.
const KERNEL_BASE: u64 = 0x3ff;

fn kernel_control_mask(cpu: &Vcpu) -> u64 {
    let ecv = if cpu.has(Feature::FEAT_ECV) { KERNEL_ECV } else { 0 };
    let nested = if cpu.has(Feature::FEAT_NV2p1) { KERNEL_NV2P1 } else { 0 };
    KERNEL_BASE | ecv | nested
}

/// Resets the timers together with their CPU: all are disabled.
pub(crate) fn reset(cpu: &mut Vcpu) {
    cpu.set_sys(SysReg::CNTFRQ_EL0, u64::from(cpu.machine.clock.frequency_hz()));
    let now = cpu.physical_count();
    update(cpu, now);
}
