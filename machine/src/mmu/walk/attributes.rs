//! Memory attributes: stage 1 indexes MAIR, stage 2 has its own encoding, and both combine.

use super::{Kind, Stage2};

/// The MAIR byte of Normal memory, Inner and Outer Write-Back, non-transient, allocating.
pub const MAIR_NORMAL_WB: u8 = 0xff;
/// The MAIR byte of Normal memory, Inner and Outer Non-cacheable.
const MAIR_NORMAL_NC: u8 = 0x44;

/// Memory type and shareability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// The type in the encoding of a MAIR_ELx byte.
    pub mair: u8,
    /// Shareability: 0 none, 2 outer, 3 inner.
    pub shareability: u8,
}

/// What a stage 2 leaf says about memory attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stage2Attributes {
    /// `MemAttr[3:0]`, descriptor bits 5:2.
    pub(super) mem_attr: u8,
    /// SH, descriptor bits 9:8 (or VTCR_EL2.SH0 with DS = 1).
    pub(super) shareability: u8,
}

impl Attributes {
    /// Device-nGnRnE.
    pub const DEVICE: Self = Self { mair: 0, shareability: 2 };

    /// Attributes of a MAIR byte (S1DecodeMemAttrs). Device and Non-cacheable memory are always Outer Shareable.
    #[must_use]
    pub fn from_mair(mair: u8, shareability: u8) -> Self {
        let outer = mair & 0xf0 == 0 || mair == MAIR_NORMAL_NC || mair == 0x40;
        Self { mair, shareability: if outer { 2 } else { shareability } }
    }

    /// Tells whether this is any Device type.
    #[must_use]
    pub fn is_device(self) -> bool {
        // 0bxxxx_xx01 with a zero high nibble selects FEAT_XS types of Normal memory only from 0x40 up.
        self.mair & 0xf0 == 0
    }

    /// Combines stage 1 (self) with stage 2 (S2CombineS1MemAttrs, AArch64.S2ApplyFWBMemAttrs).
    pub(super) fn combine(self, s2: Stage2Attributes, config: &Stage2, kind: Kind) -> Self {
        let combined = if config.fwb { self.force(s2) } else { self.weakest(s2) };
        let disabled =
            if kind == Kind::Execute { config.instruction_cache_off } else { config.data_cache_off };
        if disabled && !combined.is_device() {
            return Self::from_mair(MAIR_NORMAL_NC, 2);
        }
        combined
    }

    /// HCR_EL2.FWB = 1: stage 2 decides, or passes stage 1 through.
    fn force(self, s2: Stage2Attributes) -> Self {
        let shareability =
            self.shareability.max(s2.shareability & !1) | (self.shareability | s2.shareability) & 1;
        let shareability = if shareability == 1 { 3 } else { shareability };
        match s2.mem_attr & 0b0111 {
            device @ 0b000..=0b011 if self.is_device() => Self::from_mair(self.mair.min(device << 2), 2),
            device @ 0b000..=0b011 => Self::from_mair(device << 2, 2),
            0b101 if self.is_device() => self,
            0b101 => Self::from_mair(MAIR_NORMAL_NC, 2),
            0b110 => Self::from_mair(MAIR_NORMAL_WB, shareability),
            _ => self,
        }
    }

    /// HCR_EL2.FWB = 0: the weaker cacheability, the stronger ordering, the wider shareability.
    fn weakest(self, s2: Stage2Attributes) -> Self {
        if s2.mem_attr & 0b1100 == 0 {
            let device = (s2.mem_attr & 3) << 2;
            return Self::from_mair(if self.is_device() { self.mair.min(device) } else { device }, 2);
        }
        if self.is_device() {
            return self;
        }
        let outer = weaker(self.mair >> 4, s2.mem_attr >> 2);
        let inner = weaker(self.mair & 0xf, s2.mem_attr & 3);
        let shareability = match (self.shareability, s2.shareability) {
            (2, _) | (_, 2) => 2,
            (3, _) | (_, 3) => 3,
            _ => 0,
        };
        Self::from_mair(outer << 4 | inner, shareability)
    }
}

/// The weaker of a MAIR nibble and a stage 2 two-bit cacheability (1 Non-cacheable, 2 Write-Through, 3 Write-Back).
fn weaker(s1: u8, s2: u8) -> u8 {
    const NON_CACHEABLE: u8 = 0b0100;
    match s2 {
        _ if s1 == NON_CACHEABLE => NON_CACHEABLE,
        0 | 1 => NON_CACHEABLE,
        // Write-Through keeps the stage 1 allocation hints in bits 1:0.
        2 => 0b1000 | s1 & 3,
        _ => s1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn combine(mair: u8, mem_attr: u8, fwb: bool) -> u8 {
        let config = Stage2 { fwb, ..Stage2::default() };
        let s2 = Stage2Attributes { mem_attr, shareability: 3 };
        Attributes::from_mair(mair, 3).combine(s2, &config, Kind::Read).mair
    }

    #[test]
    fn without_fwb_the_weaker_type_wins() {
        assert_eq!(combine(0xff, 0b1111, false), 0xff);
        assert_eq!(combine(0xff, 0b0101, false), 0x44);
        assert_eq!(combine(0x44, 0b1111, false), 0x44);
        assert_eq!(combine(0xff, 0b0001, false), 0x04);
        assert_eq!(combine(0x0c, 0b0001, false), 0x04);
        assert_eq!(combine(0x04, 0b1111, false), 0x04);
    }

    #[test]
    fn with_fwb_stage_2_decides() {
        assert_eq!(combine(0x44, 0b0110, true), 0xff);
        assert_eq!(combine(0x04, 0b0110, true), 0xff);
        assert_eq!(combine(0x44, 0b0111, true), 0x44);
        assert_eq!(combine(0xff, 0b0101, true), 0x44);
        assert_eq!(combine(0xff, 0b0001, true), 0x04);
    }
}
