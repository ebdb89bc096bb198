//! The table: what is done with the functions of each owning entity.

use droste_arch::smccc::{self, owner};

/// What is done with a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The firmware answers.
    Allow,
    /// NOT_SUPPORTED, counted as a refusal.
    Deny,
    /// A service of hypervisors that this one does not have: NOT_SUPPORTED, which every caller expects.
    NotHere,
    /// SMCCC_ARCH_FEATURES: answered by the firmware for functions that are allowed.
    Features,
}

/// Functions that are allowed by name, first and last number, without the SMC64 bit.
const ALLOWED: [(u32, u32); 6] = [
    (smccc::VERSION, smccc::VERSION),
    (smccc::ARCH_SOC_ID, smccc::ARCH_SOC_ID),
    (smccc::ARCH_WORKAROUND_3, smccc::ARCH_WORKAROUND_3),
    (smccc::ARCH_WORKAROUND_2, smccc::ARCH_WORKAROUND_2),
    (smccc::ARCH_WORKAROUND_1, smccc::ARCH_WORKAROUND_1),
    (smccc::TRNG_VERSION, smccc::TRNG_RND),
];

/// The policy for a fast call that is not PSCI's.
#[must_use]
pub fn policy_of(number: u32) -> Policy {
    let plain = number & !smccc::SMC64;
    if number == smccc::ARCH_FEATURES {
        return Policy::Features;
    }
    if ALLOWED.iter().any(|(first, last)| (*first..=*last).contains(&plain)) {
        return Policy::Allow;
    }
    match smccc::owner_of(number) {
        owner::STANDARD_HYP | owner::VENDOR_HYP => Policy::NotHere,
        // CPU, SiP, OEM, trusted applications and systems; FF-A and SDEI among the standard services.
        _ => Policy::Deny,
    }
}
