//! Which function a number is, for the PSCI version of the device tree.

use droste_arch::psci as id;

/// Function numbers of PSCI 0.1, which are whatever the device tree says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// `cpu_suspend`.
    pub cpu_suspend: Option<u32>,
    /// `cpu_off`.
    pub cpu_off: Option<u32>,
    /// `cpu_on`.
    pub cpu_on: Option<u32>,
    /// `migrate`, which is refused.
    pub migrate: Option<u32>,
}

/// What the device tree says about PSCI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// "arm,psci": numbers from the device tree.
    V0_1(Ids),
    /// "arm,psci-0.2" or later: the standard numbers.
    Standard,
}

/// A PSCI function that is known here. All others are not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of the specification")]
pub enum Function {
    Version,
    CpuSuspend,
    CpuOff,
    CpuOn,
    AffinityInfo,
    MigrateInfoType,
    MigrateInfoUpCpu,
    SystemOff,
    SystemReset,
    Features,
    CpuDefaultSuspend,
    SystemSuspend,
    SetSuspendMode,
    SystemReset2,
    SystemOff2,
}

impl Function {
    /// The function of a number, which is in PSCI's standard range or one of 0.1's.
    #[must_use]
    pub fn of(version: Version, number: u32) -> Option<Function> {
        if let Version::V0_1(ids) = version {
            return match Some(number) {
                n if n == ids.cpu_on => Some(Function::CpuOn),
                n if n == ids.cpu_off => Some(Function::CpuOff),
                n if n == ids.cpu_suspend => Some(Function::CpuSuspend),
                _ => None,
            };
        }
        let function = match number & !id::SMC64 {
            id::VERSION => Function::Version,
            id::CPU_SUSPEND => Function::CpuSuspend,
            id::CPU_OFF => Function::CpuOff,
            id::CPU_ON => Function::CpuOn,
            id::AFFINITY_INFO => Function::AffinityInfo,
            id::MIGRATE_INFO_TYPE => Function::MigrateInfoType,
            id::MIGRATE_INFO_UP_CPU => Function::MigrateInfoUpCpu,
            id::SYSTEM_OFF => Function::SystemOff,
            id::SYSTEM_RESET => Function::SystemReset,
            id::FEATURES => Function::Features,
            id::CPU_DEFAULT_SUSPEND => Function::CpuDefaultSuspend,
            id::SYSTEM_SUSPEND => Function::SystemSuspend,
            id::SET_SUSPEND_MODE => Function::SetSuspendMode,
            id::SYSTEM_RESET2 => Function::SystemReset2,
            id::SYSTEM_OFF2 => Function::SystemOff2,
            _ => return None,
        };
        // A function without 64-bit arguments has no SMC64 number.
        (number & id::SMC64 == 0 || function.has_smc64()).then_some(function)
    }

    /// Whether there is an SMC64 number.
    #[must_use]
    pub const fn has_smc64(self) -> bool {
        matches!(
            self,
            Function::CpuSuspend
                | Function::CpuOn
                | Function::AffinityInfo
                | Function::MigrateInfoUpCpu
                | Function::CpuDefaultSuspend
                | Function::SystemSuspend
                | Function::SystemReset2
                | Function::SystemOff2
        )
    }

    /// Whether a number belongs to PSCI, known or not.
    #[must_use]
    pub fn is_psci(version: Version, number: u32) -> bool {
        if let Version::V0_1(ids) = version {
            return [ids.cpu_on, ids.cpu_off, ids.cpu_suspend, ids.migrate].contains(&Some(number))
                || is_standard(number);
        }
        is_standard(number)
    }
}

fn is_standard(number: u32) -> bool {
    (id::VERSION..=id::LAST).contains(&(number & !id::SMC64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_without_64_bit_arguments_have_one_number() {
        assert_eq!(Function::of(Version::Standard, id::CPU_OFF), Some(Function::CpuOff));
        assert_eq!(Function::of(Version::Standard, id::CPU_OFF | id::SMC64), None);
        assert_eq!(Function::of(Version::Standard, id::CPU_ON | id::SMC64), Some(Function::CpuOn));
    }

    #[test]
    fn psci_0_1_knows_only_the_numbers_of_the_device_tree() {
        let v = Version::V0_1(Ids { cpu_on: Some(0x95c1_ba60), migrate: Some(7), ..Ids::default() });
        assert_eq!(Function::of(v, 0x95c1_ba60), Some(Function::CpuOn));
        assert_eq!(Function::of(v, id::CPU_ON), None);
        assert!(Function::is_psci(v, id::CPU_ON) && Function::is_psci(v, 7), "still PSCI's, and refused");
        assert_eq!(Function::of(v, 7), None);
    }

    #[test]
    fn every_other_number_of_the_range_is_unknown() {
        let known =
            (id::VERSION..=id::LAST).filter(|n| Function::of(Version::Standard, *n).is_some()).count();
        assert_eq!(known, 15);
        assert!(!Function::is_psci(Version::Standard, id::LAST + 1));
    }
}
