//! Function identifiers and return codes of the SMC calling convention (DEN0028).

/// Arguments and results are 64 bits wide.
pub const SMC64: u32 = 1 << 30;
/// The call returns without being interrupted.
pub const FAST: u32 = 1 << 31;

/// The caller has no live SVE or SME state (a hint, SMCCC 1.3).
pub const NO_LIVE_SVE: u32 = 1 << 16;

/// Service ranges, bits 29:24 of a fast call.
pub mod owner {
    /// Arm architecture calls.
    pub const ARCH: u32 = 0;
    /// CPU service.
    pub const CPU: u32 = 1;
    /// Silicon partner.
    pub const SIP: u32 = 2;
    /// OEM.
    pub const OEM: u32 = 3;
    /// Standard secure service, PSCI among it.
    pub const STANDARD: u32 = 4;
    /// Standard hypervisor service.
    pub const STANDARD_HYP: u32 = 5;
    /// Vendor-specific hypervisor service.
    pub const VENDOR_HYP: u32 = 6;
    /// The first of the ranges of trusted applications and trusted operating systems.
    pub const TRUSTED: u32 = 48;
}

/// The service range of a function identifier.
#[must_use]
pub const fn owner_of(function: u32) -> u32 {
    function >> 24 & 0x3f
}

/// SMCCC_VERSION.
pub const VERSION: u32 = 0x8000_0000;
/// SMCCC_ARCH_FEATURES.
pub const ARCH_FEATURES: u32 = 0x8000_0001;
/// SMCCC_ARCH_SOC_ID.
pub const ARCH_SOC_ID: u32 = 0x8000_0002;
/// SMCCC_ARCH_WORKAROUND_1.
pub const ARCH_WORKAROUND_1: u32 = 0x8000_8000;
/// SMCCC_ARCH_WORKAROUND_2.
pub const ARCH_WORKAROUND_2: u32 = 0x8000_7fff;
/// SMCCC_ARCH_WORKAROUND_3.
pub const ARCH_WORKAROUND_3: u32 = 0x8000_3fff;
/// What an unknown function returns.
pub const NOT_SUPPORTED: i64 = -1;
/// TRNG_VERSION, the first function of the True Random Number Generator interface.
pub const TRNG_VERSION: u32 = 0x8400_0050;
/// TRNG_RND, the last; also with [`SMC64`].
pub const TRNG_RND: u32 = 0x8400_0053;
/// SMCCC version 1.1.
pub const VERSION_1_1: u32 = 0x1_0001;
