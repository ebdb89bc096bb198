//! Exception return: AArch64.ExceptionReturn.

use super::Exception;
use crate::cpu::{PState, Vcpu};
use crate::interp::{Exec, Flow};
use crate::pauth::PacKey;
use droste_arch::feature::Feature;
use droste_arch::fields::{hcr_el2, hfgitr_el2};
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
    if el == 1 {
        check_trap(cpu, kind)?;
    }
    let (elr, spsr) = if el == 2 {
        (cpu.sys(SysReg::ELR_EL2), cpu.sys(SysReg::SPSR_EL2))
    } else {
        (cpu.sys(SysReg::ELR_EL1), cpu.sys(SysReg::SPSR_EL1))
    };
    let target = match kind {
        EretKind::Plain => elr,
        EretKind::KeyA => cpu.auth(PacKey::IA, elr, cpu.state.sp, true)?,
        EretKind::KeyB => cpu.auth(PacKey::IB, elr, cpu.state.sp, true)?,
    };
    exception_return(cpu, target, spsr);
    Ok(Flow::Jump)
}

/// AArch64.CheckForERetTrap.
fn check_trap(cpu: &mut Vcpu, kind: EretKind) -> Result<(), crate::interp::Abort> {
    let hcr = cpu.hcr();
    let nv = cpu.has(Feature::FEAT_NV) && hcr_el2::NV.is_set(hcr);
    let fgt =
        cpu.has(Feature::FEAT_FGT) && cpu.has_el2() && hfgitr_el2::ERET.is_set(cpu.sys(SysReg::HFGITR_EL2));
    if !nv && !fgt {
        return Ok(());
    }
    let iss = match kind {
        EretKind::Plain => 0,
        EretKind::KeyA => 2,
        EretKind::KeyB => 3,
    };
    Err(cpu.raise(Exception::sync(2, 0x1a, iss)))
}

/// Returns to `target` with the state that `spsr` describes, or raises PSTATE.IL.
pub(crate) fn exception_return(cpu: &mut Vcpu, target: u64, spsr: u64) {
    let from = cpu.state.pstate;
    let illegal = is_illegal(cpu, spsr);
    let mut next = PState::from_spsr(spsr);
    if illegal {
        next = PState { el: from.el, spsel: from.spsel, il: true, ..next };
    }
    if !cpu.has(Feature::FEAT_BTI) {
        next.btype = 0;
    }
    next.pan &= cpu.has(Feature::FEAT_PAN);
    next.uao &= cpu.has(Feature::FEAT_UAO);
    next.dit &= cpu.has(Feature::FEAT_DIT);
    next.ssbs &= cpu.has(Feature::FEAT_SSBS);
    next.tco &= cpu.has(Feature::FEAT_MTE);
    next.allint &= cpu.has(Feature::FEAT_NMI);
    next.ss = !illegal && crate::debug::step::state_after_eret(cpu, spsr, next);
    cpu.bank_sp();
    cpu.state.pstate = next;
    cpu.unbank_sp();
    cpu.state.nzcv = (spsr & 0xf000_0000) as u32;
    cpu.state.exclusive.valid = false;
    cpu.state.event = true;
    cpu.context_sync();
    if cpu.pmu.enabled {
        let counted = cpu.instructions();
        crate::pmu::refresh(cpu, counted);
    }
    cpu.state.pc = cpu.branch_address(target);
    if let Some(tracer) = &cpu.machine.tracer {
        crate::trace::exception_return(cpu, tracer.as_ref(), from.el, spsr);
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
