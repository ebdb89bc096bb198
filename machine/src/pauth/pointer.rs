//! Where a pointer keeps its code: AddPAC, Auth and Strip of the manual.

use super::{Algorithm, Key};

/// What the CPU's features make of the code in a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// FEAT_PAuth alone: the code of a pointer that is not canonical has one bit inverted, and a failed
    /// authentication puts an error code into the pointer.
    Base,
    /// FEAT_EPAC: as `Base`, but the code of a pointer that is not canonical is zero.
    Epac,
    /// FEAT_PAuth2: the code is combined with the pointer's upper bits by exclusive OR.
    Pauth2,
}

/// How pointers of one kind (data or instruction) divide into tag, code and address in one translation
/// regime. Index 0 is the lower, 1 the upper range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Whether the regime has an upper range of addresses.
    pub two_ranges: bool,
    /// Whether the top byte is ignored, TBI and TBID taken together. Both are equal with one range.
    pub tbi: [bool; 2],
    /// CalculateBottomPACBit: the number of address bits. Both are equal with one range.
    pub bottom: [u8; 2],
    /// FEAT_CONSTPACFIELD: bit 55 alone tells the ranges apart when a code is added.
    pub const_field: bool,
    /// What is done with the code.
    pub variant: Variant,
}

/// The outcome of an authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// The code was right; this is the pointer without it.
    Good(u64),
    /// The code was wrong; this is the pointer that the instruction returns if it does not fault.
    Bad(u64),
}

/// The masks of one range of pointers under FEAT_PAuth2, for code that knows nothing else of the layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct PointerRange {
    /// All bits above the address.
    pub(crate) above: u64,
    /// Those that hold the code.
    pub(crate) field: u64,
}

const BIT55: u64 = 1 << 55;
const TOP_BYTE: u64 = 0xff << 56;

impl Layout {
    /// The bits that may hold a code: all above the address except the tag and bit 55.
    fn field(&self, range: usize, tbi: bool) -> u64 {
        let above = u64::MAX << self.bottom[range] & !BIT55;
        if tbi { above & !TOP_BYTE } else { above }
    }

    /// The masks of both ranges, if they say everything about canonical pointers.
    pub(crate) fn ranges(&self) -> Option<[PointerRange; 2]> {
        (self.variant == Variant::Pauth2).then(|| {
            [0, 1].map(|range| PointerRange {
                above: u64::MAX << self.bottom[range],
                field: self.field(range, self.tbi[range]),
            })
        })
    }

    /// The pointer as it would be without a code, extended by `upper`.
    fn extend(&self, ptr: u64, upper: bool, tbi: bool) -> u64 {
        let field = self.field(usize::from(upper), tbi) | BIT55;
        if upper { ptr | field } else { ptr & !field }
    }

    /// AddPAC: puts the code for `modifier` into the pointer.
    #[must_use]
    pub fn add(&self, algorithm: Algorithm, ptr: u64, modifier: u64, key: Key) -> u64 {
        let range = usize::from(ptr & BIT55 != 0);
        let tbi = self.tbi[range];
        let select_by_55 = self.const_field || if self.two_ranges { self.tbi[0] || self.tbi[1] } else { tbi };
        let upper = if select_by_55 { ptr & BIT55 != 0 } else { ptr >> 63 != 0 };
        let mut pac = algorithm.compute(self.extend(ptr, upper, tbi), modifier, key);

        let bottom = self.bottom[usize::from(upper)];
        let field = self.field(usize::from(upper), tbi);
        let top_bit = if tbi { 55 } else { 63 };
        let extension = (ptr << (63 - top_bit)).cast_signed() >> (63 - top_bit + bottom);
        if extension != 0 && extension != -1 {
            match self.variant {
                Variant::Base => pac ^= 1 << (top_bit - 1),
                Variant::Epac => pac = 0,
                Variant::Pauth2 => {}
            }
        }
        if self.variant == Variant::Pauth2 {
            pac ^= ptr;
        }
        let bit55 = if upper { BIT55 } else { 0 };
        (ptr & !(field | BIT55)) | (pac & field) | bit55
    }

    /// Auth: checks the code. `is_b_key` selects the error code of the variants before FEAT_PAuth2.
    #[must_use]
    pub fn authenticate(
        &self,
        algorithm: Algorithm,
        ptr: u64,
        modifier: u64,
        key: Key,
        is_b_key: bool,
    ) -> Authentication {
        let upper = ptr & BIT55 != 0;
        let tbi = self.tbi[usize::from(upper)];
        let field = self.field(usize::from(upper), tbi);
        let original = self.extend(ptr, upper, tbi);
        let pac = algorithm.compute(original, modifier, key);
        if self.variant == Variant::Pauth2 {
            let result = ptr ^ (pac & field);
            return if result == original {
                Authentication::Good(original)
            } else {
                Authentication::Bad(result)
            };
        }
        if (pac ^ ptr) & field == 0 {
            return Authentication::Good(original);
        }
        let error_bit = if tbi { 53 } else { 61 };
        let error_code = if is_b_key { 0b10 } else { 0b01 };
        Authentication::Bad((original & !(0b11 << error_bit)) | error_code << error_bit)
    }

    /// Strip: the pointer without its code, unchecked.
    #[must_use]
    pub fn strip(&self, ptr: u64) -> u64 {
        let upper = ptr & BIT55 != 0;
        self.extend(ptr, upper, self.tbi[usize::from(upper)])
    }
}
