//! PSCI as the board's firmware: version 1.1, and SYSTEM_OFF2 of 1.3, which has its own entry in PSCI_FEATURES.

use crate::cpu::Vcpu;
use crate::machine::{CpuOn, Stop};
use droste_arch::psci::{self as id, Return, power_state};

/// The functions that PSCI_FEATURES reports, and what it says of them.
const SUPPORTED: [(u32, i64); 22] = [
    (id::VERSION, 0),
    // The original format of power_state; the platform coordinates.
    (id::CPU_SUSPEND, 0),
    (id::CPU_SUSPEND | id::SMC64, 0),
    (id::CPU_OFF, 0),
    (id::CPU_ON, 0),
    (id::CPU_ON | id::SMC64, 0),
    (id::AFFINITY_INFO, 0),
    (id::AFFINITY_INFO | id::SMC64, 0),
    (id::MIGRATE_INFO_TYPE, 0),
    (id::SYSTEM_OFF, 0),
    (id::SYSTEM_RESET, 0),
    (id::FEATURES, 0),
    (id::CPU_DEFAULT_SUSPEND, 0),
    (id::CPU_DEFAULT_SUSPEND | id::SMC64, 0),
    (id::SYSTEM_SUSPEND, 0),
    (id::SYSTEM_SUSPEND | id::SMC64, 0),
    (id::SYSTEM_RESET2, 0),
    (id::SYSTEM_RESET2 | id::SMC64, 0),
    // The types that there are.
    (id::SYSTEM_OFF2, id::OFF_TYPE_HIBERNATE as i64),
    (id::SYSTEM_OFF2 | id::SMC64, id::OFF_TYPE_HIBERNATE as i64),
    (id::SMCCC_VERSION, 0),
    (id::SMCCC_ARCH_FEATURES, 0),
];

/// Answers one PSCI call: the value for X0.
pub(super) fn call(cpu: &mut Vcpu, function: u32) -> i64 {
    if features(function) == Return::NotSupported as i64 {
        return Return::NotSupported as i64;
    }
    let wide = function & id::SMC64 != 0;
    let arg = |n: u32| if wide { cpu.x(n) } else { u64::from(cpu.w(n)) };
    let result = match function & !id::SMC64 {
        id::VERSION => return i64::from(id::VERSION_1_1),
        id::FEATURES => return features(cpu.w(1)),
        id::AFFINITY_INFO => return affinity_info(cpu, arg(1), arg(2)),
        // A migratable Trusted OS is not present.
        id::MIGRATE_INFO_TYPE => return 2,
        id::CPU_SUSPEND => {
            let start = CpuOn { entry: arg(2), context: arg(3) };
            suspend(cpu, cpu.w(1), start)
        }
        id::CPU_DEFAULT_SUSPEND => {
            let start = CpuOn { entry: arg(1), context: arg(2) };
            power_down(cpu, start)
        }
        id::CPU_OFF => {
            cpu.machine.cpu(cpu.index).power_off();
            Return::Success
        }
        id::CPU_ON => {
            let start = CpuOn { entry: arg(2), context: arg(3) };
            match cpu.machine.cpu_by_affinity(arg(1)) {
                Some(target) => cpu.machine.cpu(target).power_on(start),
                None => Return::InvalidParameters,
            }
        }
        id::SYSTEM_SUSPEND => {
            let start = CpuOn { entry: arg(1), context: arg(2) };
            system_suspend(cpu, start)
        }
        id::SYSTEM_OFF => stop(cpu, Stop::PowerOff),
        id::SYSTEM_RESET => stop(cpu, Stop::Reset),
        // A warm reset leaves RAM alone, as every reset of this board does.
        id::SYSTEM_RESET2 if cpu.w(1) == id::RESET_TYPE_WARM => stop(cpu, Stop::Reset),
        // Zero was the only type in drafts, and KVM takes it too.
        id::SYSTEM_OFF2 if matches!(cpu.w(1), 0 | id::OFF_TYPE_HIBERNATE) && arg(2) == 0 => {
            stop(cpu, Stop::PowerOff)
        }
        id::SYSTEM_RESET2 | id::SYSTEM_OFF2 => Return::InvalidParameters,
        _ => Return::NotSupported,
    };
    result as i64
}

/// PSCI_FEATURES.
fn features(function: u32) -> i64 {
    SUPPORTED.iter().find(|f| f.0 == function).map_or(Return::NotSupported as i64, |f| f.1)
}

fn affinity_info(cpu: &Vcpu, affinity: u64, lowest_level: u64) -> i64 {
    match cpu.machine.cpu_by_affinity(affinity) {
        Some(target) if lowest_level == 0 => cpu.machine.cpu(target).affinity_info(),
        _ => Return::InvalidParameters as i64,
    }
}

fn suspend(cpu: &mut Vcpu, state: u32, start: CpuOn) -> Return {
    if state & power_state::RESERVED != 0 {
        return Return::InvalidParameters;
    }
    if state & power_state::POWER_DOWN != 0 {
        return power_down(cpu, start);
    }
    // A standby state: the CPU waits and keeps its context.
    cpu.state.waiting = true;
    Return::Success
}

/// Powers the CPU down until an interrupt is pending for it. It then starts as after CPU_ON.
fn power_down(cpu: &mut Vcpu, start: CpuOn) -> Return {
    if !start.entry.is_multiple_of(4) || !cpu.machine.ram.contains(start.entry, 4) {
        return Return::InvalidAddress;
    }
    cpu.state.resume = Some(start);
    cpu.state.waiting = true;
    cpu.gic.power_down();
    Return::Success
}

fn system_suspend(cpu: &mut Vcpu, start: CpuOn) -> Return {
    const OFF: i64 = 1;
    let others = cpu.machine.slots.iter().enumerate().filter(|&(index, _)| index != cpu.index);
    if others.into_iter().any(|(_, slot)| slot.affinity_info() != OFF) {
        return Return::Denied;
    }
    power_down(cpu, start)
}

fn stop(cpu: &Vcpu, why: Stop) -> Return {
    cpu.machine.stop(why);
    Return::Success
}
