//! What the control registers say about translation, decoded once per set of values.

use droste_arch::fields::{Field, hcr_el2, sctlr_el1, tcr_el1, tcr_el2, tcr2_el1, tcr2_el2, vtcr_el2};

use super::features::{MmuFeatures, output_size};
use super::{Granule, Regime};

/// The registers that change how one regime walks, by value. Table bases, ASID and VMID are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Registers {
    /// SCTLR_ELx.
    pub sctlr: u64,
    /// TCR_ELx.
    pub tcr: u64,
    /// TCR2_ELx, 0 when disabled.
    pub tcr2: u64,
    /// MAIR_ELx.
    pub mair: u64,
    /// PIR_ELx.
    pub pir: u64,
    /// PIRE0_ELx.
    pub pire0: u64,
    /// HCR_EL2.
    pub hcr: u64,
    /// VTCR_EL2.
    pub vtcr: u64,
    /// S2PIR_EL2.
    pub s2pir: u64,
}

impl Registers {
    /// Clears every bit that has no influence on walks of `regime`, so that equal walks have equal values.
    #[must_use]
    pub fn significant(mut self, regime: Regime) -> Self {
        use sctlr_el1::{C, EE, EPAN, I, M, WXN};
        self.sctlr &= [M, C, I, WXN, EE, EPAN].iter().fold(0, |mask, f| mask | f.mask());
        if regime == Regime::El10 {
            use hcr_el2::{CD, DC, E2H, FWB, ID, NV, NV1, PTW, TGE, VM};
            self.hcr &=
                [VM, PTW, DC, TGE, E2H, CD, ID, NV, NV1, FWB].iter().fold(0, |mask, f| mask | f.mask());
            if self.hcr & (VM.mask() | DC.mask()) == 0 {
                (self.vtcr, self.s2pir) = (0, 0);
            }
        } else {
            (self.hcr, self.vtcr, self.s2pir) = (0, 0, 0);
        }
        if self.tcr2 & tcr2_el1::PIE.mask() == 0 {
            (self.pir, self.pire0) = (0, 0);
        }
        self
    }
}

/// One virtual address range of stage 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are register bits")]
pub struct Half {
    /// 64 - TxSZ; `None` if TxSZ is out of range, which faults (AArch64.S1TxSZFaults).
    pub input_bits: Option<u8>,
    /// The granule.
    pub granule: Granule,
    /// Top byte ignored for data.
    pub tbi_data: bool,
    /// Top byte ignored for instruction addresses.
    pub tbi_instruction: bool,
    /// Walks are disabled.
    pub epd: bool,
    /// EL0 accesses fault.
    pub e0pd: bool,
    /// Hierarchical permissions are disabled.
    pub hpd: bool,
    /// Descriptors have the FEAT_LPA2 layout.
    pub ds: bool,
    /// Shareability of table walks, and of output with DS.
    pub sh: u8,
}

/// Stage 1 of a regime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are register bits")]
pub struct Stage1 {
    /// Whose tables these are.
    pub regime: Regime,
    /// Whether stage 1 is on (AArch64.S1Enabled).
    pub enabled: bool,
    /// HCR_EL2.DC = 1: untranslated memory is Normal Write-Back.
    pub default_cacheable: bool,
    /// SCTLR_ELx.I.
    pub instruction_cache: bool,
    /// SCTLR_ELx.C.
    pub data_cache: bool,
    /// Implemented physical address bits.
    pub pa_bits: u8,
    /// Output address bits (IPS or PS).
    pub output_bits: u8,
    /// 64 KiB descriptors carry address bits 51:48.
    pub lpa: bool,
    /// The TTBR0 and the TTBR1 range; the same twice in the EL2 regime.
    pub halves: [Half; 2],
    /// MAIR_ELx.
    pub mair: u64,
    /// SCTLR_ELx.WXN.
    pub wxn: bool,
    /// SCTLR_ELx.EPAN.
    pub epan: bool,
    /// Hardware sets the Access flag.
    pub ha: bool,
    /// Hardware sets the dirty state.
    pub hd: bool,
    /// Descriptors are big-endian.
    pub big_endian: bool,
    /// HCR_EL2.{NV,NV1} = {1,1} changes permission bits of EL1&0 descriptors.
    pub nv1: bool,
    /// PIR_ELx and PIRE0_ELx when permissions are indirect.
    pub indirect: Option<(u64, u64)>,
}

