//! Adding and removing single features.

use super::{Model, ModelError, parts};
use droste_arch::expr::{Expr, FieldTest, Test};
use droste_arch::feature::{Feature, FeatureSet};
use droste_arch::fields::id_field;
use droste_arch::sysreg::SysReg;

impl Model {
    /// Adds or removes the feature with this name, and answers which it is.
    pub(super) fn change(&mut self, name: &str, present: bool) -> Result<Feature, ModelError> {
        if name.eq_ignore_ascii_case("el2") && !present {
            *self = self.clone().without_el2();
            return Ok(Feature::FEAT_EL2);
        }
        let feature = Feature::from_name(name).ok_or_else(|| ModelError::UnknownFeature(name.to_owned()))?;
        if self.features.contains(feature) == present {
            return Ok(feature);
        }
        if present && !parts::everything().contains(feature) {
            return Err(ModelError::NotImplemented(feature));
        }
        if feature == Feature::FEAT_PAuth && !present {
            self.remove_pauth();
        }
        for condition in FeatureSet::id_conditions(feature) {
            self.make(condition, present);
        }
        self.update();
        if self.features.contains(feature) == present {
            return Ok(feature);
        }

        // Another feature brings it back: name that one.
        let mut without = self.features;
        without.remove(feature);
        let violation = without.violations().next().filter(|_| !present);
        Err(violation.map_or(ModelError::NotChangeable(feature), ModelError::Impossible))
    }

    /// Sets a field of an ID register: `ID_AA64MMFR0_EL1.PARange=2`.
    pub(super) fn assign(&mut self, text: &str) -> Result<(), ModelError> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let unknown = || ModelError::UnknownField(name.to_owned());
        let (register, field) = name.split_once('.').ok_or_else(unknown)?;
        let field = id_field(register, field).ok_or_else(unknown)?;
        let register = SysReg::all().find(|r| r.name().eq_ignore_ascii_case(register)).ok_or_else(unknown)?;
        let number = match value.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => value.parse().ok(),
        };
        let largest = field.get(u64::MAX);
        let number = number
            .filter(|n| *n <= largest)
            .ok_or_else(|| ModelError::FieldValue(value.to_owned(), largest.count_ones()))?;
        let old = self.id(register);
        self.registers.insert(register, field.with(old, number));
        self.update();
        let everything = parts::everything();
        match self.features.iter().find(|f| !everything.contains(*f)) {
            Some(feature) => Err(ModelError::NotImplemented(feature)),
            None => Ok(()),
        }
    }

    /// Pointer authentication is announced by its algorithms, for addresses and generic.
    fn remove_pauth(&mut self) {
        for lsb in [4, 8, 24, 28] {
            self.set_field(SysReg::ID_AA64ISAR1_EL1, lsb, 0);
        }
        for lsb in [8, 12] {
            self.set_field(SysReg::ID_AA64ISAR2_EL1, lsb, 0);
        }
        // Spec_FPACC: how failing authentications speculate.
        self.set_field(SysReg::ID_AA64MMFR3_EL1, 60, 0);
    }

    /// Changes ID fields so that the condition holds, or does not.
    fn make(&mut self, condition: &Expr, holds: bool) {
        match condition {
            Expr::Field(test) => self.make_field(test, holds),
            Expr::Not(e) => self.make(e, !holds),
            Expr::All(list) if holds => list.iter().for_each(|e| self.make(e, true)),
            Expr::All(list) => {
                // One is enough: the first that asks for a field.
                if let Some(e) = list.iter().find(|e| matches!(e, Expr::Field(_) | Expr::Any(_))) {
                    self.make(e, false);
                }
            }
            // The last alternative is the plain one: the others are fractions and special numbers.
            Expr::Any(list) if holds => list.iter().last().into_iter().for_each(|e| self.make(e, true)),
            Expr::Any(list) => list.iter().for_each(|e| self.make(e, false)),
            Expr::Const(_) | Expr::Feature(_) | Expr::AtLeast(..) => {}
        }
    }

    fn make_field(&mut self, test: &FieldTest, holds: bool) {
        let old = self.id(test.register);
        if test.holds(old) == holds {
            return;
        }
        let value = match (test.test, holds) {
            (Test::Is(v) | Test::AtLeast(v), true) => v,
            (Test::Is(v) | Test::AtLeast(v), false) => v.saturating_sub(1),
            (Test::SignedAtLeast(v), true) => v.cast_unsigned(),
            (Test::SignedAtLeast(v), false) => (v - 1).cast_unsigned(),
            (Test::Below(v), true) => v.saturating_sub(1),
            (Test::Below(v), false) => v,
            (Test::Matches(..), _) => return,
        };
        self.set_field(test.register, test.lsb, value);
    }
}
