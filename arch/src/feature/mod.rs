//! Architectural features: names, what they require, and how ID registers announce them.

use core::fmt;

use crate::expr::{Expr, Facts, Quantity};
use crate::sysreg::SysReg;

#[rustfmt::skip]
mod generated;

use generated::{ALL, CONSTRAINTS, ID_RULES, NAMES, REQUIRES};
pub use generated::{COUNT, Feature};

/// The features that ID_AA64PFR0_EL1.{EL0,EL1,EL2,EL3} announce: AArch64, AArch32, either.
const EXCEPTION_LEVELS: [[Feature; 3]; 4] = [
    [Feature::FEAT_AA64EL0, Feature::FEAT_AA32EL0, Feature::FEAT_EL0],
    [Feature::FEAT_AA64EL1, Feature::FEAT_AA32EL1, Feature::FEAT_EL1],
    [Feature::FEAT_AA64EL2, Feature::FEAT_AA32EL2, Feature::FEAT_EL2],
    [Feature::FEAT_AA64EL3, Feature::FEAT_AA32EL3, Feature::FEAT_EL3],
];

const WORDS: usize = COUNT.div_ceil(64);

impl Feature {
    /// Every feature, by name.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        ALL.iter().copied()
    }

    /// The name, as in `FEAT_NV2`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    /// The feature with this name; the prefix `FEAT_` may be left out, and case is ignored.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let bare = |n: &'static str| n.strip_prefix("FEAT_").unwrap_or(n);
        Self::all().find(|f| f.name().eq_ignore_ascii_case(name) || bare(f.name()).eq_ignore_ascii_case(name))
    }

    /// What a CPU with this feature must also have.
    #[must_use]
    pub fn requires(self) -> &'static Expr {
        &REQUIRES[self as usize]
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of features.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct FeatureSet([u64; WORDS]);

impl FeatureSet {
    /// The set without features.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// Whether the feature is in the set.
    #[must_use]
    #[inline]
    pub const fn contains(&self, feature: Feature) -> bool {
        self.0[feature as usize / 64] >> (feature as usize % 64) & 1 != 0
    }

    /// Adds a feature.
    #[inline]
    pub const fn insert(&mut self, feature: Feature) {
        self.0[feature as usize / 64] |= 1 << (feature as usize % 64);
    }

    /// Removes a feature.
    #[inline]
    pub const fn remove(&mut self, feature: Feature) {
        self.0[feature as usize / 64] &= !(1 << (feature as usize % 64));
    }

    /// The set with these features added.
    #[must_use]
    #[inline]
    pub const fn with(mut self, features: &[Feature]) -> Self {
        let mut i = 0;
        while i < features.len() {
            self.insert(features[i]);
            i += 1;
        }
        self
    }

    /// The features in the set, by name.
    pub fn iter(&self) -> impl Iterator<Item = Feature> {
        Feature::all().filter(|f| self.contains(*f))
    }

    /// The number of features in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.iter().count()
    }

    /// The set with everything added that its features require without alternative.
    #[must_use]
    pub fn closure(mut self) -> Self {
        loop {
            let before = self;
            for f in before.iter() {
                self.insert_required(f.requires());
            }
            if self == before {
                return self;
            }
        }
    }

    fn insert_required(&mut self, e: &Expr) {
        match e {
            Expr::Feature(f) => self.insert(*f),
            Expr::All(list) => list.iter().for_each(|e| self.insert_required(e)),
            _ => {}
        }
    }

    /// The features that a CPU with these ID registers has.
    ///
    /// `read` gives the value of an ID register; a register that the CPU does not have reads as zero.
    /// Features that no ID register announces are included when one that is announced requires them.
    pub fn from_id_registers(read: impl Fn(SysReg) -> u64) -> Self {
        let mut set = Self::EMPTY.with(&[Feature::FEAT_AA64]);
        for (i, [aa64, aa32, any]) in (0..).zip(EXCEPTION_LEVELS) {
            match read(SysReg::ID_AA64PFR0_EL1) >> (4 * i) & 0xf {
                0 => {}
                1 => [aa64, any].into_iter().for_each(|f| set.insert(f)),
                _ => [aa64, aa32, any, Feature::FEAT_AA32].into_iter().for_each(|f| set.insert(f)),
            }
        }
        // Conditions name other features, so repeat until nothing is added: no condition that
        // announces a feature asks for the absence of one that is announced.
        loop {
            let before = set;
            for rule in ID_RULES {
                if rule.when.holds(&IdFacts { set: &set, read: &read }) {
                    rule.features.iter().for_each(|f| set.insert(*f));
                }
            }
            // What is required and announced by nothing else is there; what an ID register denies is
            // a violation, and not to be hidden.
            for f in set.closure().iter() {
                let is_level = EXCEPTION_LEVELS.iter().flatten().any(|level| *level == f);
                if !is_level && Self::id_conditions(f).next().is_none() {
                    set.insert(f);
                }
            }
            if set == before {
                return set;
            }
        }
    }

    /// The conditions on ID registers under which a CPU has the feature; empty if none announces it.
    pub fn id_conditions(feature: Feature) -> impl Iterator<Item = &'static Expr> {
        ID_RULES.iter().filter(move |r| r.features.contains(&feature)).map(|r| &r.when)
    }

    /// What the architecture forbids in this set.
    pub fn violations(&self) -> impl Iterator<Item = Violation> {
        let facts = IdFacts { set: self, read: &|_| 0 };
        let own = self.iter().filter(move |f| !f.requires().holds(&facts));
        let own = own.map(|f| Violation { feature: Some(f), requires: f.requires() });
        let facts = IdFacts { set: self, read: &|_| 0 };
        let others = CONSTRAINTS
            .iter()
            .chain(&CONSEQUENCES)
            .filter(move |c| c.when.holds(&facts) && !c.requires.holds(&facts));
        own.chain(others.map(|c| Violation { feature: first_feature(&c.when), requires: &c.requires }))
    }
}

