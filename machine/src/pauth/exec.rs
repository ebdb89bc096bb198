//! Pointer authentication on a CPU: keys, enables, traps and faults around the pure functions.

use super::pointer::{Authentication, Layout, PointerRange, Variant};
use super::{Algorithm, Key};
use crate::cpu::Vcpu;
use crate::exception::Exception;
use crate::interp::Abort;
use droste_arch::feature::{Feature, FeatureSet};
use droste_arch::fields::{Field, hcr_el2, sctlr_el1, tcr_el1, tcr_el2, tcr_el2_e2h};
use droste_arch::sysreg::SysReg;

/// A key that addresses are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacKey {
    /// Instruction address, key A.
    IA,
    /// Instruction address, key B.
    IB,
    /// Data address, key A.
    DA,
    /// Data address, key B.
    DB,
}

impl PacKey {
    pub(crate) const fn is_data(self) -> bool {
        matches!(self, Self::DA | Self::DB)
    }

    const fn is_b(self) -> bool {
        matches!(self, Self::IB | Self::DB)
    }

    /// The bit of SCTLR_ELx that enables the key; its place is the same at every level.
    const fn enable(self) -> Field {
        match self {
            Self::IA => sctlr_el1::EnIA,
            Self::IB => sctlr_el1::EnIB,
            Self::DA => sctlr_el1::EnDA,
            Self::DB => sctlr_el1::EnDB,
        }
    }

    /// The halves of the key, `Hi` first.
    pub(crate) const fn registers(self) -> [SysReg; 2] {
        match self {
            Self::IA => [SysReg::APIAKeyHi_EL1, SysReg::APIAKeyLo_EL1],
            Self::IB => [SysReg::APIBKeyHi_EL1, SysReg::APIBKeyLo_EL1],
            Self::DA => [SysReg::APDAKeyHi_EL1, SysReg::APDAKeyLo_EL1],
            Self::DB => [SysReg::APDBKeyHi_EL1, SysReg::APDBKeyLo_EL1],
        }
    }
}

/// What the control registers and features make of pointers in one translation regime, kept for as long as
/// the regime's TCR_ELx has the same value.
#[derive(Clone, Copy)]
struct Resolved {
    tcr: u64,
    /// For instruction addresses, and for data addresses.
    layouts: [Layout; 2],
    algorithm: Algorithm,
}

/// The pointer layouts of the EL1&0, EL2&0 and EL2 regimes. Features never change, so TCR_ELx tells whether
/// one is still valid.
#[derive(Clone, Copy, Default)]
pub(crate) struct PointerLayouts([Option<Resolved>; 3]);

/// What generated code needs to sign and check pointers by itself.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct NativePointers {
    /// For instruction addresses, and for data addresses.
    pub(crate) ranges: [[PointerRange; 2]; 2],
    /// The keys for which it may, as bits by [`PacKey`]: enabled, without a trap, and of the algorithm that it has.
    pub(crate) keys: u8,
}

/// Index of the regimes in [`PointerLayouts`].
const EL1: usize = 0;
const EL2_HOST: usize = 1;
const EL2: usize = 2;

impl Vcpu {
    /// AddPACIA and the like: the pointer with a code, or as it is if the key is not enabled.
    #[inline]
    pub(crate) fn add_pac(&mut self, key: PacKey, ptr: u64, modifier: u64) -> Result<u64, Abort> {
        if !key.enable().is_set(self.mode.sctlr) {
            return Ok(ptr);
        }
        self.check_pauth_trap()?;
        let value = self.pauth_key(key.registers());
        let pointers = self.pointers();
        Ok(pointers.layouts[usize::from(key.is_data())].add(pointers.algorithm, ptr, modifier, value))
    }

    /// AuthIA and the like: the pointer without its code, or as it is if the key is not enabled.
    /// `combined` tells instructions that authenticate and use the pointer from AUT*.
    #[inline]
    pub(crate) fn auth(
        &mut self,
        key: PacKey,
        ptr: u64,
        modifier: u64,
        combined: bool,
    ) -> Result<u64, Abort> {
        if !key.enable().is_set(self.mode.sctlr) {
            return Ok(ptr);
        }
        self.check_pauth_trap()?;
        let value = self.pauth_key(key.registers());
        let pointers = self.pointers();
        let layout = &pointers.layouts[usize::from(key.is_data())];
        match layout.authenticate(pointers.algorithm, ptr, modifier, value, key.is_b()) {
            Authentication::Good(ptr) => Ok(ptr),
            Authentication::Bad(ptr) => self.auth_failed(key, ptr, combined),
        }
    }

    /// XPACI, XPACLRI (`data` false) and XPACD: the pointer without its code, unchecked.
    #[inline]
    pub(crate) fn strip(&mut self, ptr: u64, data: bool) -> u64 {
        self.pointers().layouts[usize::from(data)].strip(ptr)
    }

    /// PACGA: a 32-bit code for any data, in the upper half.
    #[inline]
    pub(crate) fn pacga(&mut self, data: u64, modifier: u64) -> Result<u64, Abort> {
        self.check_pauth_trap()?;
        let key = self.pauth_key([SysReg::APGAKeyHi_EL1, SysReg::APGAKeyLo_EL1]);
        Ok(self.pointers().algorithm.compute(data, modifier, key) & 0xffff_ffff_0000_0000)
    }

    /// Faults with FEAT_FPAC, else returns what the instruction returns.
    #[cold]
    fn auth_failed(&mut self, key: PacKey, ptr: u64, combined: bool) -> Result<u64, Abort> {
        let faults = if combined { Feature::FEAT_FPACCOMBINE } else { Feature::FEAT_FPAC };
        if !self.has(faults) {
            return Ok(ptr);
        }
        // AArch64.PACFailException.
        let iss = u64::from(key.is_data()) << 1 | u64::from(key.is_b());
        let target = self.default_target();
        Err(self.raise(Exception::sync(target, 0x1c, iss)))
    }

