//! Accesses that do not happen: traps, UNDEFINED encodings, and encodings that nobody knows.

use crate::cpu::Vcpu;
use crate::exception::Exception;
use crate::interp::Abort;
use droste_arch::feature::Feature;
use droste_arch::fields::{hcr_el2, sctlr_el1, sctlr_el2};
use droste_arch::sysreg::{SysEncoding, SysReg};

use super::rules::{self, Name};

/// The exception of a trapped access.
#[cold]
pub(super) fn trap(cpu: &mut Vcpu, word: u32, el: u8, ec: u8) -> Abort {
    let iss = match ec {
        0x18 => u64::from(SysEncoding::iss(word)),
        // A64 instructions have no condition: CV = 1, COND = 0b1110.
        0x07 => 0x1e0_0000,
        _ => 0,
    };
    cpu.raise(Exception::sync(el, ec, iss))
}

/// An access that the architecture, or the lack of a feature, makes UNDEFINED here.
#[cold]
pub(super) fn undefined(cpu: &mut Vcpu, word: u32) -> Abort {
    // What EL0 tries is its own affair: kernels emulate ID registers for it.
    if cpu.el() > 0 {
        report(cpu, word, "UNDEFINED");
    }
    cpu.undefined()
}

/// An MRS of an encoding that has no rules: reserved ID registers are zero, and what else is UNDEFINED in
/// their space is reported as a trap (FEAT_IDST).
#[cold]
pub(super) fn unknown_read(cpu: &mut Vcpu, word: u32) -> Result<u64, Abort> {
    let e = SysEncoding::of_word(word);
    let is_id_space = e.op0() == 3 && matches!(e.op1(), 0 | 1 | 3) && e.crn() == 0 && e.crm() < 8;
    if !is_id_space {
        return Err(unknown(cpu, word));
    }
    let is_register = e.op1() == 0 && e.crm() > 0;
    match cpu.el() {
        1 if is_register && hcr_el2::TID3.is_set(cpu.hcr()) => Err(trap(cpu, word, 2, 0x18)),
        1 | 2 if is_register => Ok(0),
        _ if cpu.has(Feature::FEAT_IDST) => {
            let target = cpu.default_target();
            Err(trap(cpu, word, target, 0x18))
        }
        _ => Err(cpu.undefined()),
    }
}

/// An access at an encoding that has no rules.
#[cold]
pub(super) fn unknown(cpu: &mut Vcpu, word: u32) -> Abort {
    if let Some(abort) = implementation_defined(cpu, word) {
        return abort;
    }
    if cpu.el() > 0 {
        report(cpu, word, "unimplemented");
    }
    cpu.undefined()
}

/// The trap of an encoding that is reserved for implementations (CRn 11 or 15): none is defined here.
fn implementation_defined(cpu: &mut Vcpu, word: u32) -> Option<Abort> {
    let e = SysEncoding::of_word(word);
    if !matches!(e.op0(), 1 | 3) || !matches!(e.crn(), 11 | 15) {
        return None;
    }
    let el1 = cpu.has(Feature::FEAT_TIDCP1) && sctlr_el1::TIDCP.is_set(cpu.sys(SysReg::SCTLR_EL1));
    let el2 = cpu.has(Feature::FEAT_TIDCP1) && sctlr_el2::TIDCP.is_set(cpu.sys(SysReg::SCTLR_EL2));
    let target = match cpu.el() {
        0 if cpu.mode.in_host => el2.then_some(2),
        0 if el1 => Some(if cpu.mode.tge { 2 } else { 1 }),
        1 if hcr_el2::TIDCP.is_set(cpu.hcr()) => Some(2),
        _ => None,
    };
    Some(trap(cpu, word, target?, 0x18))
}

/// Names what a guest uses and this CPU does not have, once for each encoding.
fn report(cpu: &Vcpu, word: u32, how: &str) {
    let encoding = SysEncoding::of_word(word);
    let name = match rules::name(encoding) {
        Some(Name::Register(r)) => r.name().to_owned(),
        Some(Name::Insn(i)) => i.name().to_owned(),
        None => encoding.to_string(),
    };
    let verb = match (encoding.op0(), word >> 21 & 1) {
        (1, 0) => "SYS",
        (1, _) => "SYSL",
        (_, 0) => "MSR",
        _ => "MRS",
    };
    let what = format!("{how} {verb} {name}");
    let details = format_args!("{encoding} at EL{} PC {:#x}", cpu.el(), cpu.state.pc);
    cpu.machine.diagnostics.unimplemented(&what, details);
}