fn first_feature(e: &Expr) -> Option<Feature> {
    match e {
        Expr::Feature(f) => Some(*f),
        Expr::All(list) | Expr::Any(list) => list.iter().find_map(first_feature),
        _ => None,
    }
}

impl fmt::Debug for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A feature whose requirements are not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The feature.
    pub feature: Option<Feature>,
    /// What the set lacks.
    pub requires: &'static Expr,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.feature {
            Some(feature) => write!(f, "{feature} requires {}", self.requires),
            None => write!(f, "{} is required", self.requires),
        }
    }
}

struct Constraint {
    when: Expr,
    requires: Expr,
}

/// What follows from prose and is not in the table: from Armv8.1 on, a CPU with EL2 has FEAT_VHE, and nested
/// virtualization is newer.
static CONSEQUENCES: [Constraint; 1] =
    [Constraint { when: Expr::Feature(Feature::FEAT_NV), requires: Expr::Feature(Feature::FEAT_VHE) }];

struct IdRule {
    features: &'static [Feature],
    when: Expr,
}

struct IdFacts<'a, F> {
    set: &'a FeatureSet,
    read: &'a F,
}

impl<F: Fn(SysReg) -> u64> Facts for IdFacts<'_, F> {
    fn feature(&self, feature: Feature) -> bool {
        self.set.contains(feature)
    }

    fn register(&self, register: SysReg) -> u64 {
        (self.read)(register)
    }

    fn quantity(&self, _: Quantity) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::ToString;

    #[test]
    fn closure_of_nv2_contains_nv() {
        let set = FeatureSet::EMPTY.with(&[Feature::FEAT_NV2]).closure();
        assert!(set.contains(Feature::FEAT_NV));
    }

    #[test]
    fn violations_of_nv2_without_nv_name_both() {
        let set = FeatureSet::EMPTY.with(&[Feature::FEAT_NV2]);
        let v = set.violations().next().map(|v| (v.feature, *v.requires));
        assert_eq!(v, Some((Some(Feature::FEAT_NV2), Expr::Feature(Feature::FEAT_NV))));
    }

    #[test]
    fn violations_of_nv_without_vhe_name_both() {
        let set = FeatureSet::EMPTY.with(&[Feature::FEAT_NV]);
        assert!(set.violations().any(|v| v.to_string() == "FEAT_NV requires FEAT_VHE"));
    }

    #[test]
    fn id_registers_nv_field_2_announces_nv2() {
        let set = |nv: u64| {
            FeatureSet::from_id_registers(|r| match r {
                SysReg::ID_AA64PFR0_EL1 => 0x1111,
                SysReg::ID_AA64MMFR2_EL1 => nv << 24,
                _ => 0,
            })
        };
        assert!(set(2).contains(Feature::FEAT_NV2) && set(2).contains(Feature::FEAT_EL2));
        assert!(set(1).contains(Feature::FEAT_NV) && !set(1).contains(Feature::FEAT_NV2));
        assert!(!set(0).contains(Feature::FEAT_NV));
        // A field of all ones says that there is no FP; here it is zero.
        assert!(set(0).contains(Feature::FEAT_FP));
    }

    #[test]
    fn from_name_without_prefix_finds_the_feature() {
        assert_eq!(Feature::from_name("nv2"), Some(Feature::FEAT_NV2));
        assert_eq!(Feature::from_name("FEAT_VHE"), Some(Feature::FEAT_VHE));
        assert_eq!(Feature::from_name("nv9"), None);
    }
}