    /// TrapPACUse: HCR_EL2.API.
    #[inline]
    fn check_pauth_trap(&mut self) -> Result<(), Abort> {
        if self.pauth_traps() { Err(self.raise(Exception::sync(2, 0x09, 0))) } else { Ok(()) }
    }

    #[inline]
    fn pauth_traps(&self) -> bool {
        let guest = self.mode.el < 2 && !self.mode.in_host && self.has_el2();
        guest && !hcr_el2::API.is_set(self.hcr())
    }

    /// What generated code may do by itself in the present mode.
    pub(crate) fn native_pointers(&mut self) -> NativePointers {
        if !self.has(Feature::FEAT_PAuth) || self.pauth_traps() || !crate::crypto::aes::is_native() {
            return NativePointers::default();
        }
        let sctlr = self.mode.sctlr;
        let pointers = self.pointers();
        let [Some(instruction), Some(data)] = pointers.layouts.map(|layout| layout.ranges()) else {
            return NativePointers::default();
        };
        if pointers.algorithm != Algorithm::ImplementationDefined {
            return NativePointers::default();
        }
        let keys = [PacKey::IA, PacKey::IB, PacKey::DA, PacKey::DB].into_iter();
        let keys = keys.filter(|key| key.enable().is_set(sctlr)).fold(0, |keys, key| keys | 1 << key as u8);
        NativePointers { ranges: [instruction, data], keys }
    }

    #[inline]
    fn pauth_key(&self, [high, low]: [SysReg; 2]) -> Key {
        Key { high: self.sys(high), low: self.sys(low) }
    }

    /// The layouts of the current regime.
    #[inline]
    fn pointers(&mut self) -> &Resolved {
        let (regime, tcr) = if self.mode.in_host {
            (EL2_HOST, SysReg::TCR_EL2)
        } else if self.mode.el == 2 {
            (EL2, SysReg::TCR_EL2)
        } else {
            (EL1, SysReg::TCR_EL1)
        };
        let tcr = self.sys(tcr);
        if self.pointer_layouts.0[regime].is_none_or(|known| known.tcr != tcr) {
            self.pointer_layouts.0[regime] = None;
        }
        let features = &self.features;
        self.pointer_layouts.0[regime].get_or_insert_with(|| Resolved::new(features, regime, tcr))
    }
}

impl Resolved {
    #[cold]
    fn new(features: &FeatureSet, regime: usize, tcr: u64) -> Resolved {
        let has = |feature| features.contains(feature);
        let algorithm = if has(Feature::FEAT_PACIMP) {
            Algorithm::ImplementationDefined
        } else if has(Feature::FEAT_PACQARMA3) {
            Algorithm::Qarma3
        } else {
            Algorithm::Qarma5
        };
        let layouts = [false, true].map(|data| layout(features, regime, tcr, data));
        Resolved { tcr, layouts, algorithm }
    }
}

/// The layout of pointers to data, or of instruction addresses.
fn layout(features: &FeatureSet, regime: usize, tcr: u64, data: bool) -> Layout {
    let has = |feature| features.contains(feature);
    let variant = if has(Feature::FEAT_PAuth2) {
        Variant::Pauth2
    } else if has(Feature::FEAT_EPAC) {
        Variant::Epac
    } else {
        Variant::Base
    };
    let const_field = has(Feature::FEAT_CONSTPACFIELD);
    if regime == EL2 {
        let tbi = tcr_el2::TBI.is_set(tcr) && (data || !tcr_el2::TBID.is_set(tcr));
        let is_64k = tcr_el2::TG0.get(tcr) == 0b01;
        let bottom = bottom_pac_bit(features, tcr_el2::T0SZ.get(tcr), is_64k, tcr_el2::DS.is_set(tcr));
        return Layout { two_ranges: false, tbi: [tbi; 2], bottom: [bottom; 2], const_field, variant };
    }
    // TCR_EL2 with E2H = 1 has the layout of TCR_EL1.
    const { assert!(tcr_el1::TBID1.mask() == tcr_el2_e2h::TBID1.mask()) };
    let tbi = |tbi: Field, tbid: Field| tbi.is_set(tcr) && (data || !tbid.is_set(tcr));
    let ds = tcr_el1::DS.is_set(tcr);
    let bottom = |tsz: Field, is_64k| bottom_pac_bit(features, tsz.get(tcr), is_64k, ds);
    Layout {
        two_ranges: true,
        tbi: [tbi(tcr_el1::TBI0, tcr_el1::TBID0), tbi(tcr_el1::TBI1, tcr_el1::TBID1)],
        bottom: [
            bottom(tcr_el1::T0SZ, tcr_el1::TG0.get(tcr) == 0b01),
            bottom(tcr_el1::T1SZ, tcr_el1::TG1.get(tcr) == 0b11),
        ],
        const_field,
        variant,
    }
}

/// CalculateBottomPACBit; a size out of range is taken as the nearest in range.
fn bottom_pac_bit(features: &FeatureSet, tsz: u64, is_64k: bool, ds: bool) -> u8 {
    let max = match (features.contains(Feature::FEAT_TTST), is_64k) {
        (false, _) => 39,
        (true, true) => 47,
        (true, false) => 48,
    };
    let is_52_bit = if is_64k {
        features.contains(Feature::FEAT_LVA)
    } else {
        ds && features.contains(Feature::FEAT_LPA2)
    };
    let min = if is_52_bit { 12 } else { 16 };
    (64 - tsz.clamp(min, max)) as u8
}
