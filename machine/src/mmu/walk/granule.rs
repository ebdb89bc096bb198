//! Translation granules and the address fields of descriptors.

/// A translation granule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Granule {
    /// 4 KiB.
    K4,
    /// 16 KiB.
    K16,
    /// 64 KiB.
    K64,
}

/// The last level of every walk.
pub(super) const FINAL_LEVEL: i8 = 3;

impl Granule {
    /// TCR_ELx.TG0 and VTCR_EL2.TG0. The reserved value acts as 4 KiB.
    #[must_use]
    pub fn from_tg0(tg0: u64) -> Self {
        match tg0 {
            0b01 => Granule::K64,
            0b10 => Granule::K16,
            _ => Granule::K4,
        }
    }

    /// TCR_ELx.TG1. The reserved value acts as 4 KiB.
    #[must_use]
    pub fn from_tg1(tg1: u64) -> Self {
        match tg1 {
            0b01 => Granule::K16,
            0b11 => Granule::K64,
            _ => Granule::K4,
        }
    }

    /// log2 of the page size (TGxGranuleBits).
    #[must_use]
    pub fn page_log2(self) -> u8 {
        match self {
            Granule::K4 => 12,
            Granule::K16 => 14,
            Granule::K64 => 16,
        }
    }

    /// Address bits that one level resolves.
    #[must_use]
    pub fn stride(self) -> u8 {
        self.page_log2() - 3
    }

    /// log2 of what one descriptor at `level` maps (TranslationSize).
    #[must_use]
    pub fn block_log2(self, level: i8) -> u8 {
        self.page_log2() + self.stride() * (FINAL_LEVEL - level).unsigned_abs()
    }

    /// The level at which a walk of `input_bits` starts when the table is not concatenated (AArch64.S1StartLevel).
    #[must_use]
    pub fn start_level(self, input_bits: u8) -> i8 {
        let levels = (input_bits - 1).saturating_sub(self.page_log2()) / self.stride();
        FINAL_LEVEL - levels.cast_signed()
    }

    /// Tells whether a block descriptor may stand at `level` (AArch64.BlockDescSupported). `wide` is DS for
    /// 4 KiB and 16 KiB granules and a 52-bit output size for 64 KiB.
    #[must_use]
    pub fn block_allowed(self, level: i8, wide: bool) -> bool {
        match self {
            Granule::K4 => level == 2 || level == 1 || (level == 0 && wide),
            Granule::K16 | Granule::K64 => level == 2 || (level == 1 && wide),
        }
    }

    /// The output or next-table address in a descriptor, down to the page size (AArch64.LeafBase, NextTableBase).
    #[must_use]
    pub fn descriptor_address(self, descriptor: u64, ds: bool, lpa: bool) -> u64 {
        let page_mask = !((1_u64 << self.page_log2()) - 1);
        match self {
            Granule::K64 if lpa => bits(descriptor, 47, 16) | ((descriptor >> 12) & 0xf) << 48,
            Granule::K64 => bits(descriptor, 47, 16),
            _ if ds => bits(descriptor, 49, 12) & page_mask | ((descriptor >> 8) & 3) << 50,
            _ => bits(descriptor, 47, 12) & page_mask,
        }
    }

    /// The address of the first table in a TTBR, aligned as a table of `index_bits` entries must be (AArch64.TTBaseAddress).
    #[must_use]
    pub fn table_base(self, ttbr: u64, index_bits: u8, output_bits: u8, ds: bool) -> u64 {
        let wide = output_bits == 52 && (self == Granule::K64 || ds);
        let (base, least) =
            if wide { (bits(ttbr, 47, 6) | ((ttbr >> 2) & 0xf) << 48, 6) } else { (bits(ttbr, 47, 1), 1) };
        base & !((1_u64 << (index_bits + 3).max(least)) - 1)
    }
}

/// The bits `msb..=lsb` of a value, in place.
fn bits(value: u64, msb: u8, lsb: u8) -> u64 {
    value & (u64::MAX >> (63 - msb)) & (u64::MAX << lsb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_levels_match_the_manuals_tables() {
        assert_eq!(Granule::K4.start_level(52), -1);
        assert_eq!(Granule::K4.start_level(48), 0);
        assert_eq!(Granule::K4.start_level(39), 1);
        assert_eq!(Granule::K4.start_level(30), 2);
        assert_eq!(Granule::K4.start_level(21), 3);
        assert_eq!(Granule::K4.start_level(16), 3);
        assert_eq!(Granule::K16.start_level(48), 0);
        assert_eq!(Granule::K16.start_level(47), 1);
        assert_eq!(Granule::K64.start_level(52), 1);
        assert_eq!(Granule::K64.start_level(42), 2);
        assert_eq!(Granule::K64.start_level(29), 3);
    }

    #[test]
    fn wide_addresses_come_from_the_low_descriptor_bits() {
        assert_eq!(
            Granule::K64.descriptor_address(0x0000_1234_5678_a003, false, true),
            0xa_1234_5678_0000 & !0xffff
        );
        assert_eq!(Granule::K4.descriptor_address(0x0003_1234_5678_9303, true, true), 0xf_1234_5678_9000);
        assert_eq!(Granule::K4.descriptor_address(0x0003_1234_5678_9303, false, true), 0x1234_5678_9000);
    }
}
