//! Fields of system registers, one module per register, named as in the Arm manual.
//!
//! `hcr_el2::TGE.is_set(value)`. A register whose layout depends on HCR_EL2.E2H has two modules: the
//! one for E2H = 1 ends in `_e2h`.

#[allow(non_upper_case_globals, non_snake_case, reason = "spelled as in the manual")]
#[rustfmt::skip]
mod generated;

pub use generated::*;

/// A register's name, whether it is the layout for HCR_EL2.E2H = 1, and its named fields.
type Named = (&'static str, bool, &'static [(&'static str, Field)]);

/// The named fields of a register, by the register's name in the manual; empty if none is known.
///
/// `e2h` asks for the layout with HCR_EL2.E2H = 1 where a register has two.
#[must_use]
pub fn of(register: &str, e2h: bool) -> &'static [(&'static str, Field)] {
    let of = |wanted: bool| {
        let mut rows = generated::NAMES.iter();
        rows.find(|(name, is_e2h, _)| *is_e2h == wanted && name.eq_ignore_ascii_case(register))
    };
    let found = if e2h { of(true).or_else(|| of(false)) } else { of(false) };
    found.map_or(&[], |(_, _, fields)| *fields)
}

/// The field of an ID register (ID_AA64...) with these names, in any case.
#[must_use]
pub fn id_field(register: &str, field: &str) -> Option<Field> {
    let known = register.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("ID_AA64"));
    let fields = if known { of(register, false) } else { &[] };
    fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, field)| *field)
}

/// A field of a register: position and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    lsb: u8,
    width: u8,
}

impl Field {
    /// The field that spans bits `msb` down to `lsb`.
    #[must_use]
    #[inline]
    pub const fn new(msb: u8, lsb: u8) -> Field {
        Field { lsb, width: msb - lsb + 1 }
    }

    /// The lowest bit number of the field.
    #[must_use]
    #[inline]
    pub const fn lsb(self) -> u8 {
        self.lsb
    }

    /// The mask of the field in the register.
    #[must_use]
    #[inline]
    pub const fn mask(self) -> u64 {
        (u64::MAX >> (64 - self.width)) << self.lsb
    }

    /// The field's value, right-aligned.
    #[must_use]
    #[inline]
    pub const fn get(self, register: u64) -> u64 {
        (register & self.mask()) >> self.lsb
    }

    /// The field's value as a signed number.
    #[must_use]
    #[inline]
    pub const fn get_signed(self, register: u64) -> i64 {
        (self.get(register) << (64 - self.width)).cast_signed() >> (64 - self.width)
    }

    /// Whether any bit of the field is set.
    #[must_use]
    #[inline]
    pub const fn is_set(self, register: u64) -> bool {
        register & self.mask() != 0
    }

    /// The register with the field replaced; bits of `value` beyond the field are ignored.
    #[must_use]
    #[inline]
    pub const fn with(self, register: u64, value: u64) -> u64 {
        (register & !self.mask()) | ((value << self.lsb) & self.mask())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_the_manuals_positions() {
        assert_eq!(hcr_el2::TGE.mask(), 1 << 27);
        assert_eq!(hcr_el2::E2H.mask(), 1 << 34);
        assert_eq!(cptr_el2_e2h::FPEN.mask(), 3 << 20);
        assert_eq!(cptr_el2::TFP.mask(), 1 << 10);
        assert_eq!(sctlr_el1::M.mask(), 1);
    }

    #[test]
    fn fields_are_found_by_name_in_the_layout_asked_for() {
        let find = |e2h| of("CPTR_EL2", e2h).iter().find(|f| f.0 == "FPEN").map(|f| f.1);
        assert_eq!(find(true), Some(cptr_el2_e2h::FPEN));
        assert_eq!(find(false), None);
        assert!(of("hcr_el2", true).contains(&("NV2", hcr_el2::NV2)));
        assert!(of("NO_SUCH_EL9", false).is_empty());
    }

    #[test]
    fn with_replaces_only_the_field() {
        assert_eq!(hcr_el2::BSU.with(u64::MAX, 0), !(3 << 10));
        assert_eq!(id_aa64mmfr4_el1::E2H0.get_signed(0xf << 24), -1);
    }
}
