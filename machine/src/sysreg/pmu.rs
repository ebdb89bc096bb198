//! The registers of the performance monitor. What its counters do is in [`crate::pmu`].

use crate::cpu::Vcpu;
use crate::interp::Flow;
use crate::pmu::{self, CYCLES};
use droste_arch::fields::{mdcr_el2, pmcr_el0, pmselr_el0};
use droste_arch::sysreg::SysReg;

use super::registers::{Behaviour, Read, Write, ignore, store, stored};

pub(super) fn behaviour(r: SysReg) -> Option<Behaviour> {
    let (read, write): (Read, Write) = match r {
        SysReg::PMCR_EL0 => (read_pmcr, write_pmcr),
        SysReg::PMCNTENSET_EL0 | SysReg::PMOVSSET_EL0 | SysReg::PMINTENSET_EL1 => (read_bits, set_bits),
        SysReg::PMCNTENCLR_EL0 => (
            |cpu, _| read_bits(cpu, SysReg::PMCNTENSET_EL0),
            |cpu, _, v| clear_bits(cpu, SysReg::PMCNTENSET_EL0, v),
        ),
        SysReg::PMOVSCLR_EL0 => (
            |cpu, _| read_bits(cpu, SysReg::PMOVSSET_EL0),
            |cpu, _, v| clear_bits(cpu, SysReg::PMOVSSET_EL0, v),
        ),
        SysReg::PMINTENCLR_EL1 => (
            |cpu, _| read_bits(cpu, SysReg::PMINTENSET_EL1),
            |cpu, _, v| clear_bits(cpu, SysReg::PMINTENSET_EL1, v),
        ),
        SysReg::PMCEID0_EL0 => (|_, _| pmu::EVENTS, ignore),
        SysReg::PMCEID1_EL0 => (|_, _| 0, ignore),
        SysReg::PMCCNTR_EL0 => (|cpu, _| pmu::value(cpu, CYCLES), |cpu, _, v| set_counter(cpu, CYCLES, v)),
        SysReg::PMXEVCNTR_EL0 => (
            |cpu, _| pmu::value(cpu, selected(cpu)),
            |cpu, _, v| {
                let n = selected(cpu);
                set_counter(cpu, n, v)
            },
        ),
        SysReg::PMXEVTYPER_EL0 => (
            |cpu, _| cpu.sys(pmu::typer(selected(cpu))),
            |cpu, _, v| {
                let r = pmu::typer(selected(cpu));
                let v = cpu.rules.masks(r).apply(v);
                change(cpu, r, v)
            },
        ),
        SysReg::PMSWINC_EL0 => (stored, software_increment),
        r if counter(r).is_some() => (
            |cpu, r| pmu::value(cpu, counter(r).unwrap_or_default()),
            |cpu, r, v| set_counter(cpu, counter(r).unwrap_or_default(), v),
        ),
        SysReg::PMCCFILTR_EL0 => (stored, change),
        r if r.name().starts_with("PMEVTYPER") => (stored, change),
        SysReg::PMSELR_EL0 | SysReg::PMUSERENR_EL0 => (stored, store),
        _ => return None,
    };
    Some(Behaviour::new(read, write))
}

pub(super) fn reset(cpu: &mut Vcpu) {
    let pmcr = cpu.sys(SysReg::PMCR_EL0);
    cpu.set_sys(SysReg::PMCR_EL0, pmcr | pmcr_el0::LC.mask());
    let count = pmcr_el0::N.get(pmcr);
    let mdcr = cpu.sys(SysReg::MDCR_EL2);
    cpu.set_sys(SysReg::MDCR_EL2, mdcr_el2::HPMN.with(mdcr, count));
}

/// The number of an event counter register.
fn counter(r: SysReg) -> Option<u32> {
    // PMEVCNTR0 to PMEVCNTR30 are CRm 8 to 11: encodings in a row.
    let n = r.encoding().0.wrapping_sub(SysReg::PMEVCNTR0_EL0.encoding().0);
    (n < 31).then_some(u32::from(n))
}

fn selected(cpu: &Vcpu) -> u32 {
    pmselr_el0::SEL.get(cpu.sys(SysReg::PMSELR_EL0)) as u32
}

/// A write that decides which counters run. Its flow ends the block: the slice may have to end earlier.
fn change(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    pmu::poll(cpu);
    cpu.set_sys(r, value);
    let now = cpu.instructions();
    pmu::refresh(cpu, now);
    Flow::Sync
}

fn set_counter(cpu: &mut Vcpu, n: u32, value: u64) -> Flow {
    pmu::poll(cpu);
    pmu::set_value(cpu, n, value);
    Flow::Sync
}

/// The bits of the counters that the current Exception level may use.
fn usable(cpu: &Vcpu) -> u64 {
    1 << CYCLES | ((1 << pmu::accessible(cpu)) - 1)
}

fn read_bits(cpu: &mut Vcpu, r: SysReg) -> u64 {
    pmu::poll(cpu);
    cpu.sys(r) & usable(cpu)
}

fn set_bits(cpu: &mut Vcpu, r: SysReg, bits: u64) -> Flow {
    let (old, usable) = (cpu.sys(r), usable(cpu));
    change(cpu, r, old | bits & usable)
}

fn clear_bits(cpu: &mut Vcpu, r: SysReg, bits: u64) -> Flow {
    pmu::poll(cpu);
    let (old, usable) = (cpu.sys(r), usable(cpu));
    change(cpu, r, old & !(bits & usable))
}

/// Below EL2, N is the number of counters that EL2 has left.
fn read_pmcr(cpu: &mut Vcpu, r: SysReg) -> u64 {
    pmcr_el0::N.with(cpu.sys(r), u64::from(pmu::accessible(cpu)))
}

fn write_pmcr(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    pmu::poll(cpu);
    if pmcr_el0::C.is_set(value) {
        pmu::set_value(cpu, CYCLES, 0);
    }
    if pmcr_el0::P.is_set(value) {
        for n in 0..pmu::accessible(cpu) {
            pmu::set_value(cpu, n, 0);
        }
    }
    let kept = pmcr_el0::E.mask() | pmcr_el0::DP.mask() | pmcr_el0::LP.mask() | pmcr_el0::FZO.mask();
    let old = cpu.sys(r);
    change(cpu, r, old & !kept | value & kept)
}

/// The part of MDCR_EL2 that concerns counters: HPMN, HPME, HPMD, HCCD, HLP.
pub(super) fn write_mdcr(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    if cpu.sys(r) == value {
        return Flow::Sync;
    }
    change(cpu, r, value);
    cpu.pstate_changed();
    Flow::Sync
}

fn software_increment(cpu: &mut Vcpu, _: SysReg, bits: u64) -> Flow {
    for n in (0..pmu::accessible(cpu)).filter(|n| bits >> n & 1 != 0) {
        pmu::software_increment(cpu, n);
    }
    Flow::Sync
}
