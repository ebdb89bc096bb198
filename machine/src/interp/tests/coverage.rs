//! Which encodings have handlers, and which tests cover them.

use super::{cpu_of, model, table};
use droste_arch::a64::{self, Encoding, Group};
use droste_arch::feature::{Feature, FeatureSet};
use std::collections::{BTreeMap, HashSet};

/// Features that the largest model does not have, but the interpreter does.
const ALSO: &[Feature] =
    &[Feature::FEAT_CMPBR, Feature::FEAT_LRCPC3, Feature::FEAT_LSE128, Feature::FEAT_CSSC, Feature::FEAT_HBC];

pub(super) fn implemented() -> FeatureSet {
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

/// Cases that QEMU has recorded, one a line.
const RECORDED: [&str; 4] = [
    include_str!("recorded.txt"),
    include_str!("../fp/tests/vectors.txt"),
    include_str!("../simd/tests/integer.txt"),
    include_str!("../simd/tests/loads.txt"),
];

/// The encodings of the instruction words that lines begin with.
fn recorded(text: &'static str) -> HashSet<Encoding> {
    let words = |line: &'static str| line.split([' ', '|']).next().unwrap_or_default().split(',');
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .flat_map(words)
        .filter_map(|word| u32::from_str_radix(word, 16).ok())
        .filter_map(a64::decode)
        .collect()
}

/// The page of the documentation that says what the tests cover.
fn page() -> String {
    let cpu = cpu_of(implemented());
    let sets: Vec<HashSet<Encoding>> = RECORDED.into_iter().map(recorded).collect();
    let mut groups: BTreeMap<&str, (usize, usize, Vec<&str>)> = BTreeMap::new();
    for e in Encoding::all().filter(|e| e.feature().holds(&cpu) && table::handler(*e).is_some()) {
        let (count, covered, rest) = groups.entry(e.group().path()).or_default();
        *count += 1;
        if sets.iter().any(|set| set.contains(&e)) {
            *covered += 1;
        } else {
            rest.push(e.name());
        }
    }
    let (all, covered) = groups.values().fold((0, 0), |(a, c), (n, k, _)| (a + n, c + k));
    let mut page = format!(
        "# Instruction coverage\n\n\
         Made by the test `coverage_page_is_up_to_date` of `machine/src/interp/tests/coverage.rs` from the data that the tests run;\n\
         `DROSTE_BLESS=1` writes it anew.\n\n\
         The interpreter implements {all} encodings. Of {covered} there are cases whose effects QEMU 10.0 has recorded; the interpreter\n\
         and the JIT execute each of them. The others are\n\
         tested from inside, by unit tests or by the bare-metal programs in `guests/cpu-tests`, which also run on QEMU: system\n\
         instructions, exceptions, branches, exclusives and what changes no state.\n\n\
         Every encoding that the JIT has a template for is compared with the interpreter by random programs\n\
         (`machine/src/jit/tests.rs`); all others the JIT executes by the interpreter's handlers. Random words of all encodings run in\n\
         `machine/tests/random_guest` on both, which have to leave the same behind.\n\n\
         | group | encodings | recorded | not recorded |\n|---|---|---|---|\n"
    );
    for (group, (count, covered, rest)) in groups {
        page += &format!("| {group} | {count} | {covered} | {} |\n", rest.join(", "));
    }
    page
}

#[test]
fn coverage_page_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/instruction-coverage.md");
    let page = page();
    if std::env::var_os("DROSTE_BLESS").is_some() {
        std::fs::write(path, &page).expect("the page");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == page, "{path} is stale: run this test with DROSTE_BLESS=1");
}
