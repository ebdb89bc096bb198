//! Exception return: AArch64.ExceptionReturn.

use super::Exception;
use crate::cpu::{PState, Vcpu};
use crate::interp::{Abort, Exec, Flow};
use crate::pauth::PacKey;
use droste_arch::feature::Feature;
use droste_arch::fields::{hcr_el2, hcrx_el2, hfgitr_el2, nvhcr_el2};
use droste_arch::sysreg::SysReg;

/// The form of the instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EretKind {
    /// ERET.
    Plain,
    /// ERETAA.
    KeyA,
    /// ERETAB.
    KeyB,
}

/// Executes ERET, ERETAA or ERETAB.
pub(crate) fn eret(cpu: &mut Vcpu, kind: EretKind) -> Exec {
    let el = cpu.el();
    if el == 0 {
        return Err(cpu.undefined());
    }
    let (elr, spsr) = if el == 2 {
        (cpu.sys(SysReg::ELR_EL2), cpu.sys(SysReg::SPSR_EL2))
    } else {
        let spsr = check_trap(cpu, kind)?;
        (cpu.sys(SysReg::ELR_EL1), spsr)
    };
    let target = match kind {
        EretKind::Plain => elr,
        EretKind::KeyA => cpu.auth(PacKey::IA, elr, cpu.state.sp, true)?,
        EretKind::KeyB => cpu.auth(PacKey::IB, elr, cpu.state.sp, true)?,
    };
    exception_return(cpu, target, spsr);
    Ok(Flow::Jump)
}

/// AArch64.CheckForERetTrap; without a trap, the state that EL1 returns to.
fn check_trap(cpu: &mut Vcpu, kind: EretKind) -> Result<u64, Abort> {
    let hcr = cpu.hcr();
    let nv = cpu.has(Feature::FEAT_NV) && hcr_el2::NV.is_set(hcr);
    let fgt =
        cpu.has(Feature::FEAT_FGT) && cpu.has_el2() && hfgitr_el2::ERET.is_set(cpu.sys(SysReg::HFGITR_EL2));
    let spsr = cpu.sys(SysReg::SPSR_EL1);
    let returns = if nv { inside_virtual_el2(cpu, spsr) } else { Some(spsr) };
    if let Some(spsr) = returns.filter(|_| !fgt) {
        return Ok(spsr);
    }
    let iss = match kind {
        EretKind::Plain => 0,
        EretKind::KeyA => 2,
        EretKind::KeyB => 3,
    };
    Err(cpu.raise(Exception::sync(2, 0x1a, iss)))
}

/// The state after a return of a guest hypervisor that stays in its EL2, or goes to the EL0 of its EL2&0 regime: with
/// FEAT_NV3 and HCRX_EL2.NVTGE the PE makes it itself, EL2t and EL2h being EL1t and EL1h (provisional; `nv_rules.md` N6).
fn inside_virtual_el2(cpu: &Vcpu, spsr: u64) -> Option<u64> {
    if !cpu.has(Feature::FEAT_NV3) || !hcrx_el2::NVTGE.is_set(cpu.sys(SysReg::HCRX_EL2)) {
        return None;
    }
    let guest = cpu.sys(SysReg::NVHCR_EL2);
    let host = nvhcr_el2::TGE.is_set(guest) && nvhcr_el2::E2H.is_set(guest);
    match spsr & 0x1f {
        0b0_1000 | 0b0_1001 => Some(spsr & !0xc | 0x4),
        0 if host => Some(spsr),
        _ => None,
    }
}

/// Returns to `target` with the state that `spsr` describes, or raises PSTATE.IL.
pub(crate) fn exception_return(cpu: &mut Vcpu, target: u64, spsr: u64) {
    let from = cpu.state.pstate;
    let illegal = is_illegal(cpu, spsr);
    let mut next = PState::from_spsr(spsr & cpu.spsr_bits);
    if illegal {
        next = PState { el: from.el, spsel: from.spsel, il: true, ..next };
    }
    next.ss = !illegal && crate::debug::step::state_after_eret(cpu, spsr, next.el, next.daif);
    cpu.bank_sp();
    cpu.state.pstate = next;
    cpu.unbank_sp();
    cpu.state.nzcv.set((spsr & 0xf000_0000) as u32);
    cpu.state.exclusive.valid = false;
    cpu.state.event = true;
    cpu.context_sync();
    let counted = cpu.instructions();
    if cpu.pmu.enabled {
        crate::pmu::refresh(cpu, counted);
    }
    cpu.state.pc = cpu.branch_address(target);
    if let Some(tracer) = &cpu.machine.tracer {
        crate::trace::exception_return(cpu, tracer.as_ref(), counted, from.el, spsr);
    }
}

/// IllegalExceptionReturn.
fn is_illegal(cpu: &Vcpu, spsr: u64) -> bool {
    let aarch32 = spsr & 0x10 != 0;
    let (el, spsel) = ((spsr >> 2) & 3, spsr & 1);
    let hcr = cpu.hcr();
    aarch32
        || spsr & 2 != 0
        || el > u64::from(cpu.el())
        || (el == 0 && spsel != 0)
        || (el == 1 && hcr_el2::TGE.is_set(hcr))
}
