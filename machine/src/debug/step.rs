//! Software step: the state machine of MDSCR_EL1.SS and PSTATE.SS.

use super::{enabled_from, target};
use crate::cpu::{PState, Vcpu};
use crate::exception::Exception;
use droste_arch::fields::{mdscr_el1, spsr_el2};
use droste_arch::sysreg::SysReg;

/// Whether software step is active at the current Exception level.
pub(crate) fn active(cpu: &Vcpu) -> bool {
    mdscr_el1::SS.is_set(cpu.sys(SysReg::MDSCR_EL1))
        && enabled_from(cpu, cpu.state.pstate.el, cpu.state.pstate.daif)
}

/// The step exception that is pending before the next instruction, if any.
pub(crate) fn pending(cpu: &Vcpu) -> Option<Exception> {
    if !cpu.mode.stepping || cpu.state.pstate.ss {
        return None;
    }
    let target = target(cpu);
    let ec = if cpu.el() < target { 0x32 } else { 0x33 };
    // ISV = 1, EX = 0, IFSC = debug exception.
    Some(Exception::sync(target, ec, 1 << 24 | 0x22))
}

/// The value of PSTATE.SS after an exception return: DebugExceptionReturnSS.
pub(crate) fn state_after_eret(cpu: &Vcpu, spsr: u64, next: PState) -> bool {
    mdscr_el1::SS.is_set(cpu.sys(SysReg::MDSCR_EL1))
        && spsr_el2::SS.is_set(spsr)
        && !enabled_from(cpu, cpu.state.pstate.el, cpu.state.pstate.daif)
        && enabled_from(cpu, next.el, next.daif)
}
