//! What the EL2 registers of a core hold while the host runs, computed from its ID registers.

use crate::tables::Stage2Layout;
use droste_arch::fields::{
    cnthctl_el2, cnthctl_el2_e2h, cptr_el2_e2h, hcr_el2, hcrx_el2, hdfgrtr_el2, hdfgwtr_el2, hfgitr_el2,
    hfgrtr_el2, icc_sre_el2, id_aa64dfr0_el1, id_aa64mmfr0_el1, id_aa64mmfr1_el1, id_aa64mmfr3_el1,
    id_aa64pfr0_el1, id_aa64pfr1_el1, mdcr_el2, sctlr_el1, sctlr_el2, smcr_el2, tcr_el2, tcr_el2_e2h,
    vtcr_el2, zcr_el2,
};

/// The ID registers that decide.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "names of registers")]
pub struct IdRegisters {
    pub pfr0: u64,
    pub pfr1: u64,
    pub dfr0: u64,
    pub mmfr0: u64,
    pub mmfr1: u64,
    pub mmfr3: u64,
    /// PMCR_EL0.N; 0 without a PMU.
    pub counter_count: u64,
}

/// Register values. An `Option` is a register that exists only with some feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "names of registers")]
pub struct Registers {
    pub e2h: bool,
    pub hcr: u64,
    pub tcr: u64,
    pub sctlr: u64,
    pub vtcr: u64,
    pub cptr: u64,
    pub mdcr: u64,
    pub cnthctl: u64,
    pub zcr: Option<u64>,
    pub smcr: Option<u64>,
    pub hcrx: Option<u64>,
    pub icc_sre: Option<u64>,
    pub fine_grained: Option<FineGrained>,
    /// FEAT_FGT2: its registers only have bits that trap when clear, or that no host needs trapped.
    pub has_fgt2: bool,
    pub has_mpam: bool,
    /// SCTLR_EL1 of a core that enters the host: MMU and caches off.
    pub host_sctlr: u64,
}

/// Fine-grained traps: nothing traps, so bits with negative polarity are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "names of registers")]
pub struct FineGrained {
    pub hfgrtr: u64,
    pub hfgitr: u64,
    pub hdfgrtr: u64,
    pub hdfgwtr: u64,
}

/// Why a core cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// The 4 KiB granule is missing at stage 1.
    Granule,
    /// The 4 KiB granule is missing at stage 2.
    Stage2Granule,
}

impl core::fmt::Display for Unusable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Unusable::Granule => "no 4 KiB granule",
            Unusable::Stage2Granule => "no 4 KiB granule at stage 2",
        })
    }
}

/// CPTR_EL2 with E2H = 0 and nothing trapped: its RES1 bits (D24.2.33), TZ, TSM and TFP being clear.
const CPTR_RES1: u64 = 0x22ff;
/// TCR_EL2[31] and [23] with E2H = 0.
const TCR_RES1: u64 = 0x8080_0000;
/// Bits of input addresses at EL2.
const INPUT_BITS: u64 = 48;

