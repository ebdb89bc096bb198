//! SVC, HVC, SMC, BRK and HLT.

use super::Exception;
use crate::cpu::Vcpu;
use crate::firmware::Conduit;
use crate::interp::{Abort, Exec, Flow};
use droste_arch::feature::Feature;
use droste_arch::fields::{hcr_el2, hfgitr_el2, mdcr_el2};
use droste_arch::sysreg::SysReg;

/// Executes SVC.
pub(crate) fn svc(cpu: &mut Vcpu, imm: u32) -> Exec {
    let el = cpu.el();
    let host0 = cpu.mode.e2h && cpu.mode.tge;
    if el < 2 && !host0 && cpu.has_el2() && cpu.has(Feature::FEAT_FGT) {
        let trap = if el == 0 { hfgitr_el2::SVC_EL0 } else { hfgitr_el2::SVC_EL1 };
        if trap.is_set(cpu.sys(SysReg::HFGITR_EL2)) {
            return Err(cpu.raise(Exception::sync(2, 0x15, u64::from(imm))));
        }
    }
    let target = cpu.default_target();
    Err(cpu.raise(Exception::sync(target, 0x15, u64::from(imm)).after_instruction()))
}

/// Executes HVC: the conduit of firmware calls on machines without EL2.
pub(crate) fn hvc(cpu: &mut Vcpu, imm: u32) -> Exec {
    let el = cpu.el();
    if el != 0 && cpu.machine.conduit() == Conduit::Hvc {
        return firmware_call(cpu);
    }
    if el == 0 || !cpu.has_el2() || hcr_el2::HCD.is_set(cpu.sys(SysReg::HCR_EL2)) {
        return Err(cpu.undefined());
    }
    Err(cpu.raise(Exception::sync(2, 0x16, u64::from(imm)).after_instruction()))
}

/// Executes SMC. The machine has no EL3 of its own: where SMC is the firmware's conduit the call is
/// answered by the board, as QEMU's `virt` does.
pub(crate) fn smc(cpu: &mut Vcpu, imm: u32) -> Exec {
    let el = cpu.el();
    if el == 0 {
        return Err(cpu.undefined());
    }
    if el == 1 && hcr_el2::TSC.is_set(cpu.hcr()) {
        return Err(cpu.raise(Exception::sync(2, 0x17, u64::from(imm))));
    }
    if cpu.machine.conduit() == Conduit::Smc {
        return firmware_call(cpu);
    }
    Err(cpu.undefined())
}

fn firmware_call(cpu: &mut Vcpu) -> Exec {
    crate::firmware::call(cpu);
    Ok(Flow::Sync)
}

/// Executes BRK.
pub(crate) fn brk(cpu: &mut Vcpu, imm: u32) -> Exec {
    Err(software_breakpoint(cpu, imm))
}

/// AArch64.SoftwareBreakpoint.
fn software_breakpoint(cpu: &mut Vcpu, imm: u32) -> Abort {
    let routed =
        cpu.el() < 2 && cpu.has_el2() && (cpu.mode.tge || mdcr_el2::TDE.is_set(cpu.sys(SysReg::MDCR_EL2)));
    let target = if routed || cpu.el() == 2 { 2 } else { 1 };
    cpu.raise(Exception::sync(target, 0x3c, u64::from(imm)))
}

/// Executes HLT, which without an external debugger is UNDEFINED.
pub(crate) fn hlt(cpu: &mut Vcpu, _imm: u32) -> Exec {
    Err(cpu.undefined())
}
