//! The firmware that a board without EL3 code pretends to have: PSCI and the SMC Calling Convention.

mod psci;

use crate::cpu::Vcpu;
use crate::trace::FirmwareCall;
use droste_arch::psci as id;

/// The instruction that reaches the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduit {
    /// SMC, on machines with EL2.
    Smc,
    /// HVC, on machines without.
    Hvc,
}

/// Answers the call whose function number is in W0; arguments and result are in X registers.
pub(crate) fn call(cpu: &mut Vcpu) {
    let function = cpu.w(0);
    let (from, arguments) = (cpu.el(), [1, 2, 3].map(|n| cpu.x(n)));
    let result = match function {
        id::SMCCC_VERSION => 0x1_0001,
        id::SMCCC_ARCH_FEATURES => match cpu.w(1) {
            id::SMCCC_VERSION | id::SMCCC_ARCH_FEATURES => 0,
            _ => id::Return::NotSupported as i64,
        },
        _ => psci::call(cpu, function),
    };
    let result = result.cast_unsigned();
    cpu.set_x(0, result);
    if let Some(tracer) = &cpu.machine.tracer {
        let (cpu, instructions) = (cpu.index, cpu.instructions());
        tracer.firmware_call(&FirmwareCall { cpu, instructions, from, function, arguments, result });
    }
}
