//! Process state, as SPSR_ELx saves it.

use droste_arch::feature::{Feature, FeatureSet};
use droste_arch::fields::spsr_el2 as spsr;

/// PSTATE without the condition flags, which live in [`super::CpuState::nzcv`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PState {
    /// The current Exception level, 0 to 2.
    pub el: u8,
    /// PSTATE.SP: whether SP_ELx is used rather than SP_EL0.
    pub spsel: bool,
    /// D, A, I, F as bits 3 to 0.
    pub daif: u8,
    /// Privileged access never.
    pub pan: bool,
    /// User access override.
    pub uao: bool,
    /// Data-independent timing.
    pub dit: bool,
    /// Speculative store bypass safe.
    pub ssbs: bool,
    /// Branch type of the last branch, for BTI.
    pub btype: u8,
    /// Illegal execution state.
    pub il: bool,
    /// Software step.
    pub ss: bool,
    /// All-interrupt mask (FEAT_NMI).
    pub allint: bool,
    /// Tag check override.
    pub tco: bool,
}

impl PState {
    /// DAIF bit that masks physical and virtual FIQs.
    pub const F: u8 = 1;
    /// DAIF bit that masks physical and virtual IRQs.
    pub const I: u8 = 2;
    /// DAIF bit that masks SErrors.
    pub const A: u8 = 4;
    /// DAIF bit that masks debug exceptions.
    pub const D: u8 = 8;

    /// The state after a reset into an Exception level: everything masked, SP_ELx.
    #[must_use]
    pub const fn reset(el: u8) -> PState {
        PState {
            el,
            spsel: true,
            daif: 0xf,
            pan: false,
            uao: false,
            dit: false,
            ssbs: false,
            btype: 0,
            il: false,
            ss: false,
            allint: false,
            tco: false,
        }
    }

    /// The bits of a saved form that a CPU with these features keeps.
    #[must_use]
    pub(crate) fn saved_bits(features: &FeatureSet) -> u64 {
        let optional = [
            (Feature::FEAT_BTI, spsr::BTYPE),
            (Feature::FEAT_PAN, spsr::PAN),
            (Feature::FEAT_UAO, spsr::UAO),
            (Feature::FEAT_DIT, spsr::DIT),
            (Feature::FEAT_SSBS, spsr::SSBS),
            (Feature::FEAT_MTE, spsr::TCO),
            (Feature::FEAT_NMI, spsr::ALLINT),
        ];
        let missing = optional.into_iter().filter(|(feature, _)| !features.contains(*feature));
        missing.fold(u64::MAX, |bits, (_, field)| bits & !field.mask())
    }

    /// The saved form, with the condition flags `nzcv` in bits 31:28.
    #[must_use]
    pub fn to_spsr(self, nzcv: u32) -> u64 {
        let bit = |field: droste_arch::fields::Field, on: bool| field.with(0, u64::from(on));
        u64::from(nzcv)
            | bit(spsr::TCO, self.tco)
            | bit(spsr::DIT, self.dit)
            | bit(spsr::UAO, self.uao)
            | bit(spsr::PAN, self.pan)
            | bit(spsr::SS, self.ss)
            | bit(spsr::IL, self.il)
            | bit(spsr::ALLINT, self.allint)
            | bit(spsr::SSBS, self.ssbs)
            | spsr::BTYPE.with(0, u64::from(self.btype))
            | u64::from(self.daif) << 6
            | u64::from(self.el) << 2
            | u64::from(self.spsel)
    }

    /// The state that a saved form describes; the caller has judged M and the optional bits.
    #[must_use]
    pub fn from_spsr(value: u64) -> PState {
        PState {
            el: ((value >> 2) & 3) as u8,
            spsel: value & 1 != 0,
            daif: ((value >> 6) & 0xf) as u8,
            pan: spsr::PAN.is_set(value),
            uao: spsr::UAO.is_set(value),
            dit: spsr::DIT.is_set(value),
            ssbs: spsr::SSBS.is_set(value),
            btype: spsr::BTYPE.get(value) as u8,
            il: spsr::IL.is_set(value),
            ss: spsr::SS.is_set(value),
            allint: spsr::ALLINT.is_set(value),
            tco: spsr::TCO.is_set(value),
        }
    }
}
