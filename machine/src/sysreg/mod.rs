//! System registers and instructions: MRS, MSR, SYS and SYSL.
//!
//! What an access does is decided by the compiled access rules of the CPU's features ([`rules`]); what a
//! register is, by its behaviour ([`registers`]), which is plain storage unless one of the topic files
//! says otherwise.

mod control;
mod counters;
mod debug;
mod fp;
mod id;
mod plan;
mod pmu;
mod pstate;
mod ras;
mod registers;
mod rules;
#[cfg(test)]
mod tests;
mod trap;

use crate::cpu::Vcpu;
use crate::interp::{Abort, Exec, Flow, Handler};
use crate::mmu::{self, Access};
use droste_arch::a64::Encoding;
use droste_arch::sysreg::access::Action;
use droste_arch::sysreg::reserved::Masks;
use droste_arch::sysreg::{SysEncoding, SysInsn, SysInsnKind, SysReg};

#[cfg(target_arch = "x86_64")]
pub(crate) use plan::{Effect, Guard, View, plan};
pub(crate) use rules::Rules;

/// Returns the handler of an encoding of the groups of system registers and instructions.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::MRS_RS_systemmove => mrs,
        Encoding::MSR_SR_systemmove => msr,
        Encoding::SYS_CR_systeminstrs => sys,
        Encoding::SYSL_RC_systeminstrs => sysl,
        // 128-bit registers and instructions, and transactions: no CPU model has them.
        Encoding::MRRS_RS_systemmovepr
        | Encoding::MSRR_SR_systemmovepr
        | Encoding::SYSP_CR_syspairinstrs
        | Encoding::TSTART_BR_systemresult
        | Encoding::TTEST_BR_systemresult => |cpu, _| Err(cpu.undefined()),
        _ => return None,
    })
}

/// Gives all registers their values after a reset of the CPU.
pub(crate) fn reset(cpu: &mut Vcpu) {
    for r in SysReg::all() {
        let Masks { ones, .. } = cpu.rules.masks(r);
        cpu.set_sys(r, if r.is_writable() { ones } else { 0 });
    }
    let machine = cpu.machine.clone();
    id::reset(cpu, &machine.model);
    debug::reset(cpu);
    pmu::reset(cpu);
}

/// Executes MRS.
pub(crate) fn mrs(cpu: &mut Vcpu, word: u32) -> Exec {
    let encoding = SysEncoding::of_word(word);
    let value = match cpu.rules.read(cpu, encoding) {
        Some(Action::Register(r)) => read_register(cpu, r),
        Some(Action::Memory(offset)) => {
            let va = vncr_address(cpu, offset);
            cpu.load::<u64>(va, Access::NV2)?
        }
        Some(Action::Zero | Action::Nop) => 0,
        Some(Action::Trap { el, ec }) => return Err(trap::trap(cpu, word, el, ec)),
        Some(Action::Undefined | Action::Perform) | None => return Err(trap::undefined(cpu, word)),
    };
    cpu.set_x(word & 31, value);
    Ok(Flow::Next)
}

/// Executes MSR (register).
pub(crate) fn msr(cpu: &mut Vcpu, word: u32) -> Exec {
    let encoding = SysEncoding::of_word(word);
    let value = cpu.x(word & 31);
    match cpu.rules.write(cpu, encoding) {
        Some(Action::Register(r)) => Ok(write_register(cpu, r, value)),
        Some(Action::Memory(offset)) => {
            let va = vncr_address(cpu, offset);
            cpu.store::<u64>(va, value, Access::NV2)?;
            Ok(Flow::Next)
        }
        Some(Action::Zero | Action::Nop) => Ok(Flow::Next),
        Some(Action::Trap { el, ec }) => Err(trap::trap(cpu, word, el, ec)),
        Some(Action::Undefined | Action::Perform) | None => Err(trap::undefined(cpu, word)),
    }
}

/// Executes SYS: address translation, TLB and cache maintenance, and the like.
pub(crate) fn sys(cpu: &mut Vcpu, word: u32) -> Exec {
    let encoding = SysEncoding::of_word(word);
    match cpu.rules.write(cpu, encoding) {
        Some(Action::Perform) => match SysInsn::from_encoding(encoding) {
            Some(insn) => perform(cpu, insn, word & 31),
            None => Err(trap::undefined(cpu, word)),
        },
        Some(Action::Zero | Action::Nop) => Ok(Flow::Next),
        Some(Action::Trap { el, ec }) => Err(trap::trap(cpu, word, el, ec)),
        Some(Action::Undefined | Action::Register(_) | Action::Memory(_)) | None => {
            Err(trap::undefined(cpu, word))
        }
    }
}

/// Executes SYSL: no CPU model has an instruction that gives a result, but some are trapped.
pub(crate) fn sysl(cpu: &mut Vcpu, word: u32) -> Exec {
    match cpu.rules.read(cpu, SysEncoding::of_word(word)) {
        Some(Action::Trap { el, ec }) => Err(trap::trap(cpu, word, el, ec)),
        _ => Err(trap::undefined(cpu, word)),
    }
}

/// The value of a register as software sees it, without any check.
pub(crate) fn read_register(cpu: &mut Vcpu, r: SysReg) -> u64 {
    (cpu.rules.behaviour(r).read)(cpu, r)
}

/// Writes a register as software does, without any check.
pub(crate) fn write_register(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    let value = cpu.rules.masks(r).apply(value);
    (cpu.rules.behaviour(r).write)(cpu, r, value)
}

/// The address of a register's slot in the page at VNCR_EL2.BADDR (R_CSRPQ).
///
/// The bits above the address are what software wrote: if they are no sign extension, the access faults.
fn vncr_address(cpu: &Vcpu, offset: u16) -> u64 {
    cpu.sys(SysReg::VNCR_EL2) & !0xfff | u64::from(offset)
}

fn perform(cpu: &mut Vcpu, insn: SysInsn, rt: u32) -> Result<Flow, Abort> {
    let operand = cpu.x(rt);
    match insn.kind() {
        SysInsnKind::Tlbi => mmu::tlbi(cpu, insn, operand),
        SysInsnKind::At => mmu::at(cpu, insn, operand)?,
        SysInsnKind::Dc => {
            mmu::dc(cpu, insn, operand)?;
            return Ok(Flow::Next);
        }
        SysInsnKind::Ic => mmu::ic(cpu, insn, operand)?,
        // There is nothing to predict.
        SysInsnKind::Prediction => {}
        SysInsnKind::Tlbip | SysInsnKind::Brb | SysInsnKind::Gcs | SysInsnKind::Other => {
            return Err(cpu.undefined());
        }
    }
    Ok(Flow::Sync)
}
