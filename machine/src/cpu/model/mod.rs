//! CPU models. A model *is* its ID registers: features, writable bits and access rules follow from them.
//!
//! The named models have the ID registers of the real parts, without what this machine does not
//! implement: EL3, AArch32, SVE, SME, MTE, MPAM, AMU, statistical profiling, trace.

mod edit;
mod parts;

use droste_arch::feature::{Feature, FeatureSet, Violation};
use droste_arch::sysreg::SysReg;
use std::collections::BTreeMap;
use std::fmt;

/// A CPU model.
#[derive(Clone, PartialEq, Eq)]
pub struct Model {
    name: &'static str,
    compatible: &'static str,
    registers: BTreeMap<SysReg, u64>,
    features: FeatureSet,
    /// CCSIDR_EL1 of the L1 data, L1 instruction and L2 caches.
    caches: [u64; 3],
}

/// Why there is no such model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The first word is no model.
    #[error("unknown CPU model `{0}`; there are {names}", names = parts::names().collect::<Vec<_>>().join(", "))]
    UnknownModel(String),
    /// A change does not begin with + or -.
    #[error("`{0}` does not begin with + or -")]
    NoSign(String),
    /// An assignment names no field of an ID register.
    #[error("`{0}` is no field of an ID register")]
    UnknownField(String),
    /// What is assigned is no number, or does not fit into the field.
    #[error("`{0}` is no value of a field of {1} bits")]
    FieldValue(String, u32),
    /// There is no feature of this name.
    #[error("unknown CPU feature `{0}`")]
    UnknownFeature(String),
    /// The machine does not have the feature.
    #[error("this machine does not implement {0}")]
    NotImplemented(Feature),
    /// No ID register announces the feature, so it cannot be changed alone.
    #[error("{0} cannot be changed: it follows from other features")]
    NotChangeable(Feature),
    /// The architecture does not allow the set of features.
    #[error("not an Arm CPU: {0}")]
    Impossible(Violation),
}

