//! Self-hosted debug: which debug exceptions are enabled, and software step.

pub(crate) mod step;

use crate::cpu::{PState, Vcpu};
use droste_arch::fields::{mdcr_el2, mdscr_el1, oslsr_el1};
use droste_arch::sysreg::SysReg;

/// The Exception level that debug exceptions target: ELd.
pub(crate) fn target(cpu: &Vcpu) -> u8 {
    let to_el2 = cpu.has_el2() && (cpu.mode.tge || mdcr_el2::TDE.is_set(cpu.sys(SysReg::MDCR_EL2)));
    if to_el2 { 2 } else { 1 }
}

/// AArch64.GenerateDebugExceptionsFrom.
pub(crate) fn enabled_from(cpu: &Vcpu, el: u8, daif: u8) -> bool {
    if oslsr_el1::OSLK.is_set(cpu.sys(SysReg::OSLSR_EL1)) {
        return false;
    }
    let target = target(cpu);
    if el == target {
        mdscr_el1::KDE.is_set(cpu.sys(SysReg::MDSCR_EL1)) && daif & PState::D == 0
    } else {
        el < target
    }
}
