//! The stream of typed events that a run can be watched through.

mod level;

use crate::cpu::Vcpu;
use crate::exception::{Exception, Kind};
use droste_arch::fields::hcr_el2;
use droste_arch::sysreg::SysReg;

pub use level::Levels;

/// An exception that was taken.
#[derive(Clone, Copy, Debug)]
pub struct ExceptionTaken {
    /// The CPU.
    pub cpu: usize,
    /// Instructions that the CPU has retired.
    pub instructions: u64,
    /// The Exception level before.
    pub from: u8,
    /// What was taken, and where to.
    pub exception: Exception,
    /// The preferred return address.
    pub elr: u64,
    /// What SPSR_ELx receives.
    pub spsr: u64,
    /// HCR_EL2 at that moment.
    pub hcr: u64,
    /// VTTBR_EL2 at that moment.
    pub vttbr: u64,
}

/// An exception return.
#[derive(Clone, Copy, Debug)]
pub struct ExceptionReturned {
    /// The CPU.
    pub cpu: usize,
    /// The Exception level before.
    pub from: u8,
    /// The Exception level after.
    pub to: u8,
    /// The PC after.
    pub pc: u64,
    /// SPSR_ELx that was returned to.
    pub spsr: u64,
    /// HCR_EL2 after.
    pub hcr: u64,
    /// VTTBR_EL2 after.
    pub vttbr: u64,
}

/// The bits of nested virtualization that are set in a value of HCR_EL2, such as `nv,nv2`; empty without NV, as the
/// others do nothing then.
#[must_use]
pub fn nested_bits(hcr: u64) -> String {
    let bits = [(hcr_el2::NV, "nv"), (hcr_el2::NV1, "nv1"), (hcr_el2::NV2, "nv2")];
    let set = bits.iter().filter(|(field, _)| hcr_el2::NV.is_set(hcr) && field.is_set(hcr));
    set.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

/// Receives events. Runs on the threads of the CPUs.
pub trait Tracer: Send + Sync {
    /// An exception has been taken.
    fn exception(&self, event: &ExceptionTaken);
    /// An exception return has been executed.
    fn exception_return(&self, event: &ExceptionReturned);
}

/// Emits an [`ExceptionTaken`]. Called before the state changes, and only if there is a tracer.
#[cold]
pub(crate) fn exception(cpu: &Vcpu, tracer: &dyn Tracer, exception: Exception, elr: u64, spsr: u64) {
    tracer.exception(&ExceptionTaken {
        cpu: cpu.index,
        instructions: cpu.instructions(),
        from: cpu.el(),
        exception,
        elr,
        spsr,
        hcr: cpu.hcr(),
        vttbr: cpu.sys(SysReg::VTTBR_EL2),
    });
}

/// Emits an [`ExceptionReturned`].
#[cold]
pub(crate) fn exception_return(cpu: &Vcpu, tracer: &dyn Tracer, from: u8, spsr: u64) {
    let (to, pc) = (cpu.el(), cpu.state.pc);
    let (hcr, vttbr) = (cpu.hcr(), cpu.sys(SysReg::VTTBR_EL2));
    tracer.exception_return(&ExceptionReturned { cpu: cpu.index, from, to, pc, spsr, hcr, vttbr });
}

/// The name that kvm's tracing gives an exception class, or its number.
#[must_use]
pub fn class_name(exception: &Exception) -> &'static str {
    match exception.kind {
        Kind::Irq => return "IRQ",
        Kind::Fiq => return "FIQ",
        Kind::SError => return "SERROR",
        Kind::Synchronous => {}
    }
    match exception.ec {
        0x00 => "UNKNOWN",
        0x01 => "WFx",
        0x07 => "FP_ASIMD",
        0x09 => "PAC",
        0x0d => "BTI",
        0x0e => "ILL",
        0x14 => "SYS128",
        0x15 => "SVC64",
        0x16 => "HVC64",
        0x17 => "SMC64",
        0x18 => "SYS64",
        0x1a => "ERET",
        0x1c => "FPAC",
        0x20 => "IABT_LOW",
        0x21 => "IABT_CUR",
        0x22 => "PC_ALIGN",
        0x24 => "DABT_LOW",
        0x25 => "DABT_CUR",
        0x26 => "SP_ALIGN",
        0x27 => "MOPS",
        0x2c => "FP_EXC64",
        0x30 => "BREAKPT_LOW",
        0x31 => "BREAKPT_CUR",
        0x32 => "SOFTSTP_LOW",
        0x33 => "SOFTSTP_CUR",
        0x34 => "WATCHPT_LOW",
        0x35 => "WATCHPT_CUR",
        0x3c => "BRK64",
        _ => "RESERVED",
    }
}
