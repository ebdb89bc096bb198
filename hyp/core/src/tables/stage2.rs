//! Stage 2: the shape of the host's tables on this CPU, and the attributes of its leaves.

use super::Attributes;
use droste_arch::fields::vtcr_el2;
use droste_arch::vmsa::stage2 as s2;

/// What is behind an IPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage2Kind {
    /// Normal write-back memory; the host's stage 1 may weaken that.
    Memory,
    /// Device-nGnRE, never executed.
    Device,
}

/// The attributes of a kind, readable and writable.
#[must_use]
pub const fn stage2_attributes(kind: Stage2Kind) -> Attributes {
    let common = s2::AF.mask() | s2::READ.mask() | s2::WRITE.mask();
    Attributes(match kind {
        Stage2Kind::Memory => s2::SH.with(s2::MEM_ATTR.with(common, 0b1111), 3),
        Stage2Kind::Device => s2::XN.with(s2::MEM_ATTR.with(common, 0b0001), 0b10),
    })
}

/// How many bits of IPA, where walks start, and how many tables the root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage2Layout {
    /// Bits of IPA: all that the CPU has of PA, but at most 48.
    pub input_bits: u8,
    /// The level of the root.
    pub start_level: u8,
    /// Tables in the root, which has to be aligned to its size.
    pub root_count: usize,
    pa_range: u64,
}

impl Stage2Layout {
    /// The layout for an ID_AA64MMFR0_EL1.PARange. Level 0 is used only beyond 42 bits, where every CPU has it (D8.2.7).
    #[must_use]
    pub const fn for_pa_range(pa_range: u64) -> Stage2Layout {
        let (input_bits, pa_range) = match pa_range {
            0 => (32, 0),
            1 => (36, 1),
            2 => (40, 2),
            3 => (42, 3),
            4 => (44, 4),
            _ => (48, 5),
        };
        let start_level = if input_bits > 42 { 0 } else { 1 };
        let root_count = if start_level == 1 && input_bits > 39 { 1 << (input_bits - 39) } else { 1 };
        Stage2Layout { input_bits, start_level, root_count, pa_range }
    }

    /// VTCR_EL2: 4 KiB granule, walks inner shareable and write-back.
    #[must_use]
    pub const fn vtcr(self) -> u64 {
        let v = vtcr_el2::T0SZ.with(RES1, 64 - self.input_bits as u64);
        let v = vtcr_el2::SL0.with(v, if self.start_level == 0 { 2 } else { 1 });
        let v = vtcr_el2::IRGN0.with(v, 1);
        let v = vtcr_el2::ORGN0.with(v, 1);
        let v = vtcr_el2::SH0.with(v, 3);
        vtcr_el2::PS.with(v, self.pa_range)
    }
}

/// VTCR_EL2[31].
const RES1: u64 = 0x8000_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_follow_the_physical_address_size() {
        let of = |range| {
            let l = Stage2Layout::for_pa_range(range);
            (l.input_bits, l.start_level, l.root_count)
        };
        assert_eq!(of(0), (32, 1, 1));
        assert_eq!(of(2), (40, 1, 2));
        assert_eq!(of(3), (42, 1, 8));
        assert_eq!(of(4), (44, 0, 1));
        assert_eq!(of(6), (48, 0, 1), "52 bits need descriptors that we do not use");
    }

    #[test]
    fn vtcr_of_a_40_bit_cpu_has_the_manuals_fields() {
        // T0SZ 24, SL0 1, IRGN0 and ORGN0 1, SH0 3, PS 2, bit 31.
        assert_eq!(Stage2Layout::for_pa_range(2).vtcr(), 0x8000_0000 | 2 << 16 | 0x3500 | 0x40 | 24);
    }
}
