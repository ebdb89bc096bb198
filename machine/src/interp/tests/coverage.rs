//! Which encodings have handlers.

use super::{cpu_of, model, table};
use droste_arch::a64::{Encoding, Group};
use droste_arch::feature::{Feature, FeatureSet};

/// Features that the largest model does not have, but the interpreter does.
const ALSO: &[Feature] =
    &[Feature::FEAT_CMPBR, Feature::FEAT_LRCPC3, Feature::FEAT_LSE128, Feature::FEAT_CSSC, Feature::FEAT_HBC];

fn implemented() -> FeatureSet {
    model().features().with(ALSO)
}

#[test]
fn implemented_features_have_handlers() {
    let cpu = cpu_of(implemented());
    let missing: Vec<_> = Encoding::all()
        .filter(|e| e.group() == Group::ControlHints || e.feature().holds(&cpu))
        .filter(|e| table::handler(*e).is_none())
        .map(|e| format!("{} {} {:?}", e.group().path(), e.name(), e.feature()))
        .collect();
    assert!(missing.is_empty(), "{} without a handler:\n{}", missing.len(), missing.join("\n"));
}
