//! Which bits of a register hold what is written, and which are RES0 or RES1, given the features.

use crate::expr::{Expr, Facts};
use crate::sysreg::SysReg;

#[rustfmt::skip]
mod generated;

use generated::LAYOUTS;

/// One layout of a register.
struct Layout {
    when: &'static Expr,
    bits: &'static [Bits],
}

/// Some bits of a layout. Of several entries with the same bits, the first whose condition holds counts.
struct Bits {
    mask: u64,
    when: &'static Expr,
    kind: Kind,
}

enum Kind {
    Writable,
    Zero,
    One,
}

/// The fate of the bits of a written value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masks {
    /// Bits that hold what is written.
    pub writable: u64,
    /// Bits that are one whatever is written; all others are zero.
    pub ones: u64,
}

impl Masks {
    /// A register all of whose bits hold what is written.
    pub const ALL: Self = Self { writable: u64::MAX, ones: 0 };

    /// What the register holds after a write of `value`.
    #[must_use]
    #[inline]
    pub const fn apply(self, value: u64) -> u64 {
        value & self.writable | self.ones
    }
}

/// The masks of a register of a CPU.
///
/// Only features are asked: a bit is writable if it is in any layout that the register may have.
pub fn masks(register: SysReg, facts: &impl Facts) -> Masks {
    let mut all: Option<Masks> = None;
    for layout in LAYOUTS[register.index()].iter().filter(|l| l.when.holds(facts)) {
        let (mut one, mut decided) = (Masks { writable: 0, ones: 0 }, 0);
        for bits in layout.bits.iter().filter(|b| b.when.holds(facts)) {
            let mask = bits.mask & !decided;
            decided |= mask;
            match bits.kind {
                Kind::Writable => one.writable |= mask,
                Kind::One => one.ones |= mask,
                Kind::Zero => {}
            }
        }
        all =
            Some(all.map_or(one, |all| Masks {
                writable: all.writable | one.writable,
                ones: all.ones & one.ones,
            }));
    }
    all.map_or(Masks::ALL, |m| Masks { ones: m.ones & !m.writable, ..m })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Quantity;
    use crate::feature::Feature;

    struct With(&'static [Feature]);

    impl Facts for With {
        fn feature(&self, f: Feature) -> bool {
            self.0.contains(&f)
        }

        fn register(&self, _: SysReg) -> u64 {
            0
        }

        fn quantity(&self, _: Quantity) -> u64 {
            0
        }
    }

    #[test]
    fn hcr_el2_nv_is_writable_with_the_feature_only() {
        let nv = |f| masks(SysReg::HCR_EL2, &With(f)).writable >> 42 & 1;
        assert_eq!(nv(&[]), 0);
        assert_eq!(nv(&[Feature::FEAT_NV]), 1);
        // Without AArch32 at EL1, RW is one and cannot be changed.
        assert_eq!(masks(SysReg::HCR_EL2, &With(&[])).apply(0) >> 31 & 1, 1);
    }

    #[test]
    fn cptr_el2_accepts_both_layouts() {
        let m = masks(SysReg::CPTR_EL2, &With(&[]));
        assert_eq!(m.apply(3 << 20 | 1 << 10), 3 << 20 | 1 << 10);
        assert_eq!(m.apply(1 << 40), 0);
    }

    #[test]
    fn sctlr_el1_span_is_one_without_pan() {
        assert_eq!(masks(SysReg::SCTLR_EL1, &With(&[])).apply(0) >> 23 & 1, 1);
        assert_eq!(masks(SysReg::SCTLR_EL1, &With(&[Feature::FEAT_PAN])).apply(0) >> 23 & 1, 0);
    }

    #[test]
    fn array_registers_share_the_layout_of_the_array() {
        let m = masks(SysReg::DBGBCR3_EL1, &With(&[]));
        assert_eq!(m.apply(1 << 60 | 1), 1 | 0xf << 5);
    }
}
