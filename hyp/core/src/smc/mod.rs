//! The filter for every SMC of the host.
//!
//! HCR_EL2.TSC brings them all here. What is not allowed by name gets NOT_SUPPORTED, and is counted.

mod policy;

pub use policy::{Policy, policy_of};

use crate::psci::{Function, Version};
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use droste_arch::smccc;

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The instruction's immediate is not zero.
    Immediate,
    /// The upper half of X0 is not zero.
    UpperHalf,
    /// A yielding call.
    Yielding,
    /// A PSCI function that is not relayed.
    Psci,
    /// A function that the policy denies.
    Denied,
}

const REFUSALS: [(Refusal, &str); 5] = [
    (Refusal::Immediate, "immediate"),
    (Refusal::UpperHalf, "upper half"),
    (Refusal::Yielding, "yielding"),
    (Refusal::Psci, "PSCI"),
    (Refusal::Denied, "denied"),
];

/// The registers that take part in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// X1 to this one are arguments; only their lower halves if `is_32`.
    pub last_argument: usize,
    /// X0 to this one are results; the others keep what the host had.
    pub last_result: usize,
    /// SMC32: upper halves of arguments are not passed on.
    pub is_32: bool,
}

impl Window {
    /// The window of a call: X0 to X7 and results X0 to X3 until SMCCC 1.1, X0 to X17 from 1.2 on for SMC64.
    #[must_use]
    pub const fn of(version: u32, number: u32) -> Window {
        let is_32 = number & smccc::SMC64 == 0;
        if version > smccc::VERSION_1_1 && !is_32 {
            Window { last_argument: 17, last_result: 17, is_32 }
        } else if version > smccc::VERSION_1_1 {
            Window { last_argument: 7, last_result: 7, is_32 }
        } else {
            Window { last_argument: 7, last_result: 3, is_32 }
        }
    }

    /// The registers to call the firmware with: the number, the window's arguments, zero elsewhere.
    #[must_use]
    pub fn arguments(self, number: u32, host: &[u64; 18]) -> [u64; 18] {
        let mut to = [0; 18];
        for (to, from) in to.iter_mut().zip(host).take(self.last_argument + 1) {
            *to = if self.is_32 { from & u64::from(u32::MAX) } else { *from };
        }
        if let Some(first) = to.first_mut() {
            *first = u64::from(number);
        }
        to
    }

    /// Gives the host the window's results.
    pub fn results(self, host: &mut [u64; 18], firmware: &[u64; 18]) {
        for (to, from) in host.iter_mut().zip(firmware).take(self.last_result + 1) {
            *to = *from;
        }
    }
}

/// What is to be done with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The relay answers; with the number without hints.
    Psci(u32),
    /// The firmware answers.
    Forward(u32, Window),
    /// X0 is answered here.
    Answer(i64),
    /// NOT_SUPPORTED is answered, and the refusal has been counted.
    Refuse(Refusal),
}

/// The filter, shared by all cores.
#[derive(Debug)]
pub struct Filter {
    is_strict: bool,
    smccc_version: u32,
    psci: Version,
    refused: [AtomicU64; REFUSALS.len()],
}

impl Filter {
    /// A filter for a firmware of this SMCCC version. One that is not strict counts what it would deny, and forwards it.
    #[must_use]
    pub const fn new(is_strict: bool, smccc_version: u32, psci: Version) -> Filter {
        Filter { is_strict, smccc_version, psci, refused: [const { AtomicU64::new(0) }; REFUSALS.len()] }
    }

    /// Judges an SMC by its immediate, X0 and X1.
    pub fn judge(&self, immediate: u16, x0: u64, x1: u64) -> Verdict {
        if immediate != 0 {
            return self.refuse(Refusal::Immediate);
        }
        let Ok(number) = u32::try_from(x0) else { return self.refuse(Refusal::UpperHalf) };
        // PSCI 0.1 may use any number, so it is looked for before hints are taken off.
        if Function::is_psci(self.psci, number) {
            return self.psci(number);
        }
        if number & smccc::FAST == 0 {
            return self.deny(Refusal::Yielding, number);
        }
        let number = number & !smccc::NO_LIVE_SVE;
        if Function::is_psci(self.psci, number) {
            return self.psci(number);
        }
        match policy_of(number) {
            Policy::Allow => Verdict::Forward(number, Window::of(self.smccc_version, number)),
            Policy::NotHere => Verdict::Answer(smccc::NOT_SUPPORTED),
            Policy::Deny => self.deny(Refusal::Denied, number),
            Policy::Features => self.features(number, x1 as u32),
        }
    }

    /// How many calls were refused for a reason.
    pub fn refused(&self, refusal: Refusal) -> u64 {
        self.refused.get(refusal as usize).map_or(0, |n| n.load(Ordering::Relaxed))
    }

    fn psci(&self, number: u32) -> Verdict {
        if Function::of(self.psci, number).is_some() {
            Verdict::Psci(number)
        } else {
            self.refuse(Refusal::Psci)
        }
    }

    /// SMCCC_ARCH_FEATURES may not promise what is denied.
    fn features(&self, number: u32, asked: u32) -> Verdict {
        let policy = policy_of(asked);
        if policy == Policy::NotHere || policy == Policy::Deny && self.is_strict {
            return Verdict::Answer(smccc::NOT_SUPPORTED);
        }
        Verdict::Forward(number, Window::of(self.smccc_version, number))
    }

    fn deny(&self, refusal: Refusal, number: u32) -> Verdict {
        if self.is_strict {
            return self.refuse(refusal);
        }
        self.count(refusal);
        Verdict::Forward(number, Window::of(self.smccc_version, number))
    }

