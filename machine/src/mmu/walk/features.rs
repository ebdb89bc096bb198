//! The features of address translation, from the ID registers.

use droste_arch::fields::{id_aa64mmfr0_el1, id_aa64mmfr1_el1, id_aa64mmfr2_el1, id_aa64mmfr3_el1};

use super::Granule;

/// Features that change walking, from the ID registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of independent features")]
pub struct MmuFeatures {
    /// Implemented physical address bits, 32 to 52.
    pub pa_bits: u8,
    /// FEAT_LPA: 52-bit addresses with 64 KiB pages.
    pub lpa: bool,
    /// FEAT_LVA.
    pub lva: bool,
    /// FEAT_LPA2 at stage 1 for 4 KiB and 16 KiB granules.
    pub lpa2: [bool; 2],
    /// FEAT_LPA2 at stage 2 for 4 KiB and 16 KiB granules.
    pub lpa2_stage2: [bool; 2],
    /// FEAT_TTST: TxSZ up to 48 (47 with 64 KiB pages).
    pub ttst: bool,
    /// Hardware Access flag (FEAT_HAFDBS, first level).
    pub access_flag: bool,
    /// Hardware dirty state (FEAT_HAFDBS, second level).
    pub dirty_state: bool,
    /// FEAT_HPDS.
    pub hpds: bool,
    /// FEAT_E0PD.
    pub e0pd: bool,
    /// FEAT_XNX.
    pub xnx: bool,
    /// FEAT_PAN3, the one with SCTLR_ELx.EPAN.
    pub epan: bool,
    /// FEAT_S1PIE.
    pub s1pie: bool,
    /// FEAT_S2PIE.
    pub s2pie: bool,
    /// 16-bit VMIDs.
    pub vmid16: bool,
    /// 16-bit ASIDs.
    pub asid16: bool,
}

impl MmuFeatures {
    /// Reads the ID registers.
    #[must_use]
    pub fn from_id_registers(mmfr0: u64, mmfr1: u64, mmfr2: u64, mmfr3: u64) -> Self {
        let pa_bits = output_size(id_aa64mmfr0_el1::PARange.get(mmfr0));
        let lpa2 = [id_aa64mmfr0_el1::TGran4.get(mmfr0) == 1, id_aa64mmfr0_el1::TGran16.get(mmfr0) == 2];
        let stage2 = |field: u64, stage1: bool| if field == 0 { stage1 } else { field >= 3 };
        Self {
            pa_bits,
            lpa: pa_bits == 52,
            lva: id_aa64mmfr2_el1::VARange.get(mmfr2) >= 1,
            lpa2,
            lpa2_stage2: [
                stage2(id_aa64mmfr0_el1::TGran4_2.get(mmfr0), lpa2[0]),
                stage2(id_aa64mmfr0_el1::TGran16_2.get(mmfr0), lpa2[1]),
            ],
            ttst: id_aa64mmfr2_el1::ST.get(mmfr2) >= 1,
            access_flag: id_aa64mmfr1_el1::HAFDBS.get(mmfr1) >= 1,
            dirty_state: id_aa64mmfr1_el1::HAFDBS.get(mmfr1) >= 2,
            hpds: id_aa64mmfr1_el1::HPDS.get(mmfr1) >= 1,
            e0pd: id_aa64mmfr2_el1::E0PD.get(mmfr2) >= 1,
            xnx: id_aa64mmfr1_el1::XNX.get(mmfr1) >= 1,
            epan: id_aa64mmfr1_el1::PAN.get(mmfr1) >= 3,
            s1pie: id_aa64mmfr3_el1::S1PIE.get(mmfr3) >= 1,
            s2pie: id_aa64mmfr3_el1::S2PIE.get(mmfr3) >= 1,
            vmid16: id_aa64mmfr1_el1::VMIDBits.get(mmfr1) == 2,
            asid16: id_aa64mmfr0_el1::ASIDBits.get(mmfr0) == 2,
        }
    }

    pub(super) fn max_txsz(&self, granule: Granule) -> u8 {
        match granule {
            _ if !self.ttst => 39,
            Granule::K64 => 47,
            Granule::K4 | Granule::K16 => 48,
        }
    }

    pub(super) fn ds(table: [bool; 2], granule: Granule, ds: bool) -> bool {
        ds && match granule {
            Granule::K4 => table[0],
            Granule::K16 => table[1],
            Granule::K64 => false,
        }
    }
}

/// IPS, PS and PARange: address bits (AArch64.PhysicalAddressSize). Reserved values act as 52, and are capped by the caller.
pub(super) fn output_size(code: u64) -> u8 {
    match code {
        0b000 => 32,
        0b001 => 36,
        0b010 => 40,
        0b011 => 42,
        0b100 => 44,
        0b101 => 48,
        _ => 52,
    }
}
