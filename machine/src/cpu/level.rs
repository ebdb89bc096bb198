//! The part of the mode that compiled code takes for granted.

use super::Vcpu;
use droste_arch::fields::hcr_el2;
use droste_arch::sysreg::SysReg;

/// Where HCR_EL2.{NV,NV1,NV2} are, above the Exception level.
const NV: u8 = 1 << 2;
const NV1: u8 = 1 << 3;
const NV2: u8 = 1 << 4;

/// The Exception level, and at EL1 HCR_EL2.{NV,NV1,NV2}: what decides most accesses to system registers. Blocks are
/// compiled for one level and found by it, so only an exception, its return or the host changes it under them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level(u8);

impl Level {
    /// Bits that a level takes.
    pub(crate) const BITS: u32 = 5;

    /// The present level of `cpu`.
    pub(super) fn of(cpu: &Vcpu) -> Level {
        let el = cpu.state.pstate.el;
        let hcr = if el == 1 { cpu.sys(SysReg::HCR_EL2) } else { 0 };
        let bit = |set, bit| if set { bit } else { 0 };
        let nv = bit(hcr_el2::NV.is_set(hcr), NV);
        Level(el | nv | bit(hcr_el2::NV1.is_set(hcr), NV1) | bit(hcr_el2::NV2.is_set(hcr), NV2))
    }

    /// The level as a number below 2 to the power of [`Level::BITS`].
    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    /// The level that a number stands for.
    pub(crate) const fn from_bits(bits: u8) -> Level {
        Level(bits)
    }

    /// The Exception level.
    pub(crate) fn el(self) -> u8 {
        self.0 & 3
    }

    /// The bits of HCR_EL2 that are known, as a mask.
    pub(crate) fn known_hcr(self) -> u64 {
        let known = hcr_el2::NV.mask() | hcr_el2::NV1.mask() | hcr_el2::NV2.mask();
        if self.el() == 1 { known } else { 0 }
    }
}
