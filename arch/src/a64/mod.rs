//! A64 instruction encodings and the decoder.
//!
//! One row for each encoding of the manual, SVE and SME included, so that an instruction that nobody
//! implements still has a name. The checks that an encoding's own pseudocode makes (reserved sizes,
//! register overlaps) are the executor's.

use core::fmt;

use crate::expr::Expr;

#[rustfmt::skip]
mod generated;

use generated::{CANDIDATES, GROUP_PATHS, ROWS, STARTS};
pub use generated::{Encoding, Group};

struct Row {
    encoding: Encoding,
    name: &'static str,
    group: Group,
    mask: u32,
    value: u32,
    feature: &'static Expr,
}

/// Number of encodings.
pub const COUNT: usize = ROWS.len();

/// Names the encoding of an instruction word, or nothing if the word is unallocated.
///
/// Bits that the manual prints as (0) or (1) are not looked at.
#[must_use]
pub fn decode(word: u32) -> Option<Encoding> {
    let bucket = (word >> 21 & 0xff) as usize;
    let list = &CANDIDATES[STARTS[bucket].into()..STARTS[bucket + 1].into()];
    let immh_is_zero = word >> 19 & 0xf == 0;
    // The most specific mask comes first, so the first match is the encoding: the only rows that
    // overlap otherwise are those that immh tells apart.
    list.iter().filter(|(mask, value, _)| word & mask == *value).map(|(_, _, encoding)| *encoding).find(
        |encoding| match encoding.group() {
            Group::SimdDpAsimdimm => immh_is_zero,
            Group::SimdDpAsimdshf => !immh_is_zero,
            _ => true,
        },
    )
}

impl Encoding {
    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// Every encoding, in the order of the table.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        ROWS.iter().map(|r| r.encoding)
    }

    /// The name, which is that of the manual's machine-readable tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The group that the encoding belongs to.
    #[must_use]
    pub fn group(self) -> Group {
        self.row().group
    }

    /// The bits that the encoding fixes, those printed as (0) or (1) left out.
    #[must_use]
    pub fn mask(self) -> u32 {
        self.row().mask
    }

    /// The values of the bits of [`Encoding::mask`].
    #[must_use]
    pub fn value(self) -> u32 {
        self.row().value
    }

    /// The features that the encoding needs; `Const(false)` for encodings newer than the feature table.
    ///
    /// A hint whose feature is absent is a NOP, any other encoding is then UNDEFINED.
    #[must_use]
    pub fn feature(self) -> &'static Expr {
        self.row().feature
    }
}

impl Group {
    /// The path of the group in the encoding tables, as in `ldst/ldst_pos`.
    #[must_use]
    pub fn path(self) -> &'static str {
        GROUP_PATHS[self as usize]
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode_fixed_bits_of_any_row_gives_that_row() {
        for e in Encoding::all() {
            let open = !e.mask();
            // With all open bits set, a row that is a special case of another may be meant instead,
            // so try words between the two extremes as well.
            let words =
                [0, open & 0x5555_5555, open & 0x0018_0421, open & 0x0123_4567, open & 0x00fe_dcba, open];
            assert!(words.iter().any(|w| decode(e.value() | w) == Some(e)), "{e}");
        }
    }

    #[test]
    fn decode_known_words_gives_the_assembler_s_meaning() {
        let known = [
            (0x9100_0420, "ADD_64_addsub_imm"),
            (0xf940_0001, "LDR_64_ldst_pos"),
            (0xd503_201f, "NOP_HI_hints"),
            (0xd69f_03e0, "ERET_64E_branch_reg"),
            (0xd538_1000, "MRS_RS_systemmove"),
            (0xd51c_1100, "MSR_SR_systemmove"),
            (0xd508_831f, "SYS_CR_systeminstrs"),
            (0xd503_3fdf, "ISB_BI_barriers"),
            (0xd400_0002, "HVC_EX_exception"),
            (0x4f00_0400, "MOVI_asimdimm_L_sl"),
            (0x0f08_0420, "SSHR_asimdshf_R"),
            (0x4820_7c20, "CASP_CP64_comswappr"),
        ];
        for (word, name) in known {
            assert_eq!(decode(word).map_or("none", Encoding::name), name, "{word:#x}");
        }
    }

    #[test]
    fn decode_unallocated_word_gives_nothing() {
        assert_eq!(decode(0xffff_ffff), None);
    }
}
