//! Pointer authentication: the algorithms, and how a code is put into, checked in and taken out of a
//! pointer.
//!
//! Everything here except `exec` works on explicit inputs. Not implemented: FEAT_PAuth_LR.

mod exec;
mod fast;
pub mod pointer;
pub mod qarma;

#[cfg(test)]
mod tests;

pub use exec::PacKey;
pub(crate) use exec::{NativePointers, PointerLayouts};
#[cfg(target_arch = "x86_64")]
pub(crate) use fast::ROUND as ROUNDS;
pub(crate) use pointer::PointerRange;

/// Which function of pointer, modifier and key makes the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// FEAT_PACQARMA5, the architecture's first choice.
    Qarma5,
    /// FEAT_PACQARMA3, the same with fewer rounds.
    Qarma3,
    /// FEAT_PACIMP: an algorithm of our own, some thirty times faster on most hosts.
    ImplementationDefined,
}

/// A 128-bit key, as in the register pairs `AP*KeyHi_EL1:AP*KeyLo_EL1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// The `Hi` register.
    pub high: u64,
    /// The `Lo` register.
    pub low: u64,
}

impl Algorithm {
    /// ComputePAC: the 64-bit code of which a pointer then takes the bits it has room for.
    #[inline]
    #[must_use]
    pub fn compute(self, data: u64, modifier: u64, key: Key) -> u64 {
        match self {
            Self::ImplementationDefined => fast::compute(data, modifier, key),
            Self::Qarma5 => qarma::qarma5(data, modifier, key),
            Self::Qarma3 => qarma::qarma3(data, modifier, key),
        }
    }
}
