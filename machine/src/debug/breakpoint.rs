//! Breakpoints: AArch64.CheckBreakpoint.

use super::matching::{Kind, address_bits, compared, context_matches, level_matches, linked_matches};
use super::registers::{BREAKPOINT_CONTROL, BREAKPOINT_VALUE};
use super::{STATUS_CODE, enabled_from, monitor_enabled, target};
use crate::cpu::Vcpu;
use crate::exception::Exception;
use droste_arch::expr::{Facts, Quantity};
use droste_arch::fields::dbgbcr_n__el1 as bcr;

const PAGE: u64 = !0xfff;

/// Whether breakpoints may match in the present state of the CPU.
pub(crate) fn armed(cpu: &Vcpu) -> bool {
    monitor_enabled(cpu)
        && enabled_from(cpu, cpu.state.pstate.el, cpu.state.pstate.daif)
        && implemented(cpu).any(|n| bcr::E.is_set(cpu.sys(BREAKPOINT_CONTROL[n])))
}

/// Whether any instruction of the page of `pc` may have a breakpoint.
pub(crate) fn on_page(cpu: &Vcpu, pc: u64) -> bool {
    implemented(cpu).any(|n| {
        Kind::of(cpu, n).is_some_and(|kind| match kind.is_address() {
            true => (address(cpu, n) ^ compared(cpu, pc)) & PAGE == 0,
            false => !kind.is_linked(),
        })
    })
}

/// The exception that a breakpoint generates instead of the instruction at the PC, if one matches.
pub(crate) fn pending(cpu: &Vcpu) -> Option<Exception> {
    if !implemented(cpu).any(|n| matches(cpu, n)) {
        return None;
    }
    let target = target(cpu);
    let ec = if cpu.el() < target { 0x30 } else { 0x31 };
    Some(Exception::sync(target, ec, STATUS_CODE))
}

fn implemented(cpu: &Vcpu) -> impl Iterator<Item = usize> {
    0..cpu.quantity(Quantity::Breakpoints).min(16) as usize
}

fn address(cpu: &Vcpu, n: usize) -> u64 {
    compared(cpu, cpu.sys(BREAKPOINT_VALUE[n])) & !3
}

/// AArch64.BreakpointMatch.
fn matches(cpu: &Vcpu, n: usize) -> bool {
    let Some(kind) = Kind::of(cpu, n) else { return false };
    let control = cpu.sys(BREAKPOINT_CONTROL[n]);
    let value = if kind.is_address() {
        debug_assert!(address_bits(cpu) > 12, "a page number is compared");
        address(cpu, n) == compared(cpu, cpu.state.pc) & !3
            && (!kind.is_linked() || linked_matches(cpu, bcr::LBN.get(control)))
    } else {
        !kind.is_linked() && context_matches(cpu, n, kind)
    };
    let (hmc, ssc, pmc) = (bcr::HMC.is_set(control), bcr::SSC.get(control), bcr::PMC.get(control));
    value && level_matches(cpu, cpu.el(), hmc, ssc, pmc)
}
