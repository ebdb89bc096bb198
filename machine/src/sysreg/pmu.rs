//! The performance monitor: a cycle counter and event counters that count instructions.
//!
//! A cycle is an instruction. Events are CPU_CYCLES and INST_RETIRED; a counter of any other event stands
//! still, as PMCEID0_EL0 says. The filters by Exception level are stored and not applied, and counters do
//! not overflow into interrupts.
//!
//! While a counter runs, what is stored is its value minus the number of instructions.

use crate::cpu::Vcpu;
use crate::interp::Flow;
use droste_arch::fields::{mdcr_el2, pmcr_el0, pmselr_el0};
use droste_arch::sysreg::SysReg;

use super::registers::{Behaviour, Read, Write, ignore, store, stored};

/// The cycle counter's bit in PMCNTENSET_EL0 and its number in PMSELR_EL0.
const CYCLES: u32 = 31;
const INST_RETIRED: u64 = 0x08;
const CPU_CYCLES: u64 = 0x11;

pub(super) fn behaviour(r: SysReg) -> Option<Behaviour> {
    let (read, write): (Read, Write) = match r {
        SysReg::PMCR_EL0 => (stored, write_pmcr),
        SysReg::PMCNTENSET_EL0 => (stored, |cpu, r, v| change(cpu, |cpu| set(cpu, r, v))),
        SysReg::PMCNTENCLR_EL0 => (
            |cpu, _| cpu.sys(SysReg::PMCNTENSET_EL0),
            |cpu, _, v| change(cpu, |cpu| clear(cpu, SysReg::PMCNTENSET_EL0, v)),
        ),
        SysReg::PMOVSSET_EL0 => (stored, |cpu, r, v| {
            set(cpu, r, v);
            Flow::Next
        }),
        SysReg::PMOVSCLR_EL0 => (
            |cpu, _| cpu.sys(SysReg::PMOVSSET_EL0),
            |cpu, _, v| {
                clear(cpu, SysReg::PMOVSSET_EL0, v);
                Flow::Next
            },
        ),
        SysReg::PMINTENSET_EL1 => (stored, |cpu, r, v| {
            set(cpu, r, v);
            Flow::Next
        }),
        SysReg::PMINTENCLR_EL1 => (
            |cpu, _| cpu.sys(SysReg::PMINTENSET_EL1),
            |cpu, _, v| {
                clear(cpu, SysReg::PMINTENSET_EL1, v);
                Flow::Next
            },
        ),
        SysReg::PMCEID0_EL0 => (|_, _| 1 << INST_RETIRED | 1 << CPU_CYCLES | 1, ignore),
        SysReg::PMCEID1_EL0 => (|_, _| 0, ignore),
        SysReg::PMCCNTR_EL0 => (
            |cpu, _| value(cpu, CYCLES),
            |cpu, _, v| {
                set_value(cpu, CYCLES, v);
                Flow::Next
            },
        ),
        SysReg::PMXEVCNTR_EL0 => (
            |cpu, _| {
                let n = selected(cpu);
                value(cpu, n)
            },
            |cpu, _, v| {
                let n = selected(cpu);
                set_value(cpu, n, v);
                Flow::Next
            },
        ),
        SysReg::PMXEVTYPER_EL0 => (
            |cpu, _| cpu.sys(typer(selected(cpu))),
            |cpu, _, v| {
                let r = typer(selected(cpu));
                let v = cpu.rules.masks(r).apply(v);
                change(cpu, |cpu| cpu.set_sys(r, v))
            },
        ),
        SysReg::PMSWINC_EL0 => (stored, software_increment),
        r if counter(r).is_some() => (
            |cpu, r| value(cpu, counter(r).unwrap_or_default()),
            |cpu, r, v| {
                set_value(cpu, counter(r).unwrap_or_default(), v);
                Flow::Next
            },
        ),
        r if r.name().starts_with("PMEVTYPER") => (stored, |cpu, r, v| change(cpu, |cpu| cpu.set_sys(r, v))),
        SysReg::PMSELR_EL0 | SysReg::PMUSERENR_EL0 | SysReg::PMCCFILTR_EL0 => (stored, store),
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

fn counter_register(n: u32) -> SysReg {
    if n == CYCLES {
        return SysReg::PMCCNTR_EL0;
    }
    SysReg::from_index(SysReg::PMEVCNTR0_EL0.index() + n as usize).unwrap_or(SysReg::PMEVCNTR0_EL0)
}

fn typer(n: u32) -> SysReg {
    if n == CYCLES {
        return SysReg::PMCCFILTR_EL0;
    }
    SysReg::from_index(SysReg::PMEVTYPER0_EL0.index() + n as usize).unwrap_or(SysReg::PMEVTYPER0_EL0)
}

fn selected(cpu: &Vcpu) -> u32 {
    pmselr_el0::SEL.get(cpu.sys(SysReg::PMSELR_EL0)) as u32
}

/// Whether a counter counts instructions now.
fn runs(cpu: &Vcpu, n: u32) -> bool {
    let enabled = cpu.sys(SysReg::PMCNTENSET_EL0) >> n & 1 != 0;
    let mdcr = cpu.sys(SysReg::MDCR_EL2);
    let of_el2 = n != CYCLES && cpu.has_el2() && u64::from(n) >= mdcr_el2::HPMN.get(mdcr);
    let on = if of_el2 { mdcr_el2::HPME.is_set(mdcr) } else { pmcr_el0::E.is_set(cpu.sys(SysReg::PMCR_EL0)) };
    let event = cpu.sys(typer(n)) & 0xffff;
    enabled && on && (n == CYCLES || event == INST_RETIRED || event == CPU_CYCLES)
}

fn value(cpu: &Vcpu, n: u32) -> u64 {
    let offset = if runs(cpu, n) { cpu.instructions() } else { 0 };
    cpu.sys(counter_register(n)).wrapping_add(offset)
}

fn set_value(cpu: &mut Vcpu, n: u32, value: u64) {
    let offset = if runs(cpu, n) { cpu.instructions() } else { 0 };
    cpu.set_sys(counter_register(n), value.wrapping_sub(offset));
}

/// Changes what decides which counters run, and keeps their values.
fn change(cpu: &mut Vcpu, how: impl FnOnce(&mut Vcpu)) -> Flow {
    let count = pmcr_el0::N.get(cpu.sys(SysReg::PMCR_EL0)) as u32;
    let counters = (0..count).chain([CYCLES]);
    let values: Vec<(u32, u64)> = counters.map(|n| (n, value(cpu, n))).collect();
    how(cpu);
    for (n, v) in values {
        set_value(cpu, n, v);
    }
    Flow::Next
}

fn set(cpu: &mut Vcpu, r: SysReg, bits: u64) {
    let count = pmcr_el0::N.get(cpu.sys(SysReg::PMCR_EL0));
    let implemented = 1 << CYCLES | ((1 << count) - 1);
    let old = cpu.sys(r);
    cpu.set_sys(r, old | bits & implemented);
}

fn clear(cpu: &mut Vcpu, r: SysReg, bits: u64) {
    let old = cpu.sys(r);
    cpu.set_sys(r, old & !bits);
}

fn write_pmcr(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    if pmcr_el0::C.is_set(value) {
        set_value(cpu, CYCLES, 0);
    }
    if pmcr_el0::P.is_set(value) {
        for n in 0..pmcr_el0::N.get(cpu.sys(r)) as u32 {
            set_value(cpu, n, 0);
        }
    }
    let kept = pmcr_el0::E.mask() | pmcr_el0::DP.mask() | pmcr_el0::LP.mask() | pmcr_el0::FZO.mask();
    change(cpu, |cpu| {
        let old = cpu.sys(r);
        cpu.set_sys(r, old & !kept | value & kept);
    })
}

fn software_increment(cpu: &mut Vcpu, _: SysReg, bits: u64) -> Flow {
    for n in 0..pmcr_el0::N.get(cpu.sys(SysReg::PMCR_EL0)) as u32 {
        let enabled = cpu.sys(SysReg::PMCNTENSET_EL0) >> n & 1 != 0;
        if bits >> n & 1 != 0 && enabled && cpu.sys(typer(n)) & 0xffff == 0 {
            let old = value(cpu, n);
            set_value(cpu, n, old.wrapping_add(1));
        }
    }
    Flow::Next
}
