//! Which encodings have handlers.

use crate::cpu::Vcpu;
use crate::interp::fp::handler;
use crate::interp::simd;
use droste_arch::a64::{Encoding, Group};
use std::collections::HashSet;

/// Groups in which every encoding is floating-point.
const FLOAT_GROUPS: [Group; 13] = [
    Group::SimdDpFloatdp1,
    Group::SimdDpFloatdp2,
    Group::SimdDpFloatdp3,
    Group::SimdDpFloatcmp,
    Group::SimdDpFloatccmp,
    Group::SimdDpFloatsel,
    Group::SimdDpFloatimm,
    Group::SimdDpFloat2int,
    Group::SimdDpFloat2fix,
    Group::SimdDpAsimdsamefp16,
    Group::SimdDpAsimdmiscfp16,
    Group::SimdDpAsisdsamefp16,
    Group::SimdDpAsisdmiscfp16,
];

/// Features that nothing in the interpreter implements.
const ABSENT: [&str; 3] = ["FEAT_FP8", "FEAT_FAMINMAX", "FEAT_FPRCVT"];

/// Prints the feature expression of an encoding.
fn needs(e: Encoding) -> String {
    format!("{:?}", e.feature())
}

#[test]
fn every_encoding_of_implemented_features_has_a_handler() {
    for e in Encoding::all().filter(|e| FLOAT_GROUPS.contains(&e.group())) {
        let needs = needs(e);
        let absent = needs.contains("Const(false)") || ABSENT.iter().any(|f| needs.contains(f));
        assert!(absent || handler(e).is_some(), "{} has no handler; it needs {needs}", e.name());
    }
}

#[test]
fn integer_encodings_of_shared_groups_are_left_alone() {
    for e in [
        Encoding::ADD_asimdsame_only,
        Encoding::MUL_asimdelem_R,
        Encoding::CMEQ_asimdmisc_Z,
        Encoding::MOVI_asimdimm_N_b,
        Encoding::SSHR_asimdshf_R,
        Encoding::ADDP_asisdpair_only,
        Encoding::ADDV_asimdall_only,
        Encoding::SQRDMLAH_asimdsame2_only,
    ] {
        assert!(handler(e).is_none(), "{}", e.name());
    }
}

#[test]
fn every_handler_has_a_recorded_case() {
    let recorded: HashSet<&str> =
        include_str!("vectors.txt").lines().filter_map(|line| line.strip_prefix("# ")).collect();
    for e in Encoding::all().filter(|&e| handler(e).is_some()) {
        assert!(recorded.contains(e.name()), "no case of {}", e.name());
    }
}

#[test]
fn floating_point_and_integer_handlers_share_the_groups_without_gap_or_overlap() {
    let cpu = Vcpu::for_tests();
    let simd_dp = Encoding::all().filter(|e| e.group().path().starts_with("simd_dp/"));
    let mut wrong = Vec::new();
    for e in simd_dp.filter(|e| e.feature().holds(&cpu)) {
        let handler_count = [handler(e), simd::handler(e)].into_iter().flatten().count();
        if handler_count != 1 {
            wrong.push((e.name(), handler_count));
        }
    }
    assert!(wrong.is_empty(), "encodings and their handler counts: {wrong:?}");
}
