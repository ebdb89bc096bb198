//! Which encodings have handlers.

use super::{cpu_with, table};
use droste_arch::a64::{Encoding, Group};
use droste_arch::feature::Feature;

/// The features with instructions that the interpreter has: those of v8.0 to v8.4, and some optional ones.
const IMPLEMENTED: &[Feature] = &[
    Feature::FEAT_FP,
    Feature::FEAT_AdvSIMD,
    Feature::FEAT_FP16,
    Feature::FEAT_CRC32,
    Feature::FEAT_AES,
    Feature::FEAT_PMULL,
    Feature::FEAT_SHA1,
    Feature::FEAT_SHA256,
    Feature::FEAT_SHA512,
    Feature::FEAT_SHA3,
    Feature::FEAT_SM3,
    Feature::FEAT_SM4,
    Feature::FEAT_LSE,
    Feature::FEAT_LSE2,
    Feature::FEAT_LSE128,
    Feature::FEAT_LOR,
    Feature::FEAT_RDM,
    Feature::FEAT_DotProd,
    Feature::FEAT_FHM,
    Feature::FEAT_FCMA,
    Feature::FEAT_JSCVT,
    Feature::FEAT_FRINTTS,
    Feature::FEAT_BF16,
    Feature::FEAT_I8MM,
    Feature::FEAT_PAuth,
    Feature::FEAT_LRCPC,
    Feature::FEAT_LRCPC2,
    Feature::FEAT_LRCPC3,
    Feature::FEAT_FlagM,
    Feature::FEAT_FlagM2,
    Feature::FEAT_RAS,
    Feature::FEAT_SB,
    Feature::FEAT_XS,
    Feature::FEAT_BTI,
    Feature::FEAT_DGH,
    Feature::FEAT_WFxT,
    Feature::FEAT_HBC,
    Feature::FEAT_CSSC,
    Feature::FEAT_CMPBR,
    Feature::FEAT_MOPS,
    Feature::FEAT_CLRBHB,
    Feature::FEAT_CHK,
];

#[test]
fn implemented_features_have_handlers() {
    let cpu = cpu_with(IMPLEMENTED);
    let missing: Vec<_> = Encoding::all()
        .filter(|e| e.group() == Group::ControlHints || e.feature().holds(&cpu))
        .filter(|e| table::handler(*e).is_none())
        .map(|e| format!("{} {}", e.group().path(), e.name()))
        .collect();
    assert!(missing.is_empty(), "{} without a handler:\n{}", missing.len(), missing.join("\n"));
}