/// Stage 2 of the EL1&0 regime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are register bits")]
pub struct Stage2 {
    /// 64 - T0SZ; `None` if T0SZ or SL0 is out of range or they do not fit, which faults.
    pub input_bits: Option<u8>,
    /// Level at which walks start.
    pub start_level: i8,
    /// The granule.
    pub granule: Granule,
    /// Output address bits (PS).
    pub output_bits: u8,
    /// 64 KiB descriptors carry address bits 51:48.
    pub lpa: bool,
    /// Descriptors have the FEAT_LPA2 layout.
    pub ds: bool,
    /// VTCR_EL2.SH0.
    pub sh: u8,
    /// Hardware sets the Access flag.
    pub ha: bool,
    /// Hardware sets the dirty state.
    pub hd: bool,
    /// FEAT_XNX: execution of EL0 and EL1 apart.
    pub xnx: bool,
    /// HCR_EL2.FWB.
    pub fwb: bool,
    /// HCR_EL2.PTW: stage 1 tables in Device memory fault.
    pub protect_walks: bool,
    /// HCR_EL2.CD.
    pub data_cache_off: bool,
    /// HCR_EL2.ID.
    pub instruction_cache_off: bool,
    /// Descriptors are big-endian (SCTLR_EL2.EE).
    pub big_endian: bool,
    /// S2PIR_EL2 when permissions are indirect.
    pub indirect: Option<u64>,
}

impl Default for Stage2 {
    /// 4 KiB pages, 40-bit input from level 1, 48-bit output.
    fn default() -> Self {
        Self {
            input_bits: Some(40),
            start_level: 1,
            granule: Granule::K4,
            output_bits: 48,
            lpa: false,
            ds: false,
            sh: 0,
            ha: false,
            hd: false,
            xnx: true,
            fwb: false,
            protect_walks: false,
            data_cache_off: false,
            instruction_cache_off: false,
            big_endian: false,
            indirect: None,
        }
    }
}

/// Everything but the table bases that a walk depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkConfig {
    /// Stage 1, which may be off.
    pub stage1: Stage1,
    /// Stage 2 if it is on.
    pub stage2: Option<Stage2>,
}

impl WalkConfig {
    /// Decodes the registers of a regime.
    #[must_use]
    pub fn new(regime: Regime, registers: &Registers, features: &MmuFeatures) -> Self {
        let host = hcr_el2::E2H.is_set(registers.hcr) && hcr_el2::TGE.is_set(registers.hcr);
        let stage2 = regime == Regime::El10
            && !host
            && (hcr_el2::VM.is_set(registers.hcr) || hcr_el2::DC.is_set(registers.hcr));
        Self {
            stage1: Stage1::new(regime, registers, features),
            stage2: stage2.then(|| Stage2::new(registers, features)),
        }
    }
}

