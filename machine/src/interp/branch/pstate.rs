//! PSTATE by immediate: MSR (immediate), CFINV, XAFLAG, AXFLAG.

use crate::cpu::{PState, Vcpu};
use crate::exception::Exception;
use crate::interp::operand::{bits, nzcv};
use crate::interp::{Abort, Exec, Flow, Handler};
use droste_arch::a64::Encoding;
use droste_arch::feature::Feature;
use droste_arch::fields::{hcrx_el2, sctlr_el1};
use droste_arch::sysreg::SysReg;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::MSR_SI_pstate => msr_imm,
        Encoding::CFINV_M_pstate => cfinv,
        Encoding::XAFLAG_M_pstate => xaflag,
        Encoding::AXFLAG_M_pstate => axflag,
        _ => return None,
    })
}

/// Executes MSR (immediate); op1:op2 selects the field.
fn msr_imm(cpu: &mut Vcpu, insn: u32) -> Exec {
    let imm = bits::<8, 4>(insn) as u8;
    let on = imm & 1 != 0;
    let (op1, op2) = (bits::<16, 3>(insn), bits::<5, 3>(insn));
    if op1 != 3 && cpu.el() == 0 {
        return Err(cpu.undefined());
    }
    match (op1, op2) {
        (0, 3) if cpu.has(Feature::FEAT_UAO) => cpu.state.pstate.uao = on,
        (0, 4) if cpu.has(Feature::FEAT_PAN) => cpu.state.pstate.pan = on,
        (0, 5) => {
            cpu.bank_sp();
            cpu.state.pstate.spsel = on;
            cpu.unbank_sp();
        }
        (1, 0) if cpu.has(Feature::FEAT_NMI) && imm < 2 => set_allint(cpu, on)?,
        (3, 1) if cpu.has(Feature::FEAT_SSBS) => {
            cpu.state.pstate.ssbs = on;
            return Ok(Flow::Next);
        }
        (3, 2) if cpu.has(Feature::FEAT_DIT) => {
            cpu.state.pstate.dit = on;
            return Ok(Flow::Next);
        }
        (3, 4) if cpu.has(Feature::FEAT_MTE) => cpu.state.pstate.tco = on,
        (3, 6) => {
            check_uma(cpu, insn)?;
            let old = cpu.state.pstate.daif;
            cpu.state.pstate.daif |= imm;
            if imm & !old & PState::D == 0 {
                return Ok(Flow::Next);
            }
        }
        (3, 7) => {
            check_uma(cpu, insn)?;
            let old = cpu.state.pstate.daif;
            cpu.state.pstate.daif &= !imm & (PState::D | PState::A | PState::I | PState::F);
            if imm & old & PState::D == 0 {
                // Interrupts look at the mask between blocks.
                return Ok(Flow::Sync);
            }
        }
        _ => return Err(cpu.undefined()),
    }
    cpu.pstate_changed();
    Ok(Flow::Sync)
}

/// Traps DAIFSet and DAIFClr at EL0 unless SCTLR_ELx.UMA allows them.
#[inline(always)]
fn check_uma(cpu: &mut Vcpu, insn: u32) -> Result<(), Abort> {
    if cpu.el() != 0 || sctlr_el1::UMA.is_set(cpu.mode.sctlr) {
        return Ok(());
    }
    let target = cpu.default_target();
    Err(system_trap(cpu, target, insn))
}

/// Writes PSTATE.ALLINT; HCRX_EL2.TALLINT traps setting it from EL1.
fn set_allint(cpu: &mut Vcpu, on: bool) -> Result<(), Abort> {
    if on && cpu.el() == 1 && cpu.has_el2() && hcrx_el2::TALLINT.is_set(cpu.sys(SysReg::HCRX_EL2)) {
        // MSR ALLINT, #1.
        return Err(system_trap(cpu, 2, 0xd501_411f));
    }
    cpu.state.pstate.allint = on;
    Ok(())
}

/// Raises the trap of an MSR, MRS or system instruction (AArch64.SystemAccessTrap, EC 0x18) for `insn`.
#[cold]
fn system_trap(cpu: &mut Vcpu, target: u8, insn: u32) -> Abort {
    let (op0, op1, crn, crm, op2) = (
        bits::<19, 2>(insn),
        bits::<16, 3>(insn),
        bits::<12, 4>(insn),
        bits::<8, 4>(insn),
        bits::<5, 3>(insn),
    );
    let iss = op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | bits::<0, 5>(insn) << 5 | crm << 1;
    cpu.raise(Exception::sync(target, 0x18, u64::from(iss)))
}

fn cfinv(cpu: &mut Vcpu, _insn: u32) -> Exec {
    cpu.state.nzcv.set(cpu.state.nzcv.bits() ^ (1 << 29));
    Ok(Flow::Next)
}

/// Returns N, Z, C and V.
#[inline(always)]
fn flags(cpu: &Vcpu) -> (bool, bool, bool, bool) {
    let flags = cpu.state.nzcv.bits();
    (flags >> 31 & 1 != 0, flags >> 30 & 1 != 0, flags >> 29 & 1 != 0, flags >> 28 & 1 != 0)
}

/// Converts flags from the alternative floating-point format to the Arm one.
fn xaflag(cpu: &mut Vcpu, _insn: u32) -> Exec {
    let (_, z, c, _) = flags(cpu);
    cpu.state.nzcv.set(nzcv(!c && !z, z && c, c || z, !c && z));
    Ok(Flow::Next)
}

/// Converts flags from the Arm floating-point format to the alternative one.
fn axflag(cpu: &mut Vcpu, _insn: u32) -> Exec {
    let (_, z, c, v) = flags(cpu);
    cpu.state.nzcv.set(nzcv(false, z || v, c && !v, false));
    Ok(Flow::Next)
}
