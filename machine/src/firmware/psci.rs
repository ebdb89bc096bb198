//! PSCI 1.1, as the board's firmware.

use crate::cpu::Vcpu;
use crate::machine::{CpuOn, Stop};
use droste_arch::psci::{self as id, Return};

/// The functions that PSCI_FEATURES reports.
const SUPPORTED: [u32; 13] = [
    id::VERSION,
    id::CPU_SUSPEND,
    id::CPU_SUSPEND | id::SMC64,
    id::CPU_OFF,
    id::CPU_ON,
    id::CPU_ON | id::SMC64,
    id::AFFINITY_INFO,
    id::AFFINITY_INFO | id::SMC64,
    id::MIGRATE_INFO_TYPE,
    id::SYSTEM_OFF,
    id::SYSTEM_RESET,
    id::FEATURES,
    id::SMCCC_VERSION,
];

/// Answers one PSCI call: the value for X0.
pub(super) fn call(cpu: &mut Vcpu, function: u32) -> i64 {
    if !SUPPORTED.contains(&function) {
        return Return::NotSupported as i64;
    }
    let wide = function & id::SMC64 != 0;
    let arg = |n: u32| if wide { cpu.x(n) } else { u64::from(cpu.w(n)) };
    match function & !id::SMC64 {
        id::VERSION => i64::from(id::VERSION_1_1),
        id::CPU_SUSPEND => {
            // Without a power-down state every state is a standby: the CPU waits and keeps its context.
            cpu.state.waiting = true;
            Return::Success as i64
        }
        id::CPU_OFF => {
            cpu.machine.cpu(cpu.index).power_off();
            Return::Success as i64
        }
        id::CPU_ON => {
            let start = CpuOn { entry: arg(2), context: arg(3) };
            match cpu.machine.cpu_by_affinity(arg(1)) {
                Some(target) => cpu.machine.cpu(target).power_on(start) as i64,
                None => Return::InvalidParameters as i64,
            }
        }
        id::AFFINITY_INFO => match cpu.machine.cpu_by_affinity(arg(1)) {
            Some(target) if arg(2) == 0 => cpu.machine.cpu(target).affinity_info(),
            _ => Return::InvalidParameters as i64,
        },
        // A migratable Trusted OS is not present.
        id::MIGRATE_INFO_TYPE => 2,
        id::SYSTEM_OFF => {
            cpu.machine.stop(Stop::PowerOff);
            Return::Success as i64
        }
        id::SYSTEM_RESET => {
            cpu.machine.stop(Stop::Reset);
            Return::Success as i64
        }
        id::FEATURES => {
            if SUPPORTED.contains(&(arg(1) as u32)) {
                0
            } else {
                Return::NotSupported as i64
            }
        }
        _ => Return::NotSupported as i64,
    }
}