impl Stage1 {
    fn new(regime: Regime, registers: &Registers, features: &MmuFeatures) -> Self {
        let Registers { sctlr, tcr, hcr, .. } = *registers;
        let el10 = regime == Regime::El10;
        let two = regime.has_unprivileged();
        let default_cacheable = el10 && hcr_el2::DC.is_set(hcr) && !hcr_el2::TGE.is_set(hcr);
        let off_by_hcr = el10 && (hcr_el2::DC.is_set(hcr) || hcr_el2::TGE.is_set(hcr));
        let (ips, ha, hd, ds) = if two {
            (tcr_el1::IPS.get(tcr), tcr_el1::HA.is_set(tcr), tcr_el1::HD.is_set(tcr), tcr_el1::DS.is_set(tcr))
        } else {
            (tcr_el2::PS.get(tcr), tcr_el2::HA.is_set(tcr), tcr_el2::HD.is_set(tcr), tcr_el2::DS.is_set(tcr))
        };
        let halves = if two {
            [LOWER, UPPER].map(|fields| Half::new(&fields, tcr, ds, features))
        } else {
            [Half::new(&EL2, tcr, ds, features); 2]
        };
        let wide = halves.iter().any(|half| half.ds || half.granule == Granule::K64);
        let output_bits = output_size(ips).min(features.pa_bits).min(if wide { 52 } else { 48 });
        let pie = features.s1pie
            && if two { tcr2_el1::PIE.is_set(registers.tcr2) } else { tcr2_el2::PIE.is_set(registers.tcr2) };
        Self {
            regime,
            enabled: sctlr_el1::M.is_set(sctlr) && !off_by_hcr,
            default_cacheable,
            instruction_cache: sctlr_el1::I.is_set(sctlr),
            data_cache: sctlr_el1::C.is_set(sctlr),
            pa_bits: features.pa_bits,
            output_bits,
            lpa: features.lpa,
            halves,
            mair: registers.mair,
            wxn: sctlr_el1::WXN.is_set(sctlr),
            epan: features.epan && sctlr_el1::EPAN.is_set(sctlr),
            ha: features.access_flag && ha,
            hd: features.dirty_state && ha && hd,
            big_endian: sctlr_el1::EE.is_set(sctlr),
            nv1: el10 && hcr_el2::NV.is_set(hcr) && hcr_el2::NV1.is_set(hcr),
            indirect: pie.then_some((registers.pir, registers.pire0)),
        }
    }
}

/// Where TCR_ELx holds the fields of one range.
struct HalfFields {
    size: Field,
    granule: fn(u64) -> Granule,
    tbi: Field,
    tbid: Field,
    /// The ranges of a regime without EL0 cannot be disabled.
    epd: Option<Field>,
    e0pd: Option<Field>,
    hpd: Field,
    sh: Field,
}

const LOWER: HalfFields = HalfFields {
    size: tcr_el1::T0SZ,
    granule: |tcr| Granule::from_tg0(tcr_el1::TG0.get(tcr)),
    tbi: tcr_el1::TBI0,
    tbid: tcr_el1::TBID0,
    epd: Some(tcr_el1::EPD0),
    e0pd: Some(tcr_el1::E0PD0),
    hpd: tcr_el1::HPD0,
    sh: tcr_el1::SH0,
};

const UPPER: HalfFields = HalfFields {
    size: tcr_el1::T1SZ,
    granule: |tcr| Granule::from_tg1(tcr_el1::TG1.get(tcr)),
    tbi: tcr_el1::TBI1,
    tbid: tcr_el1::TBID1,
    epd: Some(tcr_el1::EPD1),
    e0pd: Some(tcr_el1::E0PD1),
    hpd: tcr_el1::HPD1,
    sh: tcr_el1::SH1,
};

const EL2: HalfFields = HalfFields {
    size: tcr_el2::T0SZ,
    granule: |tcr| Granule::from_tg0(tcr_el2::TG0.get(tcr)),
    tbi: tcr_el2::TBI,
    tbid: tcr_el2::TBID,
    epd: None,
    e0pd: None,
    hpd: tcr_el2::HPD,
    sh: tcr_el2::SH0,
};

impl Half {
    fn new(fields: &HalfFields, tcr: u64, ds: bool, features: &MmuFeatures) -> Self {
        let granule = (fields.granule)(tcr);
        let ds = MmuFeatures::ds(features.lpa2, granule, ds);
        let tbi = fields.tbi.is_set(tcr);
        let is_set = |field: Option<Field>| field.is_some_and(|field| field.is_set(tcr));
        Self {
            input_bits: stage1_input_bits(fields.size.get(tcr), granule, ds, features),
            granule,
            tbi_data: tbi,
            tbi_instruction: tbi && !fields.tbid.is_set(tcr),
            epd: is_set(fields.epd),
            e0pd: features.e0pd && is_set(fields.e0pd),
            hpd: features.hpds && fields.hpd.is_set(tcr),
            ds,
            sh: fields.sh.get(tcr) as u8,
        }
    }
}

