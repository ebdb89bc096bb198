//! The generic timers: four comparators per CPU on the machine's system counter.
//!
//! Their registers are plain storage in the CPU state, where the access rules look too. What is kept here is
//! derived: the levels that the interrupt controller knows, and the next count at which one changes, so that
//! the run loop compares one number. The event stream has no state: WFE asks when its next event comes.

mod comparator;
mod events;
mod registers;
#[cfg(test)]
mod tests;

use crate::board::memory_map::{
    TIMER_EL2_PHYSICAL_PPI, TIMER_EL2_VIRTUAL_PPI, TIMER_PHYSICAL_PPI, TIMER_VIRTUAL_PPI, ppi_intid,
};
use crate::cpu::Vcpu;
use comparator::Comparator;
use droste_arch::feature::Feature;
use droste_arch::fields::cnthctl_el2;
use droste_arch::sysreg::SysReg;

pub(crate) use events::next_event;
pub(crate) use registers::{read, reset, write};

/// What is derived from the timer registers of one CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timers {
    /// The physical count at which a level changes next, `u64::MAX` for never.
    next_change: u64,
    /// The levels of [`ALL`].
    levels: [bool; 4],
    /// The offset of the EL1 physical timer that `next_change` assumes.
    physical_offset: u64,
    /// Whether software has brought `next_change` nearer since whoever gives out slices looked.
    pub(crate) is_nearer: bool,
    /// The physical count at which WFIT gives up, `u64::MAX` without.
    pub(crate) wait_until: u64,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            next_change: u64::MAX,
            levels: [false; 4],
            physical_offset: 0,
            is_nearer: false,
            wait_until: u64::MAX,
        }
    }
}

/// A timer of a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    Virtual,
    Physical,
    HypPhysical,
    HypVirtual,
}

const ALL: [Timer; 4] = [Timer::Virtual, Timer::Physical, Timer::HypPhysical, Timer::HypVirtual];

impl Timer {
    fn control(self) -> SysReg {
        match self {
            Timer::Virtual => SysReg::CNTV_CTL_EL0,
            Timer::Physical => SysReg::CNTP_CTL_EL0,
            Timer::HypPhysical => SysReg::CNTHP_CTL_EL2,
            Timer::HypVirtual => SysReg::CNTHV_CTL_EL2,
        }
    }

    fn compare(self) -> SysReg {
        match self {
            Timer::Virtual => SysReg::CNTV_CVAL_EL0,
            Timer::Physical => SysReg::CNTP_CVAL_EL0,
            Timer::HypPhysical => SysReg::CNTHP_CVAL_EL2,
            Timer::HypVirtual => SysReg::CNTHV_CVAL_EL2,
        }
    }

    fn intid(self) -> u32 {
        ppi_intid(match self {
            Timer::Virtual => TIMER_VIRTUAL_PPI,
            Timer::Physical => TIMER_PHYSICAL_PPI,
            Timer::HypPhysical => TIMER_EL2_PHYSICAL_PPI,
            Timer::HypVirtual => TIMER_EL2_VIRTUAL_PPI,
        })
    }

    fn comparator(self, cpu: &Vcpu) -> Comparator {
        let offset = match self {
            Timer::Virtual if cpu.has_el2() => cpu.sys(SysReg::CNTVOFF_EL2),
            Timer::Physical => physical_timer_offset(cpu),
            _ => 0,
        };
        Comparator { control: cpu.sys(self.control()), compare: cpu.sys(self.compare()), offset }
    }
}

/// What software has set the timers of a CPU to.
pub(crate) struct Settings([(u64, u64); 4]);

impl Settings {
    pub(crate) fn of(cpu: &Vcpu) -> Settings {
        Settings(ALL.map(|timer| (cpu.sys(timer.control()), cpu.sys(timer.compare()))))
    }

    /// Sets the timers so, and raises the interrupts that are due.
    pub(crate) fn restore(self, cpu: &mut Vcpu) {
        for (timer, (control, compare)) in ALL.into_iter().zip(self.0) {
            cpu.set_sys(timer.control(), control);
            cpu.set_sys(timer.compare(), compare);
        }
        let now = cpu.physical_count();
        update(cpu, now);
    }
}

/// Raises and lowers the timers' interrupts for the current time. Cheap when nothing is due.
pub(crate) fn poll(cpu: &mut Vcpu) {
    let now = cpu.physical_count();
    if now >= cpu.timers.next_change || cpu.timers.physical_offset != physical_timer_offset(cpu) {
        update(cpu, now);
    }
}

/// The physical count at which the next interrupt of a timer rises or falls, or WFIT gives up.
pub(crate) fn next_deadline(cpu: &Vcpu) -> Option<u64> {
    let next = if cpu.state.waiting {
        cpu.timers.next_change.min(cpu.timers.wait_until)
    } else {
        cpu.timers.next_change
    };
    (next != u64::MAX).then_some(next)
}

/// CNTVCT_EL0 as the current Exception level reads it: the host regime sees no offset.
pub(crate) fn virtual_count(cpu: &Vcpu) -> u64 {
    let sees_offset = cpu.has_el2() && !cpu.mode.in_host;
    let offset = if sees_offset { cpu.sys(SysReg::CNTVOFF_EL2) } else { 0 };
    cpu.physical_count().wrapping_sub(offset)
}

/// CNTPCT_EL0 as the current Exception level reads it: FEAT_ECV_POFF offsets it at EL1 and below.
fn physical_count(cpu: &Vcpu) -> u64 {
    let sees_offset = cpu.el() < 2 && !cpu.mode.in_host;
    let offset = if sees_offset { physical_timer_offset(cpu) } else { 0 };
    cpu.physical_count().wrapping_sub(offset)
}

/// The offset of the EL1 physical timer, whatever the current Exception level.
fn physical_timer_offset(cpu: &Vcpu) -> u64 {
    let offset = cpu.has_el2()
        && cpu.has(Feature::FEAT_ECV_POFF)
        && cnthctl_el2::ECV.is_set(cpu.sys(SysReg::CNTHCTL_EL2))
        && !(cpu.mode.e2h && cpu.mode.tge);
    if offset { cpu.sys(SysReg::CNTPOFF_EL2) } else { 0 }
}

/// Computes the levels and the next change, and tells the interrupt controller what changed.
fn update(cpu: &mut Vcpu, now: u64) {
    let mut next_change = u64::MAX;
    for (index, timer) in ALL.into_iter().enumerate() {
        let comparator = timer.comparator(cpu);
        next_change = next_change.min(comparator.next_change(now));
        let level = comparator.level(now);
        if level != cpu.timers.levels[index] {
            cpu.timers.levels[index] = level;
            cpu.gic.set_ppi(timer.intid(), level);
        }
    }
    cpu.timers.next_change = next_change;
    cpu.timers.physical_offset = physical_timer_offset(cpu);
}