    fn refuse(&self, refusal: Refusal) -> Verdict {
        self.count(refusal);
        Verdict::Refuse(refusal)
    }

    fn count(&self, refusal: Refusal) {
        if let Some(count) = self.refused.get(refusal as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (refusal, name)) in REFUSALS.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{} {name}", self.refused(*refusal))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use droste_arch::psci;
    use proptest::prelude::*;

    fn filter() -> Filter {
        Filter::new(true, 0x1_0002, Version::Standard)
    }

    fn judge(x0: u64) -> Verdict {
        filter().judge(0, x0, 0)
    }

    #[test]
    fn immediates_and_dirty_upper_halves_are_refused_and_counted() {
        let f = filter();
        assert_eq!(f.judge(1, 0x8400_0000, 0), Verdict::Refuse(Refusal::Immediate));
        assert_eq!(f.judge(0, 1 << 32 | 0x8400_0000, 0), Verdict::Refuse(Refusal::UpperHalf));
        assert_eq!(f.judge(0, 1 << 63 | 0x8400_0000, 0), Verdict::Refuse(Refusal::UpperHalf));
        assert_eq!((f.refused(Refusal::Immediate), f.refused(Refusal::UpperHalf)), (1, 2));
        assert_eq!(std::format!("{f}"), "1 immediate, 2 upper half, 0 yielding, 0 PSCI, 0 denied");
    }

    #[test]
    fn psci_goes_to_the_relay_without_the_hint() {
        assert_eq!(judge(0x8401_0000), Verdict::Psci(psci::VERSION));
        assert_eq!(judge(0xc400_0003), Verdict::Psci(0xc400_0003));
        assert_eq!(judge(0x8400_0013), Verdict::Refuse(Refusal::Psci), "MEM_PROTECT");
    }

    #[test]
    fn workarounds_and_random_numbers_pass_and_ffa_does_not() {
        for number in [smccc::ARCH_WORKAROUND_1, smccc::ARCH_WORKAROUND_3, 0x8400_0050, 0xc400_0053] {
            assert!(matches!(judge(number.into()), Verdict::Forward(n, _) if n == number), "{number:#x}");
        }
        for number in [0x8400_0060_u64, 0xc400_0066, 0x8400_00ef, 0x8200_0000, 0xc300_0001, 0xb200_0000] {
            assert_eq!(judge(number), Verdict::Refuse(Refusal::Denied), "{number:#x}");
        }
        assert_eq!(judge(0x3200_0000), Verdict::Refuse(Refusal::Yielding));
        assert_eq!(judge(0x8600_ff01), Verdict::Answer(-1), "a hypervisor service that is not there");
    }

    #[test]
    fn features_never_promise_what_is_denied() {
        let f = filter();
        let ask = |n: u32| f.judge(0, smccc::ARCH_FEATURES.into(), n.into());
        assert!(matches!(ask(smccc::ARCH_WORKAROUND_1), Verdict::Forward(..)));
        assert_eq!(ask(0x8200_0000), Verdict::Answer(-1));
    }

    #[test]
    fn permissive_filter_forwards_what_it_counts_but_never_psci() {
        let f = Filter::new(false, 0x1_0002, Version::Standard);
        for number in [0x8200_0000_u64, 0xc300_0001, 0xb200_0000, 0x8400_0063, 0x3200_0001] {
            assert!(
                matches!(f.judge(0, number, 0), Verdict::Forward(n, _) if u64::from(n) == number),
                "{number:#x}"
            );
        }
        assert_eq!((f.refused(Refusal::Denied), f.refused(Refusal::Yielding)), (4, 1));
        assert_eq!(f.judge(0, 0x8400_0013, 0), Verdict::Refuse(Refusal::Psci));
        assert_eq!(f.judge(2, 0x8200_0000, 0), Verdict::Refuse(Refusal::Immediate));
        assert!(matches!(f.judge(0, smccc::ARCH_FEATURES.into(), 0x8200_0000), Verdict::Forward(..)));
    }

    #[test]
    fn windows_follow_the_version() {
        let host: [u64; 18] = core::array::from_fn(|n| 0xaaaa_0000_0000 + n as u64);
        let old = Window::of(smccc::VERSION_1_1, 0xc400_0053);
        let to = old.arguments(0xc400_0053, &host);
        assert_eq!((to[0], to[7], to[8]), (0xc400_0053, host[7], 0));
        let new = Window::of(0x1_0002, 0xc400_0053);
        assert_eq!(new.arguments(0xc400_0053, &host)[17], host[17]);
        let narrow = Window::of(0x1_0002, 0x8400_0053);
        assert_eq!(narrow.arguments(0x8400_0053, &host)[1], 1);
        let mut after = host;
        old.results(&mut after, &[9; 18]);
        assert_eq!((after[3], after[4]), (9, host[4]), "registers beyond the window are the host's");
    }

    proptest! {
        #[test]
        fn nothing_outside_of_the_allowed_list_reaches_the_firmware(x0: u64, x1: u64, immediate: u16) {
            let forwarded = |v| match v { Verdict::Forward(n, _) => Some(n), _ => None };
            for x0 in [x0, x0 & 0xffff_ffff, x0 & 0xff01_00ff | 0x8000_0000] {
                for immediate in [0, immediate] {
                    if let Some(n) = forwarded(filter().judge(immediate, x0, x1)) {
                        prop_assert_eq!(immediate, 0);
                        prop_assert_eq!(x0 & !0x1_0000, u64::from(n));
                        let trng = (smccc::TRNG_VERSION..=smccc::TRNG_RND).contains(&(n & !smccc::SMC64));
                        prop_assert!(trng || smccc::owner_of(n) == smccc::owner::ARCH);
                    }
                }
            }
        }
    }
}
