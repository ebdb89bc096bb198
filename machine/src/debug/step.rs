//! Software step: the state machine of MDSCR_EL1.SS and PSTATE.SS.

use super::{STATUS_CODE, enabled_from, target};
use crate::cpu::Vcpu;
use crate::exception::Exception;
use droste_arch::a64::{self, Group};
use droste_arch::fields::{esr_el1, mdscr_el1, spsr_el2};
use droste_arch::sysreg::SysReg;

/// Whether software step is active at the current Exception level.
pub(crate) fn active(cpu: &Vcpu) -> bool {
    mdscr_el1::SS.is_set(cpu.sys(SysReg::MDSCR_EL1))
        && enabled_from(cpu, cpu.state.pstate.el, cpu.state.pstate.daif)
}

/// The step exception that is pending before the next instruction, of which nobody knows what was stepped.
pub(crate) fn pending(cpu: &Vcpu) -> Option<Exception> {
    if !cpu.mode.stepping || cpu.state.pstate.ss {
        return None;
    }
    Some(exception(cpu, STATUS_CODE))
}

/// Advances the state machine after an instruction that was executed with PSTATE.SS set; answers the step exception
/// that is pending now, unless the instruction has disabled it.
///
/// It is taken at once: the architecture leaves open whether an interrupt comes before it, and so nothing has to
/// remember what was stepped.
pub(crate) fn advance(cpu: &mut Vcpu, word: u32) -> Option<Exception> {
    cpu.state.pstate.ss = false;
    let iss = esr_el1::ISV.with(STATUS_CODE, 1);
    let iss = esr_el1::EX.with(iss, u64::from(is_load_exclusive(word)));
    cpu.mode.stepping.then(|| exception(cpu, iss))
}

fn exception(cpu: &Vcpu, iss: u64) -> Exception {
    let target = target(cpu);
    let ec = if cpu.el() < target { 0x32 } else { 0x33 };
    Exception::sync(target, ec, iss)
}

/// Load-exclusive instructions: of the encodings of load/store exclusive, those with o2 = 0 and L = 1.
fn is_load_exclusive(word: u32) -> bool {
    let group = a64::decode(word).map(a64::Encoding::group);
    matches!(group, Some(Group::LdstLdstexclp | Group::LdstLdstexclr)) && word & 1 << 22 != 0
}

/// The value of PSTATE.SS after an exception return: DebugExceptionReturnSS.
#[inline]
pub(crate) fn state_after_eret(cpu: &Vcpu, spsr: u64, next_el: u8, next_daif: u8) -> bool {
    mdscr_el1::SS.is_set(cpu.sys(SysReg::MDSCR_EL1))
        && spsr_el2::SS.is_set(spsr)
        && !enabled_from(cpu, cpu.state.pstate.el, cpu.state.pstate.daif)
        && enabled_from(cpu, next_el, next_daif)
}
