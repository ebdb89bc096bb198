//! One line for each event.

use droste_arch::psci::function_name;
use droste_machine::trace::{
    DeviceAccess, ExceptionReturned, ExceptionTaken, FirmwareCall, class_name, nested_bits,
};
use std::io::{Result, Write};

/// HCR_EL2's bits of nested virtualization, if they say anything.
fn nested(hcr: u64) -> String {
    let bits = nested_bits(hcr);
    if bits.is_empty() { bits } else { format!(" hcr={bits}") }
}

/// An exception that interrupts a nesting level.
pub(super) fn exception(out: &mut dyn Write, level: u8, e: &ExceptionTaken) -> Result<()> {
    let x = e.exception;
    let far = x.far.map(|far| format!(" far={far:#x}")).unwrap_or_default();
    let hpfar = x.hpfar.map(|hpfar| format!(" hpfar={hpfar:#x}")).unwrap_or_default();
    writeln!(
        out,
        "{} cpu{} L{level} EL{}->EL{} {} ec={:#04x} iss={:#09x} elr={:#x} spsr={:#x}{far}{hpfar}{}",
        e.instructions,
        e.cpu,
        e.from,
        x.target,
        class_name(&x),
        x.ec,
        x.iss,
        e.elr,
        e.spsr,
        nested(e.hcr),
    )
}

/// A return to a nesting level.
pub(super) fn exception_return(out: &mut dyn Write, level: u8, e: &ExceptionReturned) -> Result<()> {
    writeln!(
        out,
        "{} cpu{} L{level} EL{}=>EL{} ERET pc={:#x} spsr={:#x}{}",
        e.instructions,
        e.cpu,
        e.from,
        e.to,
        e.pc,
        e.spsr,
        nested(e.hcr)
    )
}

/// An access to a device.
pub(super) fn device_access(out: &mut dyn Write, e: &DeviceAccess<'_>) -> Result<()> {
    let what = if e.write { "write" } else { "read" };
    let value = e.value.map_or_else(|_| "external abort".to_owned(), |value| format!("{value:#x}"));
    let device = e.device.unwrap_or("nothing");
    writeln!(out, "{} cpu{} {what}{} {device} pa={:#x} {value}", e.instructions, e.cpu, e.size * 8, e.pa)
}

/// A call of the firmware.
pub(super) fn firmware_call(out: &mut dyn Write, e: &FirmwareCall) -> Result<()> {
    let name = function_name(e.function).unwrap_or("unknown function");
    let [x1, x2, x3] = e.arguments;
    writeln!(
        out,
        "{} cpu{} EL{} {name} ({:#010x}) x1={x1:#x} x2={x2:#x} x3={x3:#x} -> {:#x}",
        e.instructions, e.cpu, e.from, e.function, e.result
    )
}