impl Registers {
    /// Computes the values for a core.
    ///
    /// # Errors
    /// [`Unusable`]
    pub const fn new(id: &IdRegisters) -> Result<Registers, Unusable> {
        if id_aa64mmfr0_el1::TGran4.get_signed(id.mmfr0) < 0 {
            return Err(Unusable::Granule);
        }
        if id_aa64mmfr0_el1::TGran4_2.get(id.mmfr0) == 1 {
            return Err(Unusable::Stage2Granule);
        }
        let e2h = id_aa64mmfr1_el1::VH.is_set(id.mmfr1);
        let has_sve = id_aa64pfr0_el1::SVE.is_set(id.pfr0);
        let has_sme = id_aa64pfr1_el1::SME.is_set(id.pfr1);
        let has_gic = id_aa64pfr0_el1::GIC.is_set(id.pfr0);
        let fgt = id_aa64mmfr0_el1::FGT.get(id.mmfr0);
        let pa_range = id_aa64mmfr0_el1::PARange.get(id.mmfr0);
        Ok(Registers {
            e2h,
            hcr: hcr(id, e2h),
            tcr: tcr(e2h, if pa_range > 5 { 5 } else { pa_range }),
            sctlr: SCTLR,
            vtcr: Stage2Layout::for_pa_range(pa_range).vtcr(),
            cptr: if e2h { CPTR_E2H } else { CPTR_RES1 },
            mdcr: mdcr(id),
            cnthctl: if e2h {
                cnthctl_el2_e2h::EL1PTEN.mask() | cnthctl_el2_e2h::EL1PCTEN.mask()
            } else {
                cnthctl_el2::EL1PCEN.mask() | cnthctl_el2::EL1PCTEN.mask()
            },
            zcr: if has_sve { Some(zcr_el2::LEN.mask()) } else { None },
            smcr: if has_sme { Some(SMCR) } else { None },
            hcrx: if id_aa64mmfr1_el1::HCX.is_set(id.mmfr1) { Some(hcrx(id)) } else { None },
            icc_sre: if has_gic { Some(icc_sre_el2::SRE.mask() | icc_sre_el2::Enable.mask()) } else { None },
            fine_grained: if fgt > 0 { Some(NOTHING_TRAPS) } else { None },
            has_fgt2: fgt > 1,
            has_mpam: id_aa64pfr0_el1::MPAM.is_set(id.pfr0),
            host_sctlr: HOST_SCTLR,
        })
    }
}

/// Why a core cannot run beside the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// One has FEAT_VHE, the other has not: they need different register layouts and descriptors.
    Vhe,
    /// It has fewer bits of physical address than the shared tables use.
    PhysicalAddresses,
}

impl Registers {
    /// The values for another core, over the tables of the first, whose values are `self`.
    ///
    /// # Errors
    /// [`Mismatch`]
    pub const fn beside(&self, other: Registers) -> Result<Registers, Mismatch> {
        if self.e2h != other.e2h {
            return Err(Mismatch::Vhe);
        }
        if vtcr_el2::PS.get(other.vtcr) < vtcr_el2::PS.get(self.vtcr) {
            return Err(Mismatch::PhysicalAddresses);
        }
        Ok(Registers { vtcr: self.vtcr, tcr: self.tcr, ..other })
    }
}

const fn hcr(id: &IdRegisters, e2h: bool) -> u64 {
    let mut v = hcr_el2::RW.mask() | hcr_el2::VM.mask() | hcr_el2::TSC.mask();
    // RES0 without FEAT_PAuth.
    v |= hcr_el2::API.mask() | hcr_el2::APK.mask();
    if id_aa64pfr1_el1::MTE.get(id.pfr1) >= 2 {
        v |= hcr_el2::ATA.mask();
    }
    if id_aa64pfr0_el1::CSV2.get(id.pfr0) >= 2 {
        v |= hcr_el2::EnSCXT.mask();
    }
    if e2h {
        v |= hcr_el2::E2H.mask();
    }
    v
}

const fn tcr(e2h: bool, pa_range: u64) -> u64 {
    // Both layouts have these fields in the same place.
    let mut v = tcr_el2::T0SZ.with(0, 64 - INPUT_BITS);
    v = tcr_el2::IRGN0.with(v, 1);
    v = tcr_el2::ORGN0.with(v, 1);
    v = tcr_el2::SH0.with(v, 3);
    if e2h {
        // No upper half; its granule has to be one that exists all the same.
        v = tcr_el2_e2h::T1SZ.with(v, 64 - INPUT_BITS);
        v = tcr_el2_e2h::TG1.with(v, 0b10);
        tcr_el2_e2h::IPS.with(v | tcr_el2_e2h::EPD1.mask(), pa_range)
    } else {
        tcr_el2::PS.with(v | TCR_RES1, pa_range)
    }
}

