//! Taking an exception: AArch64.TakeException.

use super::{Exception, Kind};
use crate::cpu::{PState, Vcpu};
use droste_arch::feature::Feature;
use droste_arch::fields::{hcr_el2, sctlr_el1};
use droste_arch::sysreg::SysReg;

/// The registers of the level that takes an exception.
struct Banked {
    elr: SysReg,
    spsr: SysReg,
    esr: SysReg,
    far: SysReg,
    vbar: SysReg,
    sctlr: SysReg,
}

const EL1: Banked = Banked {
    elr: SysReg::ELR_EL1,
    spsr: SysReg::SPSR_EL1,
    esr: SysReg::ESR_EL1,
    far: SysReg::FAR_EL1,
    vbar: SysReg::VBAR_EL1,
    sctlr: SysReg::SCTLR_EL1,
};
const EL2: Banked = Banked {
    elr: SysReg::ELR_EL2,
    spsr: SysReg::SPSR_EL2,
    esr: SysReg::ESR_EL2,
    far: SysReg::FAR_EL2,
    vbar: SysReg::VBAR_EL2,
    sctlr: SysReg::SCTLR_EL2,
};

/// Takes `exception` with the PC at the instruction that caused it or, for interrupts, at the next one.
pub(crate) fn take(cpu: &mut Vcpu, exception: Exception) {
    enter(cpu, exception);
}

/// Takes the exception that the current instruction has raised. It was written a moment ago, field by field: it is read so
/// too, as wider loads would wait for the stores.
pub(crate) fn take_raised(cpu: &mut Vcpu) {
    enter(cpu, cpu.abort);
}

#[inline(always)]
fn enter(cpu: &mut Vcpu, exception: Exception) {
    let from = cpu.state.pstate;
    let target = exception.target;
    let counted = cpu.instructions();
    debug_assert!(target >= from.el && target > 0, "an exception never lowers the Exception level");
    let bank = if target == 2 { &EL2 } else { &EL1 };

    let elr = cpu.state.pc.wrapping_add(if exception.returns_after { 4 } else { 0 });
    let spsr = saved_pstate(cpu, from, target);
    if let Some(tracer) = &cpu.machine.tracer {
        crate::trace::exception(cpu, tracer.as_ref(), exception, elr, spsr);
    }
    cpu.set_sys(bank.elr, elr);
    cpu.set_sys(bank.spsr, spsr);
    if matches!(exception.kind, Kind::Synchronous | Kind::SError) {
        let esr = u64::from(exception.ec) << 26 | 1 << 25 | exception.iss;
        cpu.set_sys(bank.esr, esr);
    }
    if let Some(far) = exception.far {
        cpu.set_sys(bank.far, far);
    }
    if let Some(hpfar) = exception.hpfar {
        cpu.set_sys(SysReg::HPFAR_EL2, hpfar);
    }

    let group = match exception.kind {
        Kind::Synchronous => 0,
        Kind::Irq => 0x80,
        Kind::Fiq => 0x100,
        Kind::SError => 0x180,
    };
    let origin = if target > from.el {
        0x400
    } else if from.spsel {
        0x200
    } else {
        0
    };
    let sctlr = cpu.sys(bank.sctlr);
    let mut pstate = PState { el: target, spsel: true, daif: 0xf, ..from };
    pstate.uao = false;
    pstate.btype = 0;
    pstate.il = false;
    pstate.ss = false;
    pstate.ssbs = cpu.has(Feature::FEAT_SSBS) && sctlr_el1::DSSBS.is_set(sctlr);
    pstate.tco = cpu.has(Feature::FEAT_MTE);
    pstate.allint = cpu.has(Feature::FEAT_NMI) && !sctlr_el1::SPINTMASK.is_set(sctlr);
    // SPAN exists where the level shares its regime with EL0.
    let has_el0 = target == 1 || hcr_el2::E2H.is_set(cpu.hcr());
    if cpu.has(Feature::FEAT_PAN) && has_el0 && !sctlr_el1::SPAN.is_set(sctlr) {
        pstate.pan = true;
    }

    if target == 1 && exception.kind == Kind::SError && from.el < 2 && cpu.has_el2() {
        // A virtual SError is pending only once.
        let hcr = cpu.sys(SysReg::HCR_EL2);
        cpu.set_sys(SysReg::HCR_EL2, hcr & !hcr_el2::VSE.mask());
    }
    cpu.bank_sp();
    cpu.state.pstate = pstate;
    cpu.unbank_sp();
    cpu.state.pc = (cpu.sys(bank.vbar) & !0x7ff) + group + origin;
    cpu.state.exclusive.valid = false;
    cpu.context_sync();
    if cpu.pmu.enabled {
        crate::pmu::refresh(cpu, counted);
    }
}

/// The value for SPSR_ELx, with the level that FEAT_NV shows to a guest hypervisor (`nv_rules.md` E1).
fn saved_pstate(cpu: &Vcpu, from: PState, target: u8) -> u64 {
    let spsr = from.to_spsr(cpu.state.nzcv.bits());
    if target != 1 || from.el != 1 || !cpu.has(Feature::FEAT_NV) {
        return spsr;
    }
    let hcr = cpu.hcr();
    let nv2 = cpu.has(Feature::NV2_ONLY) || cpu.has(Feature::FEAT_NV2) && hcr_el2::NV2.is_set(hcr);
    if hcr_el2::NV.is_set(hcr) && (!hcr_el2::NV1.is_set(hcr) || nv2) { (spsr & !0xc) | 0x8 } else { spsr }
}
