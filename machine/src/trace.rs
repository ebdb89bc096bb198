//! The stream of typed events that a run can be watched through.

mod level;

use crate::bus::{BusError, Device};
use crate::cpu::Vcpu;
use crate::exception::{Exception, Kind};
use droste_arch::esr::Class;
use droste_arch::fields::hcr_el2;
use droste_arch::sysreg::SysReg;
use std::sync::Arc;

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
    /// Instructions that the CPU has retired, without this one.
    pub instructions: u64,
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

/// An access of a CPU to a device, after the device answered.
#[derive(Clone, Copy, Debug)]
pub struct DeviceAccess<'a> {
    /// The CPU.
    pub cpu: usize,
    /// Instructions that the CPU has retired.
    pub instructions: u64,
    /// The name of the device; none answers where the access aborts.
    pub device: Option<&'a str>,
    /// Whether it is a write.
    pub write: bool,
    /// The physical address.
    pub pa: u64,
    /// Its size in bytes: 1, 2, 4 or 8.
    pub size: u8,
    /// What was written, or what was read.
    pub value: Result<u64, BusError>,
}

/// A call that the machine's firmware answered: PSCI, or another of the SMC Calling Convention.
#[derive(Clone, Copy, Debug)]
pub struct FirmwareCall {
    /// The CPU.
    pub cpu: usize,
    /// Instructions that the CPU has retired.
    pub instructions: u64,
    /// The Exception level of the caller.
    pub from: u8,
    /// The function identifier, W0.
    pub function: u32,
    /// X1 to X3.
    pub arguments: [u64; 3],
    /// X0 after; what a call that does not return, or resumes elsewhere, leaves there means nothing.
    pub result: u64,
}

/// The bits of nested virtualization that are set in a value of HCR_EL2, such as `nv,nv2`; empty without NV, as the
/// others do nothing then.
#[must_use]
pub fn nested_bits(hcr: u64) -> String {
    let bits = [(hcr_el2::NV, "nv"), (hcr_el2::NV1, "nv1"), (hcr_el2::NV2, "nv2")];
    let set = bits.iter().filter(|(field, _)| hcr_el2::NV.is_set(hcr) && field.is_set(hcr));
    set.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

/// Receives events, those that it has a method for. Runs on the threads of the CPUs.
pub trait Tracer: Send + Sync {
    /// An exception has been taken.
    fn exception(&self, _event: &ExceptionTaken) {}
    /// An exception return has been executed.
    fn exception_return(&self, _event: &ExceptionReturned) {}
    /// A device has been accessed.
    fn device_access(&self, _event: &DeviceAccess<'_>) {}
    /// The firmware has been called.
    fn firmware_call(&self, _event: &FirmwareCall) {}
}

/// A tracer that its maker also holds, to read it when the run has ended.
impl<T: Tracer> Tracer for Arc<T> {
    fn exception(&self, event: &ExceptionTaken) {
        T::exception(self, event);
    }
    fn exception_return(&self, event: &ExceptionReturned) {
        T::exception_return(self, event);
    }
    fn device_access(&self, event: &DeviceAccess<'_>) {
        T::device_access(self, event);
    }
    fn firmware_call(&self, event: &FirmwareCall) {
        T::firmware_call(self, event);
    }
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

/// Emits an [`ExceptionReturned`]; `instructions` is the count before the PC moved.
#[cold]
pub(crate) fn exception_return(cpu: &Vcpu, tracer: &dyn Tracer, instructions: u64, from: u8, spsr: u64) {
    let (to, pc) = (cpu.el(), cpu.state.pc);
    let (hcr, vttbr) = (cpu.hcr(), cpu.sys(SysReg::VTTBR_EL2));
    let cpu = cpu.index;
    tracer.exception_return(&ExceptionReturned { cpu, instructions, from, to, pc, spsr, hcr, vttbr });
}

/// Emits a [`DeviceAccess`].
#[cold]
pub(crate) fn device_access(
    cpu: &Vcpu,
    tracer: &dyn Tracer,
    write: bool,
    pa: u64,
    size: u8,
    value: Result<u64, BusError>,
) {
    let device = cpu.machine.bus.device_at(pa, size).map(Device::name);
    let instructions = cpu.instructions();
    tracer.device_access(&DeviceAccess { cpu: cpu.index, instructions, device, write, pa, size, value });
}

/// The name of an exception or of its class, in one word.
#[must_use]
pub fn class_name(exception: &Exception) -> &'static str {
    match exception.kind {
        Kind::Irq => "IRQ",
        Kind::Fiq => "FIQ",
        Kind::SError => "SERROR",
        Kind::Synchronous => Class(exception.ec).short_name().unwrap_or("RESERVED"),
    }
}
