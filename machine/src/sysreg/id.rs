//! Identification, cache geometry, random numbers, and pending interrupts.

use crate::board::mpidr_affinity;
use crate::cpu::Vcpu;
use crate::cpu::model::Model;
use crate::entropy::SplitMix64;
use crate::irq::IrqPins;
use droste_arch::feature::Feature;
use droste_arch::fields::{dczid_el0, hcr_el2, hfgitr_el2, isr_el1, mpidr_el1, sctlr_el1};
use droste_arch::sysreg::SysReg;

use super::registers::{Behaviour, Read, ignore};

pub(super) fn behaviour(r: SysReg) -> Option<Behaviour> {
    let read: Read = match r {
        SysReg::CCSIDR_EL1 => |cpu, _| cpu.machine.model.cache_size(cpu.sys(SysReg::CSSELR_EL1)),
        SysReg::DCZID_EL0 => dczid,
        SysReg::ISR_EL1 => isr,
        SysReg::RNDR | SysReg::RNDRRS => random,
        _ => return None,
    };
    Some(Behaviour::new(read, ignore))
}

/// Puts the values of the model into the CPU's registers.
pub(super) fn reset(cpu: &mut Vcpu, model: &Model) {
    for (register, value) in model.registers() {
        cpu.set_sys(register, value);
    }
    let mpidr = 1 << 31 | mpidr_affinity(cpu.index as u32);
    cpu.set_sys(SysReg::MPIDR_EL1, mpidr & !mpidr_el1::U.mask());
    cpu.set_sys(SysReg::VMPIDR_EL2, mpidr);
    cpu.set_sys(SysReg::VPIDR_EL2, model.id(SysReg::MIDR_EL1));
    // The state of the random number generator, different on every CPU.
    let seed = cpu.machine.seed ^ mpidr.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    cpu.set_sys(SysReg::RNDR, seed);
}

/// DZP says whether DC ZVA may be used at this Exception level.
fn dczid(cpu: &mut Vcpu, r: SysReg) -> u64 {
    let (el, in_host) = (cpu.el(), cpu.mode.in_host);
    let disabled = el == 0 && !sctlr_el1::DZE.is_set(cpu.mode.sctlr);
    let trapped = el < 2
        && !in_host
        && (hcr_el2::TDZ.is_set(cpu.hcr())
            || cpu.has(Feature::FEAT_FGT) && hfgitr_el2::DCZVA.is_set(cpu.sys(SysReg::HFGITR_EL2)));
    dczid_el0::DZP.with(cpu.sys(r), u64::from(disabled || trapped))
}

/// Pending interrupts: the virtual ones at EL1, if they are virtual there.
fn isr(cpu: &mut Vcpu, _: SysReg) -> u64 {
    let (pins, hcr) = (cpu.interrupt_pins(), cpu.hcr());
    let at_el1 = cpu.el() == 1;
    let irq = if at_el1 && hcr_el2::IMO.is_set(hcr) {
        pins & IrqPins::VIRQ != 0 || hcr_el2::VI.is_set(hcr)
    } else {
        pins & IrqPins::IRQ != 0
    };
    let fiq = if at_el1 && hcr_el2::FMO.is_set(hcr) {
        pins & IrqPins::VFIQ != 0 || hcr_el2::VF.is_set(hcr)
    } else {
        pins & IrqPins::FIQ != 0
    };
    let serror = at_el1 && hcr_el2::AMO.is_set(hcr) && hcr_el2::VSE.is_set(hcr);
    isr_el1::I.with(0, u64::from(irq))
        | isr_el1::F.with(0, u64::from(fiq))
        | isr_el1::A.with(0, u64::from(serror))
}

/// The generator never fails: NZCV is 0000.
fn random(cpu: &mut Vcpu, _: SysReg) -> u64 {
    let state = cpu.sys(SysReg::RNDR);
    let number = SplitMix64::new(state).next_u64();
    cpu.set_sys(SysReg::RNDR, state.wrapping_add(0x9e37_79b9_7f4a_7c15));
    cpu.state.nzcv.set(0);
    number
}
