//! Which pending interrupt is taken, and where: AArch64.TakeUnmaskedPhysicalInterrupts and the virtual ones.

use super::{Exception, Kind};
use crate::cpu::{PState, Vcpu};
use crate::irq::IrqPins;
use droste_arch::fields::hcr_el2;
use droste_arch::sysreg::SysReg;

/// HCR_EL2.VI, VF and VSE.
const VIRTUAL: u64 = hcr_el2::VI.mask() | hcr_el2::VF.mask() | hcr_el2::VSE.mask();

/// Whether anything is pending, masked or not: what the run loop asks before [`pending_interrupt`].
#[inline(always)]
pub(crate) fn may_be_interrupted(cpu: &Vcpu) -> bool {
    cpu.interrupt_pins() & !IrqPins::ATTENTION != 0 || is_any_virtual(cpu)
}

/// Whether HCR_EL2 itself makes a virtual interrupt pending.
#[inline(always)]
pub(crate) fn is_any_virtual(cpu: &Vcpu) -> bool {
    cpu.sys(SysReg::HCR_EL2) & VIRTUAL != 0
}

/// The interrupt that is to be taken before the next instruction, if any.
pub(crate) fn pending_interrupt(cpu: &Vcpu) -> Option<Exception> {
    let pins = cpu.interrupt_pins() & !IrqPins::ATTENTION;
    let hcr = cpu.hcr();
    if pins == 0 && hcr & VIRTUAL == 0 {
        return None;
    }
    let pstate = cpu.state.pstate;
    let physical = [
        (IrqPins::FIQ, Kind::Fiq, hcr_el2::FMO, PState::F),
        (IrqPins::IRQ, Kind::Irq, hcr_el2::IMO, PState::I),
    ];
    for (pin, kind, route, mask) in physical {
        if pins & pin == 0 {
            continue;
        }
        let to_el2 = cpu.has_el2() && route.is_set(hcr);
        let masked = pstate.daif & mask != 0 || pstate.allint;
        let taken = match (pstate.el, to_el2) {
            (2, true) => !masked,
            (2, false) => false,
            // EL0 of a host is masked as EL2 is: HCR_EL2.{E2H,TGE} = {1,1} (D1.3.6.3).
            (_, true) => !(masked && cpu.mode.in_host),
            (_, false) => !masked,
        };
        if taken {
            return Some(Exception::interrupt(kind, if to_el2 { 2 } else { 1 }));
        }
    }
    if pstate.el == 2 || hcr_el2::TGE.is_set(hcr) || !cpu.has_el2() {
        return None;
    }
    if hcr_el2::AMO.is_set(hcr) && hcr_el2::VSE.is_set(hcr) && pstate.daif & PState::A == 0 {
        let iss = cpu.sys(SysReg::VSESR_EL2) & 0x1ff_ffff;
        return Some(Exception { ec: 0x2f, iss, ..Exception::interrupt(Kind::SError, 1) });
    }
    let virtuals = [
        (IrqPins::VFIQ, Kind::Fiq, hcr_el2::FMO, hcr_el2::VF, PState::F),
        (IrqPins::VIRQ, Kind::Irq, hcr_el2::IMO, hcr_el2::VI, PState::I),
    ];
    for (pin, kind, route, bit, mask) in virtuals {
        let pending = pins & pin != 0 || bit.is_set(hcr);
        if pending && route.is_set(hcr) && pstate.daif & mask == 0 && !pstate.allint {
            return Some(Exception::interrupt(kind, 1));
        }
    }
    None
}
