//! What breakpoints and watchpoints have in common: the states that they match in, and linking.

use super::registers::{BREAKPOINT_CONTROL, BREAKPOINT_VALUE};
use crate::cpu::Vcpu;
use droste_arch::expr::{Facts, Quantity};
use droste_arch::feature::Feature;
use droste_arch::fields::{contextidr_el2, dbgbcr_n__el1 as bcr, id_aa64dfr0_el1, vtcr_el2};
use droste_arch::sysreg::SysReg;

/// Whether a breakpoint or watchpoint with these fields matches at an Exception level: AArch64.StateMatch without
/// linking, on a CPU without EL3 and Secure state. What CheckValidStateMatch reserves matches nothing.
pub(super) fn level_matches(cpu: &Vcpu, el: u8, hmc: bool, ssc: u64, pxc: u64) -> bool {
    let with_el2 = match (hmc, ssc, pxc) {
        (false, 0, 1..=3) => false,
        (true, 0 | 3, 1 | 3) | (true, 1 | 3, 0) => true,
        _ => return false,
    };
    if with_el2 && !cpu.has_el2() {
        return false;
    }
    match el {
        0 => pxc & 2 != 0,
        1 => pxc & 1 != 0,
        _ => with_el2,
    }
}

/// The number of address bits that are compared: DebugAddrTop, plus one.
pub(super) fn address_bits(cpu: &Vcpu) -> u32 {
    match () {
        () if cpu.has(Feature::FEAT_LVA3) => 56,
        () if cpu.has(Feature::FEAT_LVA) => 53,
        () => 49,
    }
}

/// An address without what is not compared.
pub(super) fn compared(cpu: &Vcpu, va: u64) -> u64 {
    va & (u64::MAX >> (64 - address_bits(cpu)))
}

/// What a breakpoint compares: DBGBCR_EL1.BT.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(u64);

impl Kind {
    /// The kind of breakpoint `n`, unless it is off or its value is reserved.
    pub(super) fn of(cpu: &Vcpu, n: usize) -> Option<Kind> {
        let control = cpu.sys(BREAKPOINT_CONTROL[n]);
        if !bcr::E.is_set(control) {
            return None;
        }
        let kind = Kind(bcr::BT.get(control));
        let reserved = kind.0 & 0b1110 == 0b0100
            || !kind.is_address() && n < first_context_aware(cpu)
            || kind.0 & 0b1000 != 0 && !cpu.has_el2()
            || matches!(kind.0 & 0b1110, 0b0110 | 0b1100 | 0b1110) && !cpu.has(Feature::FEAT_VHE);
        (!reserved).then_some(kind)
    }

    /// Whether addresses are compared.
    pub(super) fn is_address(self) -> bool {
        self.0 & 0b1110 == 0
    }

    /// Whether a context breakpoint is linked to, or an address breakpoint links.
    pub(super) fn is_linked(self) -> bool {
        self.0 & 1 != 0
    }
}

/// Whether the context breakpoint that `lbn` names is programmed for linking and matches.
pub(super) fn linked_matches(cpu: &Vcpu, lbn: u64) -> bool {
    let n = lbn as usize;
    n >= first_context_aware(cpu)
        && (n as u64) < cpu.quantity(Quantity::Breakpoints)
        && Kind::of(cpu, n)
            .is_some_and(|kind| kind.is_linked() && !kind.is_address() && context_matches(cpu, n, kind))
}

/// The part of AArch64.BreakpointValueMatch that compares context and virtual machine identifiers.
pub(super) fn context_matches(cpu: &Vcpu, n: usize, kind: Kind) -> bool {
    let value = cpu.sys(BREAKPOINT_VALUE[n]);
    let id = |r| contextidr_el2::PROCID.get(cpu.sys(r)) == value & 0xffff_ffff;
    let guest = cpu.el() < 2 && !cpu.mode.in_host;
    let context = match kind.0 & 0b1110 {
        0b0010 if cpu.mode.in_host => id(SysReg::CONTEXTIDR_EL2),
        0b1000 | 0b1100 => true,
        _ => guest && id(SysReg::CONTEXTIDR_EL1),
    };
    let machine = match kind.0 & 0b1100 {
        0b1000 => guest && cpu.has_el2() && vmid_matches(cpu, value),
        0b1100 => contextidr_el2::PROCID.get(cpu.sys(SysReg::CONTEXTIDR_EL2)) == value >> 32,
        _ => true,
    };
    context && machine
}

fn vmid_matches(cpu: &Vcpu, value: u64) -> bool {
    let wide = cpu.has(Feature::FEAT_VMID16) && vtcr_el2::VS.is_set(cpu.sys(SysReg::VTCR_EL2));
    let mask = if wide { 0xffff } else { 0xff };
    (cpu.sys(SysReg::VTTBR_EL2) >> 48) & mask == value >> 32 & mask
}

/// The number of the first breakpoint that compares contexts.
fn first_context_aware(cpu: &Vcpu) -> usize {
    let dfr0 = cpu.sys(SysReg::ID_AA64DFR0_EL1);
    id_aa64dfr0_el1::BRPs.get(dfr0).saturating_sub(id_aa64dfr0_el1::CTX_CMPs.get(dfr0)) as usize
}
