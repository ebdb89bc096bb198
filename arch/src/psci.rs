//! PSCI 1.1 and SMC Calling Convention: function numbers and return codes.

/// SMC64 variant of a function number.
pub const SMC64: u32 = 1 << 30;

/// Declares functions: constant, number in the SMC32 convention, name, and whether there is an SMC64 variant.
macro_rules! functions {
    ($($constant:ident = $number:literal, $name:literal $(, $wide:ident)?;)*) => {
        $(
            #[doc = concat!($name, $("; also with [`", stringify!($wide), "`]",)? ".")]
            pub const $constant: u32 = $number;
        )*

        /// The name of a function number of either convention, as in the specification.
        #[must_use]
        pub const fn function_name(function: u32) -> Option<&'static str> {
            match function {
                $($constant => Some($name),)*
                $($(_ if function == $constant | $wide => Some($name),)?)*
                _ => None,
            }
        }
    };
}

functions! {
    SMCCC_VERSION = 0x8000_0000, "SMCCC_VERSION";
    SMCCC_ARCH_FEATURES = 0x8000_0001, "SMCCC_ARCH_FEATURES";
    VERSION = 0x8400_0000, "PSCI_VERSION";
    CPU_SUSPEND = 0x8400_0001, "CPU_SUSPEND", SMC64;
    CPU_OFF = 0x8400_0002, "CPU_OFF";
    CPU_ON = 0x8400_0003, "CPU_ON", SMC64;
    AFFINITY_INFO = 0x8400_0004, "AFFINITY_INFO", SMC64;
    MIGRATE = 0x8400_0005, "MIGRATE", SMC64;
    MIGRATE_INFO_TYPE = 0x8400_0006, "MIGRATE_INFO_TYPE";
    MIGRATE_INFO_UP_CPU = 0x8400_0007, "MIGRATE_INFO_UP_CPU", SMC64;
    SYSTEM_OFF = 0x8400_0008, "SYSTEM_OFF";
    SYSTEM_RESET = 0x8400_0009, "SYSTEM_RESET";
    FEATURES = 0x8400_000a, "PSCI_FEATURES";
    CPU_DEFAULT_SUSPEND = 0x8400_000c, "CPU_DEFAULT_SUSPEND", SMC64;
    SYSTEM_SUSPEND = 0x8400_000e, "SYSTEM_SUSPEND", SMC64;
    SET_SUSPEND_MODE = 0x8400_000f, "PSCI_SET_SUSPEND_MODE";
    SYSTEM_RESET2 = 0x8400_0012, "SYSTEM_RESET2", SMC64;
    SYSTEM_OFF2 = 0x8400_0015, "SYSTEM_OFF2", SMC64;
}

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
