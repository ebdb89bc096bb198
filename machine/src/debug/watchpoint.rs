//! Watchpoints: AArch64.CheckWatchpoint.

use super::matching::{address_bits, compared, level_matches, linked_matches};
use super::registers::{WATCHPOINT_CONTROL, WATCHPOINT_VALUE};
use super::{STATUS_CODE, enabled_from, monitor_enabled, target};
use crate::cpu::Vcpu;
use crate::exception::Exception;
use droste_arch::expr::{Facts, Quantity};
use droste_arch::fields::{dbgwcr_n__el1 as wcr, esr_el1, esr_el2};

/// An access, as far as watchpoints look at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched {
    /// Address of the first byte.
    pub(crate) va: u64,
    /// Number of bytes, at least one.
    pub(crate) size: u64,
    pub(crate) write: bool,
    /// Whether the access is made as from EL0.
    pub(crate) user: bool,
    /// Whether FEAT_NV2 has made it of a register access.
    pub(crate) nv2: bool,
    /// Whether it is cache maintenance.
    pub(crate) maintenance: bool,
}

/// The pages that hold watched addresses, as first and last page of address bits that are always compared.
pub(crate) fn pages(cpu: &Vcpu) -> Vec<(u64, u64)> {
    if !monitor_enabled(cpu) {
        return Vec::new();
    }
    let page = |va: u64| va & PAGE_BITS;
    implemented(cpu).filter_map(|n| range(cpu, n)).map(|(first, last)| (page(first), page(last))).collect()
}

/// The bits of an address by which [`pages`] tells pages apart.
pub(crate) const PAGE_BITS: u64 = ((1 << 49) - 1) & !0xfff;

/// The exception that an access generates, if a watchpoint matches it.
#[cold]
pub(crate) fn check(cpu: &Vcpu, access: Watched) -> Option<Exception> {
    let (el, daif) = if access.nv2 { (2, 0) } else { (cpu.el(), cpu.state.pstate.daif) };
    if !monitor_enabled(cpu) || !enabled_from(cpu, el, daif) {
        return None;
    }
    let start = implemented(cpu).find_map(|n| matches(cpu, n, access))?;
    let target = if access.nv2 { 2 } else { target(cpu) };
    let ec = if cpu.el() < target && !access.nv2 { 0x34 } else { 0x35 };
    let write = access.write || access.maintenance;
    let iss = esr_el1::WnR.with(STATUS_CODE, u64::from(write));
    let iss = esr_el1::CM.with(iss, u64::from(access.maintenance));
    let iss = esr_el2::VNCR.with(iss, u64::from(access.nv2));
    // The first watched byte of the access.
    let far = access.va.wrapping_add(start.saturating_sub(compared(cpu, access.va)));
    Some(Exception::sync(target, ec, iss).with_far(far))
}

fn implemented(cpu: &Vcpu) -> impl Iterator<Item = usize> {
    0..cpu.quantity(Quantity::Watchpoints).min(16) as usize
}

/// AArch64.WatchpointMatch; answers the first watched address.
fn matches(cpu: &Vcpu, n: usize, access: Watched) -> Option<u64> {
    let (first, last) = range(cpu, n)?;
    let start = compared(cpu, access.va);
    if start > last || start + (access.size - 1) < first {
        return None;
    }
    let control = cpu.sys(WATCHPOINT_CONTROL[n]);
    let of_kind = wcr::LSC.get(control) >> u32::from(access.write) & 1 != 0;
    let el = match access {
        Watched { nv2: true, .. } => 2,
        Watched { user: true, .. } => 0,
        _ => cpu.el(),
    };
    let (hmc, ssc, pac) = (wcr::HMC.is_set(control), wcr::SSC.get(control), wcr::PAC.get(control));
    let linked = !wcr::WT.is_set(control) || linked_matches(cpu, wcr::LBN.get(control));
    (of_kind && level_matches(cpu, el, hmc, ssc, pac) && linked).then_some(first)
}

/// The first and the last address that a watchpoint watches, without what is not compared. Of byte selections with
/// gaps, which are CONSTRAINED UNPREDICTABLE, the first part; a mask of one or two bits, reserved, watches nothing.
fn range(cpu: &Vcpu, n: usize) -> Option<(u64, u64)> {
    let (control, value) = (cpu.sys(WATCHPOINT_CONTROL[n]), cpu.sys(WATCHPOINT_VALUE[n]));
    if !wcr::E.is_set(control) {
        return None;
    }
    let value = compared(cpu, value);
    debug_assert!(address_bits(cpu) > 31, "a mask leaves address bits to compare");
    match wcr::MASK.get(control) {
        0 => {
            let (base, bytes) = if value & 4 != 0 { (value & !3, 0xf) } else { (value & !7, 0xff) };
            let selected = wcr::BAS.get(control) & bytes;
            if selected == 0 {
                return None;
            }
            let first = u64::from(selected.trailing_zeros());
            let count = u64::from((selected >> first).trailing_ones());
            Some((base + first, base + first + count - 1))
        }
        1 | 2 => None,
        mask => {
            let bits = (1 << mask) - 1;
            Some((value & !bits, value | bits))
        }
    }
}
