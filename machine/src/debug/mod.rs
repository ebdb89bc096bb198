//! Self-hosted debug: which debug exceptions are enabled, software step, breakpoints and watchpoints.
//!
//! What executors ask is precomputed: [`Mode::by_instruction`](crate::cpu::Mode) sends them to the checks before every
//! instruction, and the pages of watchpoints are taken out of the inline path of the TLB. A CPU that does not debug pays
//! for nothing but a test when its mode is computed.

pub(crate) mod breakpoint;
mod matching;
mod registers;
pub(crate) mod step;
#[cfg(test)]
mod tests;
pub(crate) mod watchpoint;

use crate::cpu::{PState, Vcpu};
use droste_arch::feature::Feature;
use droste_arch::fields::{dbgprcr_el1, hcr_el2, mdcr_el2, mdscr_el1, osdlr_el1, oslsr_el1};
use droste_arch::sysreg::SysReg;

/// ESR_ELx.IFSC or DFSC of a debug exception.
const STATUS_CODE: u64 = 0x22;

/// The Exception level that debug exceptions target: ELd.
pub(crate) fn target(cpu: &Vcpu) -> u8 {
    let to_el2 = cpu.has_el2()
        && (hcr_el2::TGE.is_set(cpu.sys(SysReg::HCR_EL2)) || mdcr_el2::TDE.is_set(cpu.sys(SysReg::MDCR_EL2)));
    if to_el2 { 2 } else { 1 }
}

/// AArch64.GenerateDebugExceptionsFrom.
pub(crate) fn enabled_from(cpu: &Vcpu, el: u8, daif: u8) -> bool {
    if is_locked(cpu) {
        return false;
    }
    let target = target(cpu);
    if el == target {
        mdscr_el1::KDE.is_set(cpu.sys(SysReg::MDSCR_EL1)) && daif & PState::D == 0
    } else {
        el < target
    }
}

/// Whether breakpoints and watchpoints are enabled anywhere.
fn monitor_enabled(cpu: &Vcpu) -> bool {
    mdscr_el1::MDE.is_set(cpu.sys(SysReg::MDSCR_EL1)) && !is_locked(cpu)
}

/// Whether the OS Lock or the OS Double Lock (DoubleLockStatus) forbids all debug exceptions.
fn is_locked(cpu: &Vcpu) -> bool {
    let double = cpu.has(Feature::FEAT_DoubleLock)
        && osdlr_el1::DLK.is_set(cpu.sys(SysReg::OSDLR_EL1))
        && !dbgprcr_el1::CORENPDRQ.is_set(cpu.sys(SysReg::DBGPRCR_EL1));
    double || oslsr_el1::OSLK.is_set(cpu.sys(SysReg::OSLSR_EL1))
}

/// Follows a change of any register that debug exceptions depend on.
pub(crate) fn registers_changed(cpu: &mut Vcpu) {
    let pages = watchpoint::pages(cpu);
    cpu.tlb.set_watched(pages);
    cpu.pstate_changed();
}