const fn mdcr(id: &IdRegisters) -> u64 {
    // Buffers of profiling and trace belong to EL1, and their controls do not trap.
    let mut v = mdcr_el2::HPMN.with(0, id.counter_count);
    if id_aa64dfr0_el1::PMSVer.is_set(id.dfr0) {
        v |= mdcr_el2::E2PB.mask();
    }
    if id_aa64dfr0_el1::TraceBuffer.is_set(id.dfr0) {
        v |= mdcr_el2::E2TB.mask();
    }
    v
}

const fn hcrx(id: &IdRegisters) -> u64 {
    use hcrx_el2 as h;
    // Each is RES0 where its feature is missing.
    let mut v = h::MSCEn.mask()
        | h::EnFPM.mask()
        | h::EnALS.mask()
        | h::EnAS0.mask()
        | h::EnASR.mask()
        | h::GCSEn.mask();
    if id_aa64mmfr3_el1::TCRX.is_set(id.mmfr3) {
        v |= h::TCR2En.mask();
    }
    if id_aa64mmfr3_el1::SCTLRX.is_set(id.mmfr3) {
        v |= h::SCTLR2En.mask();
    }
    v
}

/// MMU and caches on, writable memory never executed. RES1 bits of both layouts are set.
const SCTLR: u64 = sctlr_el2::M.mask()
    | sctlr_el2::C.mask()
    | sctlr_el2::I.mask()
    | sctlr_el2::SA.mask()
    | sctlr_el2::WXN.mask()
    | sctlr_el2::LSMAOE.mask()
    | sctlr_el2::nTLSMD.mask()
    | sctlr_el2::SPAN.mask()
    | sctlr_el2::EIS.mask()
    | sctlr_el2::nTWE.mask()
    | sctlr_el2::nTWI.mask()
    | sctlr_el2::EOS.mask()
    | sctlr_el2::CP15BEN.mask()
    | sctlr_el2::SA0.mask();

/// SCTLR_EL2 with MMU and caches off, as a host that gets EL2 finds it: RES1 bits only.
pub const SCTLR_MMU_OFF: u64 = SCTLR
    & !(sctlr_el2::M.mask()
        | sctlr_el2::C.mask()
        | sctlr_el2::I.mask()
        | sctlr_el2::WXN.mask()
        | sctlr_el2::SA.mask());

const HOST_SCTLR: u64 = sctlr_el1::LSMAOE.mask()
    | sctlr_el1::nTLSMD.mask()
    | sctlr_el1::SPAN.mask()
    | sctlr_el1::EIS.mask()
    | sctlr_el1::TSCXT.mask()
    | sctlr_el1::EOS.mask();

const CPTR_E2H: u64 = cptr_el2_e2h::FPEN.mask() | cptr_el2_e2h::ZEN.mask() | cptr_el2_e2h::SMEN.mask();

const SMCR: u64 = smcr_el2::LEN.mask() | smcr_el2::FA64.mask() | smcr_el2::EZT0.mask();

const NOTHING_TRAPS: FineGrained = FineGrained {
    hfgrtr: hfgrtr_el2::nAMAIR2_EL1.mask()
        | hfgrtr_el2::nMAIR2_EL1.mask()
        | hfgrtr_el2::nS2POR_EL1.mask()
        | hfgrtr_el2::nPOR_EL1.mask()
        | hfgrtr_el2::nPOR_EL0.mask()
        | hfgrtr_el2::nPIR_EL1.mask()
        | hfgrtr_el2::nPIRE0_EL1.mask()
        | hfgrtr_el2::nRCWMASK_EL1.mask()
        | hfgrtr_el2::nTPIDR2_EL0.mask()
        | hfgrtr_el2::nSMPRI_EL1.mask()
        | hfgrtr_el2::nGCS_EL1.mask()
        | hfgrtr_el2::nGCS_EL0.mask()
        | hfgrtr_el2::nACCDATA_EL1.mask(),
    hfgitr: hfgitr_el2::nGCSEPP.mask()
        | hfgitr_el2::nGCSSTR_EL1.mask()
        | hfgitr_el2::nGCSPUSHM_EL1.mask()
        | hfgitr_el2::nBRBIALL.mask()
        | hfgitr_el2::nBRBINJ.mask(),
    hdfgrtr: hdfgrtr_el2::nPMSNEVFR_EL1.mask()
        | hdfgrtr_el2::nBRBDATA.mask()
        | hdfgrtr_el2::nBRBCTL.mask()
        | hdfgrtr_el2::nBRBIDR.mask(),
    hdfgwtr: hdfgwtr_el2::nPMSNEVFR_EL1.mask() | hdfgwtr_el2::nBRBDATA.mask() | hdfgwtr_el2::nBRBCTL.mask(),
};

