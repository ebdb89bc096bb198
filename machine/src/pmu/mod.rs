//! The performance monitor: a cycle counter and event counters that count instructions.
//!
//! A cycle is an instruction. Events are CPU_CYCLES, INST_RETIRED and SW_INCR; a counter of any other event stands
//! still, as PMCEID0_EL0 says.
//!
//! While a counter runs, what is stored is its value minus the number of instructions, so that counting is free. What
//! starts and stops counters calls [`refresh`]: register writes, and changes of the Exception level while any counter is
//! enabled. Overflows are noted at the end of slices, which are cut where the next one is due; one that comes nearer
//! within a slice waits for its end.

#[cfg(test)]
mod tests;

use crate::board::memory_map::{PMU_PPI, ppi_intid};
use crate::cpu::Vcpu;
use droste_arch::feature::Feature;
use droste_arch::fields::{mdcr_el2, pmcr_el0, pmevtyper_n__el0 as typer_fields};
use droste_arch::sysreg::SysReg;

/// The cycle counter's bit in PMCNTENSET_EL0 and its number in PMSELR_EL0.
pub(crate) const CYCLES: u32 = 31;
/// What PMCEID0_EL0 announces.
pub(crate) const EVENTS: u64 = 1 << SW_INCR | 1 << INST_RETIRED | 1 << CPU_CYCLES;
const SW_INCR: u64 = 0x00;
const INST_RETIRED: u64 = 0x08;
const CPU_CYCLES: u64 = 0x11;

/// What is derived from the registers of the performance monitor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pmu {
    /// The counters that run, by their bits in PMCNTENSET_EL0.
    running: u32,
    /// The instruction count at which the next overflow is due, `u64::MAX` for never.
    overflow_at: u64,
    /// Whether any counter is enabled, so that a change of the Exception level matters.
    pub(crate) enabled: bool,
    /// The level of the interrupt.
    interrupt: bool,
}

impl Default for Pmu {
    fn default() -> Pmu {
        Pmu { running: 0, overflow_at: u64::MAX, enabled: false, interrupt: false }
    }
}

impl Pmu {
    /// Stops everything; the interrupt follows when it is driven next.
    pub(crate) fn reset(&mut self) {
        *self = Pmu { interrupt: self.interrupt, ..Pmu::default() };
    }
}

/// The number of event counters.
pub(crate) fn count(cpu: &Vcpu) -> u32 {
    pmcr_el0::N.get(cpu.sys(SysReg::PMCR_EL0)) as u32
}

/// The number of the first event counter that is EL2's.
fn first_of_el2(cpu: &Vcpu) -> u32 {
    if cpu.has_el2() { mdcr_el2::HPMN.get(cpu.sys(SysReg::MDCR_EL2)) as u32 } else { count(cpu) }
}

/// The number of event counters that the current Exception level may use.
pub(crate) fn accessible(cpu: &Vcpu) -> u32 {
    if cpu.el() < 2 { first_of_el2(cpu).min(count(cpu)) } else { count(cpu) }
}

/// The register that holds a counter.
pub(crate) fn counter(n: u32) -> SysReg {
    if n == CYCLES {
        return SysReg::PMCCNTR_EL0;
    }
    SysReg::from_index(SysReg::PMEVCNTR0_EL0.index() + n as usize).unwrap_or(SysReg::PMEVCNTR0_EL0)
}

/// The register that says what a counter counts.
pub(crate) fn typer(n: u32) -> SysReg {
    if n == CYCLES {
        return SysReg::PMCCFILTR_EL0;
    }
    SysReg::from_index(SysReg::PMEVTYPER0_EL0.index() + n as usize).unwrap_or(SysReg::PMEVTYPER0_EL0)
}

fn all(cpu: &Vcpu) -> impl Iterator<Item = u32> + use<> {
    (0..count(cpu)).chain([CYCLES])
}

/// Whether a counter is EL2's.
fn is_of_el2(cpu: &Vcpu, n: u32) -> bool {
    n != CYCLES && n >= first_of_el2(cpu)
}

/// Whether the counters of a counter's range are on: PMCR_EL0.E or MDCR_EL2.HPME.
fn is_range_on(cpu: &Vcpu, n: u32) -> bool {
    if is_of_el2(cpu, n) {
        mdcr_el2::HPME.is_set(cpu.sys(SysReg::MDCR_EL2))
    } else {
        pmcr_el0::E.is_set(cpu.sys(SysReg::PMCR_EL0))
    }
}

fn is_enabled(cpu: &Vcpu, n: u32) -> bool {
    cpu.sys(SysReg::PMCNTENSET_EL0) >> n & 1 != 0 && is_range_on(cpu, n)
}

/// Whether counting is prohibited, or filtered, at the current Exception level (CountPMUEvents).
fn is_excluded(cpu: &Vcpu, n: u32) -> bool {
    let filter = cpu.sys(typer(n));
    match cpu.el() {
        0 => typer_fields::U.is_set(filter),
        1 => typer_fields::P.is_set(filter),
        _ => {
            let mdcr = cpu.sys(SysReg::MDCR_EL2);
            let events = mdcr_el2::HPMD.is_set(mdcr);
            let prohibited = if n == CYCLES {
                mdcr_el2::HCCD.is_set(mdcr) || events && pmcr_el0::DP.is_set(cpu.sys(SysReg::PMCR_EL0))
            } else {
                events && !is_of_el2(cpu, n)
            };
            prohibited || !typer_fields::NSH.is_set(filter)
        }
    }
}