impl Model {
    /// The names of all models.
    pub fn names() -> impl Iterator<Item = &'static str> {
        parts::names()
    }

    /// Parses `name`, or `name,+feature,-feature,IDREG.FIELD=value`, where a feature is a FEAT_ name with or without
    /// its prefix, and a field is one of ID_AA64*_EL1.
    ///
    /// # Errors
    ///
    /// When a name is unknown, or the result breaks a rule of the architecture.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let mut words = text.split(',').map(str::trim);
        let name = words.next().unwrap_or_default();
        let mut model = parts::model(name).ok_or_else(|| ModelError::UnknownModel(name.to_owned()))?;
        let mut added = Vec::new();
        for word in words {
            match word.split_at_checked(1) {
                Some(("+", feature)) => added.push(model.change(feature, true)?),
                Some(("-", feature)) => drop(model.change(feature, false)?),
                _ if word.contains('=') => model.assign(word)?,
                _ => return Err(ModelError::NoSign(word.to_owned())),
            }
        }
        // One ID field announces several features: what was asked for may have gone with another.
        if let Some(lost) = added.into_iter().find(|f| !model.features.contains(*f)) {
            return Err(ModelError::Impossible(Violation { feature: Some(lost), requires: lost.requires() }));
        }
        let violation = model.features.violations().next();
        violation.map_or(Ok(model), |v| Err(ModelError::Impossible(v)))
    }

    fn new(name: &'static str, compatible: &'static str, registers: &[(SysReg, u64)]) -> Self {
        let registers = registers.iter().copied().collect();
        let mut model = Self { name, compatible, registers, features: FeatureSet::EMPTY, caches: [0; 3] };
        model.update();
        model
    }

    /// The name, without changes.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The `compatible` string of a device tree's CPU node.
    #[must_use]
    pub fn compatible(&self) -> &'static str {
        self.compatible
    }

    /// The features.
    #[must_use]
    pub fn features(&self) -> &FeatureSet {
        &self.features
    }

    /// The value of an ID register; zero for one that the model does not have.
    #[must_use]
    pub fn id(&self, register: SysReg) -> u64 {
        self.registers.get(&register).copied().unwrap_or(0)
    }

    /// The registers that are not zero, with their values.
    pub fn registers(&self) -> impl Iterator<Item = (SysReg, u64)> {
        self.registers.iter().map(|(r, v)| (*r, *v))
    }

    /// CCSIDR_EL1 for a value of CSSELR_EL1; zero for a cache that there is not.
    #[must_use]
    pub fn cache_size(&self, csselr: u64) -> u64 {
        match csselr & 0xf {
            0 => self.caches[0],
            1 => self.caches[1],
            2 => self.caches[2],
            _ => 0,
        }
    }

    /// The same CPU without EL2.
    #[must_use]
    pub fn without_el2(mut self) -> Self {
        self.set_field(SysReg::ID_AA64PFR0_EL1, 8, 0);
        for (register, lsb) in [
            (SysReg::ID_AA64MMFR1_EL1, 8),
            (SysReg::ID_AA64MMFR1_EL1, 40),
            (SysReg::ID_AA64MMFR2_EL1, 24),
            (SysReg::ID_AA64MMFR4_EL1, 20),
            (SysReg::ID_AA64MMFR4_EL1, 24),
            (SysReg::ID_AA64DFR0_EL1, 60),
        ] {
            self.set_field(register, lsb, 0);
        }
        self.set_field(SysReg::ID_AA64MMFR0_EL1, 56, 0);
        // Stage 2 granules: 1 says not supported.
        for lsb in [32, 36, 40] {
            self.set_field(SysReg::ID_AA64MMFR0_EL1, lsb, 1);
        }
        self.set_field(SysReg::ID_AA64MMFR0_EL1, 60, self.id(SysReg::ID_AA64MMFR0_EL1) >> 60 & 1);
        self.update();
        self
    }

    fn set_field(&mut self, register: SysReg, lsb: u8, value: u64) {
        let old = self.registers.entry(register).or_insert(0);
        *old = *old & !(0xf << lsb) | (value & 0xf) << lsb;
    }

    fn update(&mut self) {
        self.registers.retain(|_, v| *v != 0);
        self.features = FeatureSet::from_id_registers(|r| self.registers.get(&r).copied().unwrap_or(0));
        // No ID register announces the GIC's CPU interface but this one, and the table leaves it out.
        if self.id(SysReg::ID_AA64PFR0_EL1) >> 24 & 0xf != 0 {
            self.features.insert(Feature::FEAT_GICv3);
            // ICH_VTR_EL2.TDS: this machine's GIC always has the separate trap of ICV_DIR_EL1.
            self.features.insert(Feature::FEAT_GICv3_TDIR);
        }
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_every_model_gives_a_possible_cpu() {
        for name in Model::names() {
            let violations: Vec<_> =
                parts::model(name).unwrap().features().violations().map(|v| v.to_string()).collect();
            assert!(violations.is_empty(), "{name}: {violations:#?}");
            let model = Model::parse(name).unwrap();
            assert!(model.features().contains(Feature::FEAT_EL2), "{name}");
            for absent in [Feature::FEAT_SVE, Feature::FEAT_MTE, Feature::FEAT_EL3, Feature::FEAT_AA32] {
                assert!(!model.features().contains(absent), "{name}: {absent}");
            }
        }
    }

    #[test]
    fn parse_max_without_nv2_changes_the_id_field() {
        let nv = |text| Model::parse(text).unwrap().id(SysReg::ID_AA64MMFR2_EL1) >> 24 & 0xf;
        assert_eq!(nv("max"), 2);
        assert_eq!(nv("max,-nv"), 0);
        assert_eq!(nv("max,-nv2"), 1);
    }

    #[test]
    fn parse_assignment_sets_the_field() {
        let model = Model::parse("max,ID_AA64MMFR0_EL1.PARange=2,id_aa64dfr0_el1.wrps=0x1").unwrap();
        assert_eq!(model.id(SysReg::ID_AA64MMFR0_EL1) & 0xf, 2);
        assert_eq!(model.id(SysReg::ID_AA64DFR0_EL1) >> 20 & 0xf, 1);
        let wrong = |text: &str| Model::parse(&format!("max,{text}")).unwrap_err();
        assert_eq!(wrong("ID_AA64MMFR0_EL1=2"), ModelError::UnknownField("ID_AA64MMFR0_EL1".into()));
        assert_eq!(wrong("MIDR_EL1.Revision=2"), ModelError::UnknownField("MIDR_EL1.Revision".into()));
        assert_eq!(wrong("ID_AA64MMFR0_EL1.PARange=0x10"), ModelError::FieldValue("0x10".into(), 4));
        assert_eq!(wrong("ID_AA64PFR0_EL1.SVE=1"), ModelError::NotImplemented(Feature::FEAT_SVE));
    }

    #[test]
    fn parse_e2h0_has_its_three_forms() {
        let form = |text| {
            let model = Model::parse(text).unwrap();
            let has = |f| model.features().contains(f);
            (model.id(SysReg::ID_AA64MMFR4_EL1) >> 24 & 0xf, has(Feature::FEAT_E2H0), has(Feature::NV1))
        };
        assert_eq!(form("max"), (0, true, true));
        assert_eq!(form("max,-e2h0"), (0xf, false, true));
        assert_eq!(form("max,-nv1"), (0xe, false, false));
        assert_eq!(form("max,-e2h0,-nv1"), (0xe, false, false));
        assert_eq!(form("neoverse-v1,-nv1"), (0xe, false, false));
    }

    #[test]
    fn parse_newer_nested_virtualization_is_off_unless_asked_for() {
        let frac = |text| Model::parse(text).unwrap().id(SysReg::ID_AA64MMFR4_EL1) >> 20 & 0xf;
        assert_eq!(frac("max"), 0);
        assert_eq!(frac("max,+nv2_only"), 1);
        assert_eq!(frac("max,+nv2p1"), 2);
        assert_eq!(frac("max,+nv3"), 3);
        let refused = |text: &str| Model::parse(text).unwrap_err().to_string();
        assert_eq!(refused("max,+nv3,-nv2p1"), "not an Arm CPU: FEAT_NV3 requires FEAT_NV2p1");
        assert_eq!(refused("max,+nv3,-nv"), "not an Arm CPU: FEAT_NV3 requires FEAT_NV2p1");
        assert_eq!(refused("max,-vhe"), "not an Arm CPU: FEAT_NV requires FEAT_VHE");
    }

    #[test]
    fn parse_removed_requirement_names_both_features() {
        let error = Model::parse("max,-lse").unwrap_err();
        assert!(matches!(error, ModelError::Impossible(_)), "{error}");
        assert!(error.to_string().contains("FEAT_LSE"), "{error}");
    }

    #[test]
    fn parse_feature_that_nobody_implements_is_refused() {
        assert_eq!(Model::parse("max,+sme"), Err(ModelError::NotImplemented(Feature::FEAT_SME)));
        // Its absence is what the machine has anyway.
        assert!(Model::parse("max,-sve").is_ok());
        assert_eq!(Model::parse("max,+nv9"), Err(ModelError::UnknownFeature("nv9".into())));
    }

    #[test]
    fn parse_added_feature_without_what_it_needs_is_refused() {
        let error = Model::parse("max,+nv2,-nv").unwrap_err();
        assert_eq!(error.to_string(), "not an Arm CPU: FEAT_NV2 requires FEAT_NV");
    }

    #[test]
    fn parse_pauth_can_be_removed_from_every_model() {
        for name in Model::names() {
            let model = Model::parse(&format!("{name},-pauth")).unwrap();
            assert!(!model.features().contains(Feature::FEAT_PAuth), "{name}");
            assert!(!model.features().contains(Feature::FEAT_FPAC), "{name}");
        }
    }

    #[test]
    fn parse_any_single_feature_of_max_can_be_removed_or_is_refused_with_a_reason() {
        let max = Model::parse("max").unwrap();
        let mut removed = 0;
        for feature in max.features().iter() {
            match Model::parse(&format!("max,-{feature}")) {
                Ok(model) => {
                    removed += 1;
                    assert!(!model.features().contains(feature), "{feature}");
                    assert_eq!(model.features().violations().next(), None, "{feature}");
                }
                Err(ModelError::Impossible(_) | ModelError::NotChangeable(_)) => {}
                Err(other) => panic!("{feature}: {other}"),
            }
        }
        assert!(removed > 50, "only {removed} features can be removed");
    }

    #[test]
    fn a57_is_an_armv8_0_cpu() {
        let a57 = Model::parse("cortex-a57").unwrap();
        assert!(!a57.features().contains(Feature::FEAT_VHE));
        assert!(!a57.features().contains(Feature::FEAT_LSE));
        assert_eq!(a57.id(SysReg::MIDR_EL1) >> 4 & 0xfff, 0xd07);
    }

    #[test]
    fn without_el2_has_neither_el2_nor_vhe() {
        let max = Model::parse("max").unwrap().without_el2();
        let violations: Vec<_> = max.features().violations().map(|v| v.to_string()).collect();
        assert!(violations.is_empty(), "{violations:#?}");
        assert!(!max.features().contains(Feature::FEAT_EL2));
        assert!(!max.features().contains(Feature::FEAT_VHE));
    }
}
