//! What the hypervisor does with each PSCI call of the host.

use super::{BootArguments, Function, Power, PowerState, Version};
use crate::address::Ranges;
use crate::host_map::{OWN_COUNT, RAM_COUNT};
use droste_arch::psci::{self as id, Return};

/// The most cores.
pub const MAX_CPUS: usize = 16;

/// The host's cores: their MPIDR affinities, in the order of the device tree.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpus {
    mpidr: [u64; MAX_CPUS],
    count: usize,
}

impl Cpus {
    /// Adds a core; whether there was room, and it was not there.
    pub fn add(&mut self, mpidr: u64) -> bool {
        if self.index_of(mpidr).is_some() {
            return false;
        }
        let Some(free) = self.mpidr.get_mut(self.count) else { return false };
        *free = mpidr;
        self.count += 1;
        true
    }

    /// The number of a core.
    #[must_use]
    pub fn index_of(&self, mpidr: u64) -> Option<usize> {
        self.mpidr.iter().take(self.count).position(|known| *known == mpidr)
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }
}

/// A call of the host: the function's number as it was given, and X1 to X3.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The number.
    pub number: u32,
    /// X1 to X3.
    pub arguments: [u64; 3],
}

/// What X0 becomes.
pub type Answer = u64;

/// The firmware, and where cores enter the hypervisor.
pub trait Firmware {
    /// Calls a function by SMC.
    fn call(&mut self, number: u32, arguments: [u64; 3]) -> u64;
    /// Where a core that was started enters EL2.
    fn start_entry(&self) -> u64;
    /// Where a core that was suspended enters EL2.
    fn resume_entry(&self) -> u64;
    /// Is told that the machine is about to be switched off or reset.
    fn before_end(&mut self) {}
}

/// Where the host may want its cores to be entered. The firmware sees entry points of the hypervisor only, so it cannot tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct EntryPoints {
    /// RAM.
    pub ram: Ranges<RAM_COUNT>,
    /// What the hypervisor has for itself.
    pub own: Ranges<OWN_COUNT>,
}

impl EntryPoints {
    fn allow(&self, entry: u64) -> bool {
        entry.is_multiple_of(4) && self.ram.contains(entry) && !self.own.contains(entry)
    }
}

/// PSCI_FEATURES of CPU_SUSPEND: power_state has the extended format.
pub const EXTENDED_STATE: u64 = 1 << 1;

/// StateType in the original and in the extended format of power_state: the core loses its context.
const fn powers_down(state: u64, is_extended: bool) -> bool {
    state >> if is_extended { 30 } else { 16 } & 1 != 0
}

/// The relay: shared by all cores.
#[derive(Debug)]
pub struct Relay {
    version: Version,
    cpus: Cpus,
    entries: EntryPoints,
    has_extended_states: bool,
    power: [Power; MAX_CPUS],
}

impl Relay {
    /// A relay for the host's cores, none of which is on.
    #[must_use]
    pub const fn new(version: Version, cpus: Cpus, entries: EntryPoints, has_extended_states: bool) -> Relay {
        Relay { version, cpus, entries, has_extended_states, power: [const { Power::new() }; MAX_CPUS] }
    }

    /// The PSCI version of the device tree.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The host's cores.
    #[must_use]
    pub const fn cpus(&self) -> &Cpus {
        &self.cpus
    }

    /// The power state of a core, by its number.
    #[must_use]
    pub fn power(&self, cpu: usize) -> Option<&Power> {
        self.power.get(cpu)
    }