/// Whether a counter counts instructions now.
fn runs(cpu: &Vcpu, n: u32) -> bool {
    let event = cpu.sys(typer(n)) & 0xffff;
    (n == CYCLES || event == INST_RETIRED || event == CPU_CYCLES)
        && is_enabled(cpu, n)
        && !is_excluded(cpu, n)
}

/// The number of bits of a counter.
fn width(cpu: &Vcpu, n: u32) -> u32 {
    if n == CYCLES || cpu.has(Feature::FEAT_PMUv3p5) { 64 } else { 32 }
}

/// The number of bits whose overflow is told.
fn overflow_width(cpu: &Vcpu, n: u32) -> u32 {
    let long = if is_of_el2(cpu, n) {
        mdcr_el2::HLP.is_set(cpu.sys(SysReg::MDCR_EL2))
    } else {
        pmcr_el0::LP.is_set(cpu.sys(SysReg::PMCR_EL0))
    };
    if n == CYCLES || width(cpu, n) == 64 && long { 64 } else { 32 }
}

/// A counter's value after `now` instructions.
fn value_at(cpu: &Vcpu, n: u32, now: u64) -> u64 {
    let counted = if cpu.pmu.running >> n & 1 != 0 { now } else { 0 };
    cpu.sys(counter(n)).wrapping_add(counted) & u64::MAX >> (64 - width(cpu, n))
}

/// A counter's value.
pub(crate) fn value(cpu: &Vcpu, n: u32) -> u64 {
    value_at(cpu, n, cpu.instructions())
}

/// Writes a counter.
pub(crate) fn set_value(cpu: &mut Vcpu, n: u32, value: u64) {
    let now = cpu.instructions();
    let counted = if cpu.pmu.running >> n & 1 != 0 { now } else { 0 };
    cpu.set_sys(counter(n), value.wrapping_sub(counted));
    plan(cpu, now);
}

/// Adds one to a counter of SW_INCR, if it counts.
pub(crate) fn software_increment(cpu: &mut Vcpu, n: u32) {
    if cpu.sys(typer(n)) & 0xffff != SW_INCR || !is_enabled(cpu, n) || is_excluded(cpu, n) {
        return;
    }
    let new = value(cpu, n).wrapping_add(1) & u64::MAX >> (64 - width(cpu, n));
    cpu.set_sys(counter(n), new);
    if new & u64::MAX >> (64 - overflow_width(cpu, n)) == 0 {
        note_overflow(cpu, 1 << n);
    }
}

/// Starts and stops counters after `now` instructions, as registers and the Exception level say now.
pub(crate) fn refresh(cpu: &mut Vcpu, now: u64) {
    note_due(cpu, now);
    let mut enabled = false;
    for n in all(cpu) {
        enabled |= is_enabled(cpu, n);
        let (ran, runs) = (cpu.pmu.running >> n & 1 != 0, runs(cpu, n));
        if ran != runs {
            let at = cpu.sys(counter(n));
            cpu.set_sys(counter(n), if ran { at.wrapping_add(now) } else { at.wrapping_sub(now) });
            cpu.pmu.running ^= 1 << n;
        }
    }
    cpu.pmu.enabled = enabled;
    plan(cpu, now);
    drive_interrupt(cpu);
}

/// Finds when the next counter overflows.
fn plan(cpu: &mut Vcpu, now: u64) {
    let left = |n| {
        let mask = u64::MAX >> (64 - overflow_width(cpu, n));
        (mask - (value_at(cpu, n, now) & mask)).saturating_add(1)
    };
    let running = cpu.pmu.running;
    let next = all(cpu).filter(|n| running >> n & 1 != 0).map(left).min();
    cpu.pmu.overflow_at = next.map_or(u64::MAX, |left| now.saturating_add(left));
}

/// The instruction count at which the next overflow is due, `u64::MAX` for never.
pub(crate) fn overflow_at(cpu: &Vcpu) -> u64 {
    cpu.pmu.overflow_at
}

/// Notes overflows that are due; called when a slice ends. Cheap when nothing is.
pub(crate) fn poll(cpu: &mut Vcpu) {
    let now = cpu.instructions();
    note_due(cpu, now);
}

fn note_due(cpu: &mut Vcpu, now: u64) {
    if now < cpu.pmu.overflow_at {
        return;
    }
    // Nothing but instructions has changed a running counter since the overflow was foreseen.
    let late = now - cpu.pmu.overflow_at;
    let mut overflowed = 0;
    for n in all(cpu).filter(|n| cpu.pmu.running >> n & 1 != 0) {
        let mask = u64::MAX >> (64 - overflow_width(cpu, n));
        if value_at(cpu, n, now) & mask <= late {
            overflowed |= 1 << n;
        }
    }
    plan(cpu, now);
    note_overflow(cpu, overflowed);
}

/// Sets overflow flags.
pub(crate) fn note_overflow(cpu: &mut Vcpu, counters: u64) {
    let old = cpu.sys(SysReg::PMOVSSET_EL0);
    cpu.set_sys(SysReg::PMOVSSET_EL0, old | counters);
    drive_interrupt(cpu);
}

/// Raises or lowers the interrupt (CheckForPMUOverflow).
pub(crate) fn drive_interrupt(cpu: &mut Vcpu) {
    let pending = cpu.sys(SysReg::PMOVSSET_EL0) & cpu.sys(SysReg::PMINTENSET_EL1);
    let level = pending != 0 && all(cpu).any(|n| pending >> n & 1 != 0 && is_range_on(cpu, n));
    if level != cpu.pmu.interrupt {
        cpu.pmu.interrupt = level;
        cpu.gic.set_ppi(ppi_intid(PMU_PPI), level);
    }
}