impl Stage2 {
    fn new(registers: &Registers, features: &MmuFeatures) -> Self {
        let Registers { vtcr, hcr, .. } = *registers;
        let granule = Granule::from_tg0(vtcr_el2::TG0.get(vtcr));
        let ds = MmuFeatures::ds(features.lpa2_stage2, granule, vtcr_el2::DS.is_set(vtcr));
        let start_level = stage2_start_level(granule, vtcr, ds, features.pa_bits);
        let wide = ds || granule == Granule::K64;
        let output_bits =
            output_size(vtcr_el2::PS.get(vtcr)).min(features.pa_bits).min(if wide { 52 } else { 48 });
        let ha = features.access_flag && vtcr_el2::HA.is_set(vtcr);
        Self {
            input_bits: start_level.and_then(|level| stage2_input_bits(vtcr, granule, ds, level, features)),
            start_level: start_level.unwrap_or_default(),
            granule,
            output_bits,
            lpa: features.lpa,
            ds,
            sh: vtcr_el2::SH0.get(vtcr) as u8,
            ha,
            hd: features.dirty_state && ha && vtcr_el2::HD.is_set(vtcr),
            xnx: features.xnx,
            fwb: hcr_el2::FWB.is_set(hcr),
            protect_walks: hcr_el2::PTW.is_set(hcr),
            data_cache_off: hcr_el2::CD.is_set(hcr),
            instruction_cache_off: hcr_el2::ID.is_set(hcr),
            big_endian: false,
            indirect: (features.s2pie && vtcr_el2::S2PIE.is_set(vtcr)).then_some(registers.s2pir),
        }
    }
}

/// AArch64.S1MinTxSZ, AArch64.MaxTxSZ: too small faults, too large acts as the maximum.
fn stage1_input_bits(txsz: u64, granule: Granule, ds: bool, features: &MmuFeatures) -> Option<u8> {
    let min = if ds || (features.lva && granule == Granule::K64) { 12 } else { 16 };
    let txsz = (txsz as u8).min(features.max_txsz(granule));
    (txsz >= min).then_some(64 - txsz)
}

/// AArch64.S2StartLevel and AArch64.S2InvalidSL.
fn stage2_start_level(granule: Granule, vtcr: u64, ds: bool, pa_bits: u8) -> Option<i8> {
    let sl2 = ds && granule == Granule::K4 && vtcr_el2::SL2.is_set(vtcr);
    match (granule, vtcr_el2::SL0.get(vtcr), sl2) {
        (Granule::K4, 0b00, true) => Some(-1),
        (Granule::K4, _, true) => None,
        (Granule::K4, 0b00, false) => Some(2),
        (Granule::K4, 0b01, false) => Some(1),
        (Granule::K4, 0b10, false) => (pa_bits >= 44).then_some(0),
        (Granule::K4, _, false) => Some(3),
        (Granule::K16, 0b00, _) => Some(3),
        (Granule::K16, 0b01, _) => Some(2),
        (Granule::K16, 0b10, _) => (pa_bits >= 42).then_some(1),
        (Granule::K16, _, _) => ds.then_some(0),
        (Granule::K64, 0b00, _) => Some(3),
        (Granule::K64, 0b01, _) => Some(2),
        (Granule::K64, 0b10, _) => (pa_bits >= 44).then_some(1),
        (Granule::K64, _, _) => None,
    }
}

/// AArch64.S2TxSZFaults and AArch64.S2InconsistentSL: at most sixteen tables are concatenated.
fn stage2_input_bits(
    vtcr: u64,
    granule: Granule,
    ds: bool,
    start_level: i8,
    features: &MmuFeatures,
) -> Option<u8> {
    let max_bits = if granule == Granule::K64 || ds { features.pa_bits } else { features.pa_bits.min(48) };
    let t0sz = (vtcr_el2::T0SZ.get(vtcr) as u8).min(features.max_txsz(granule));
    let bits = 64 - t0sz;
    let least = granule.block_log2(start_level) + 1;
    let most = least - 1 + granule.stride() + 4;
    (bits <= max_bits && (least..=most).contains(&bits)).then_some(bits)
}