    /// Answers a call of core number `cpu`. Does not return where the firmware's call does not.
    pub fn call<F: Firmware>(&self, firmware: &mut F, cpu: usize, request: Request) -> Answer {
        let Some(function) = Function::of(self.version, request.number) else {
            return code(Return::NotSupported);
        };
        let number = request.number;
        let is_64 = matches!(self.version, Version::V0_1(_)) || number & id::SMC64 != 0;
        let [a, b, c] = request.arguments.map(|x| if is_64 { x } else { x & u64::from(u32::MAX) });
        match function {
            Function::CpuOn => self.cpu_on(firmware, number, a, BootArguments { entry: b, context: c }),
            Function::CpuOff => self.cpu_off(firmware, cpu, number),
            Function::CpuSuspend => {
                let arguments = BootArguments { entry: b, context: c };
                if powers_down(a, self.has_extended_states) && !self.entries.allow(b) {
                    return code(Return::InvalidAddress);
                }
                let entry = firmware.resume_entry();
                self.suspend(firmware, cpu, arguments, self.wide(number), [a, entry, cpu as u64])
            }
            Function::CpuDefaultSuspend | Function::SystemSuspend => {
                let arguments = BootArguments { entry: a, context: b };
                if !self.entries.allow(a) {
                    return code(Return::InvalidAddress);
                }
                let entry = firmware.resume_entry();
                self.suspend(firmware, cpu, arguments, self.wide(number), [entry, cpu as u64, 0])
            }
            Function::AffinityInfo => self.affinity_info(firmware, number, a, b),
            Function::Features => {
                // Of SMCCC this is how its own version is found out.
                let asked = a as u32;
                let is_known = asked == id::SMCCC_VERSION || Function::of(self.version, asked).is_some();
                if is_known { firmware.call(number, [a, 0, 0]) } else { code(Return::NotSupported) }
            }
            Function::SystemOff | Function::SystemReset | Function::SystemReset2 | Function::SystemOff2 => {
                firmware.before_end();
                firmware.call(number, [a, b, c])
            }
            Function::Version
            | Function::MigrateInfoType
            | Function::MigrateInfoUpCpu
            | Function::SetSuspendMode => firmware.call(number, [a, b, c]),
        }
    }

    /// Where the host continues on a core that was started by CPU_ON; nothing if nobody started it.
    #[must_use]
    pub fn arrive(&self, cpu: usize) -> Option<BootArguments> {
        self.power(cpu)?.arrive()
    }

    /// Where the host continues on a core that comes back from a power-down state.
    #[must_use]
    pub fn resume(&self, cpu: usize) -> Option<BootArguments> {
        Some(self.power(cpu)?.arguments())
    }

    /// Our own entry points and contexts need 64 bits.
    fn wide(&self, number: u32) -> u32 {
        match self.version {
            Version::V0_1(_) => number,
            Version::Standard => number | id::SMC64,
        }
    }

    fn cpu_on<F: Firmware>(
        &self,
        firmware: &mut F,
        number: u32,
        mpidr: u64,
        arguments: BootArguments,
    ) -> Answer {
        let Some(target) = self.cpus.index_of(mpidr) else { return code(Return::InvalidParameters) };
        let Some(power) = self.power.get(target) else { return code(Return::InvalidParameters) };
        if !self.entries.allow(arguments.entry) {
            return code(Return::InvalidAddress);
        }
        match power.claim(arguments) {
            Err(PowerState::OnPending) => return code(Return::OnPending),
            Err(_) => return code(Return::AlreadyOn),
            Ok(()) => {}
        }
        let entry = firmware.start_entry();
        let answer = firmware.call(self.wide(number), [mpidr, entry, target as u64]);
        if !is_success(answer) {
            power.release();
        }
        answer
    }

    fn cpu_off<F: Firmware>(&self, firmware: &mut F, cpu: usize, number: u32) -> Answer {
        let Some(power) = self.power.get(cpu) else { return code(Return::Denied) };
        power.depart();
        let answer = firmware.call(number, [0; 3]);
        power.undo_departure();
        answer
    }

    /// The core comes back by the hypervisor's resume entry, or right here from a state that keeps its context.
    fn suspend<F: Firmware>(
        &self,
        firmware: &mut F,
        cpu: usize,
        arguments: BootArguments,
        number: u32,
        call: [u64; 3],
    ) -> Answer {
        let Some(power) = self.power.get(cpu) else { return code(Return::Denied) };
        power.leave(arguments);
        firmware.call(number, call)
    }

    fn affinity_info<F: Firmware>(&self, firmware: &mut F, number: u32, mpidr: u64, level: u64) -> Answer {
        const OFF: u64 = 1;
        const ON_PENDING: u64 = 2;
        if level != 0 {
            return firmware.call(number, [mpidr, level, 0]);
        }
        let Some(power) = self.cpus.index_of(mpidr).and_then(|n| self.power.get(n)) else {
            return code(Return::InvalidParameters);
        };
        match firmware.call(number, [mpidr, level, 0]) {
            OFF if power.state() == PowerState::OnPending => ON_PENDING,
            answer => answer,
        }
    }
}

/// A return code in X0: sign-extended.
fn code(value: Return) -> u64 {
    i64::from(value as i32).cast_unsigned()
}

/// Firmware may leave the upper half of X0 as it likes after an SMC32 call.
fn is_success(answer: u64) -> bool {
    answer as u32 == 0
}

#[cfg(test)]
mod tests;