#[cfg(test)]
mod tests {
    use super::*;

    const A57: IdRegisters =
        IdRegisters { mmfr0: 0x1124, pfr0: 0x22, pfr1: 0, dfr0: 0, mmfr1: 0, mmfr3: 0, counter_count: 6 };

    #[test]
    fn core_without_vhe_gets_the_old_layouts() {
        let r = Registers::new(&A57).unwrap();
        assert!(!r.e2h && !hcr_el2::E2H.is_set(r.hcr));
        assert_eq!(r.tcr, 0x8080_0000 | 4 << 16 | 0x3500 | 16);
        assert_eq!((r.cptr, r.cnthctl, r.mdcr), (0x22ff, 3, 6));
        assert_eq!((r.zcr, r.smcr, r.hcrx, r.icc_sre, r.fine_grained), (None, None, None, None, None));
        assert_eq!(r.sctlr, 0x30c5_0830 | 1 << 19 | 1 << 12 | 1 << 3 | 1 << 2 | 1);
        assert_eq!(r.host_sctlr, 0x30d0_0800);
    }

    #[test]
    fn core_with_vhe_gets_the_new_ones() {
        let r = Registers::new(&IdRegisters { mmfr1: 1 << 8, mmfr0: 0x1126, ..A57 }).unwrap();
        assert!(r.e2h && hcr_el2::E2H.is_set(r.hcr) && !hcr_el2::TGE.is_set(r.hcr));
        assert_eq!(tcr_el2_e2h::IPS.get(r.tcr), 5, "52 bits need other descriptors");
        assert!(tcr_el2_e2h::EPD1.is_set(r.tcr));
        assert_eq!((r.cptr, r.cnthctl), (3 << 24 | 3 << 20 | 3 << 16, 3 << 10));
    }

    #[test]
    fn every_smc_traps_and_stage_2_is_on() {
        let r = Registers::new(&A57).unwrap();
        assert!(hcr_el2::TSC.is_set(r.hcr) && hcr_el2::VM.is_set(r.hcr) && hcr_el2::RW.is_set(r.hcr));
    }

    #[test]
    fn missing_granule_is_named() {
        let stage1 = IdRegisters { mmfr0: 0xf000_0000, ..A57 };
        assert_eq!(Registers::new(&stage1), Err(Unusable::Granule));
        let stage2 = IdRegisters { mmfr0: 1 << 40, ..A57 };
        assert_eq!(Registers::new(&stage2), Err(Unusable::Stage2Granule));
    }

    #[test]
    fn core_that_differs_gets_its_own_registers_over_the_shared_tables() {
        let first = Registers::new(&A57).unwrap();
        let larger = Registers::new(&IdRegisters { mmfr0: 0x1125, pfr0: 1 << 32, ..A57 }).unwrap();
        let beside = first.beside(larger).unwrap();
        assert_eq!((beside.vtcr, beside.tcr), (first.vtcr, first.tcr));
        assert!(beside.zcr.is_some(), "what the other core has beyond the first is enabled there");
        assert_eq!(larger.beside(first), Err(Mismatch::PhysicalAddresses));
        let vhe = Registers::new(&IdRegisters { mmfr1: 1 << 8, ..A57 }).unwrap();
        assert_eq!(first.beside(vhe), Err(Mismatch::Vhe));
    }
}
