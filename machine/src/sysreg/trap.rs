//! Accesses that do not happen: traps, and what is UNDEFINED.

use crate::cpu::Vcpu;
use crate::exception::Exception;
use crate::interp::Abort;
use droste_arch::sysreg::SysEncoding;

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

/// An access that the architecture, or the lack of a feature, makes UNDEFINED here, or of which nobody knows.
#[cold]
pub(super) fn undefined(cpu: &mut Vcpu, word: u32) -> Abort {
    // What EL0 tries is its own affair: kernels emulate ID registers for it.
    if cpu.el() > 0 {
        report(cpu, word);
    }
    cpu.undefined()
}

/// Names what a guest uses and this CPU does not have, once for each encoding.
fn report(cpu: &Vcpu, word: u32) {
    let encoding = SysEncoding::of_word(word);
    let (how, name) = match rules::name(encoding) {
        Some(Name::Register(r)) => ("UNDEFINED", r.name().to_owned()),
        Some(Name::Insn(i)) => ("UNDEFINED", i.name().to_owned()),
        None => ("unimplemented", encoding.to_string()),
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
