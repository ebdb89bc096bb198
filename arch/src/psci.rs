//! PSCI 1.1 and SMC Calling Convention: function numbers and return codes.

/// SMC64 variant of a function number.
pub const SMC64: u32 = 1 << 30;

/// SMCCC_VERSION.
pub const SMCCC_VERSION: u32 = 0x8000_0000;
/// SMCCC_ARCH_FEATURES.
pub const SMCCC_ARCH_FEATURES: u32 = 0x8000_0001;

/// PSCI_VERSION.
pub const VERSION: u32 = 0x8400_0000;
/// CPU_SUSPEND; also with [`SMC64`].
pub const CPU_SUSPEND: u32 = 0x8400_0001;
/// CPU_OFF.
pub const CPU_OFF: u32 = 0x8400_0002;
/// CPU_ON; also with [`SMC64`].
pub const CPU_ON: u32 = 0x8400_0003;
/// AFFINITY_INFO; also with [`SMC64`].
pub const AFFINITY_INFO: u32 = 0x8400_0004;
/// MIGRATE; also with [`SMC64`].
pub const MIGRATE: u32 = 0x8400_0005;
/// MIGRATE_INFO_TYPE.
pub const MIGRATE_INFO_TYPE: u32 = 0x8400_0006;
/// MIGRATE_INFO_UP_CPU; also with [`SMC64`].
pub const MIGRATE_INFO_UP_CPU: u32 = 0x8400_0007;
/// SYSTEM_OFF.
pub const SYSTEM_OFF: u32 = 0x8400_0008;
/// SYSTEM_RESET.
pub const SYSTEM_RESET: u32 = 0x8400_0009;
/// PSCI_FEATURES.
pub const FEATURES: u32 = 0x8400_000a;
/// CPU_DEFAULT_SUSPEND; also with [`SMC64`].
pub const CPU_DEFAULT_SUSPEND: u32 = 0x8400_000c;
/// SYSTEM_SUSPEND; also with [`SMC64`].
pub const SYSTEM_SUSPEND: u32 = 0x8400_000e;
/// PSCI_SET_SUSPEND_MODE.
pub const SET_SUSPEND_MODE: u32 = 0x8400_000f;
/// SYSTEM_RESET2; also with [`SMC64`].
pub const SYSTEM_RESET2: u32 = 0x8400_0012;

/// SYSTEM_OFF2; also with [`SMC64`].
pub const SYSTEM_OFF2: u32 = 0x8400_0015;
/// SYSTEM_RESET2's type for SYSTEM_WARM_RESET, the only one that the architecture defines.
pub const RESET_TYPE_WARM: u32 = 0;
/// SYSTEM_OFF2's type for HIBERNATE_OFF.
pub const OFF_TYPE_HIBERNATE: u32 = 1;
/// The power_state argument of CPU_SUSPEND in the original format.
pub mod power_state {
    /// StateType: a power-down state, which ends at an entry point; else a standby or retention state.
    pub const POWER_DOWN: u32 = 1 << 16;
    /// Bits that must be zero.
    pub const RESERVED: u32 = 0xfcfe_0000;
}
/// The last number of the range that PSCI has in the standard secure service.
pub const LAST: u32 = 0x8400_001f;

/// PSCI_VERSION's value for PSCI 1.1.
pub const VERSION_1_1: u32 = 0x1_0001;

/// What PSCI functions return in X0, sign-extended from 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Return {
    /// SUCCESS.
    Success = 0,
    /// NOT_SUPPORTED.
    NotSupported = -1,
    /// INVALID_PARAMETERS.
    InvalidParameters = -2,
    /// DENIED.
    Denied = -3,
    /// ALREADY_ON.
    AlreadyOn = -4,
    /// ON_PENDING.
    OnPending = -5,
    /// INTERNAL_FAILURE.
    InternalFailure = -6,
    /// NOT_PRESENT.
    NotPresent = -7,
    /// DISABLED.
    Disabled = -8,
    /// INVALID_ADDRESS.
    InvalidAddress = -9,
}
