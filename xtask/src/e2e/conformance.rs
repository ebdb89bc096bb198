//! The trap matrix: no difference from the tables on Droste's machine, and only explained ones on QEMU.

use super::cases::{Case, Check};
use super::engine::{Engine, Spec};
use super::run::{self, Outcome};
use crate::place;
use anyhow::{Context, Result};
use regex_lite::Regex;
use serde_json::Value;
use std::fs;

/// `data/qemu-differences.json`.
pub(crate) struct Explained {
    pub(crate) rows: Vec<Explanation>,
}

/// A group of differences and why they are there.
pub(crate) struct Explanation {
    /// A regular expression that the image's lines match.
    pub(crate) lines: String,
    /// What QEMU does.
    pub(crate) qemu: String,
    /// What the architecture asks, and where it says so.
    pub(crate) rule: String,
}

impl Explained {
    /// Reads the file.
    pub(crate) fn load() -> Result<Explained> {
        let path = place::root().join("data/qemu-differences.json");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let table: Value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        let rows = table["rows"].as_array().with_context(|| format!("{} has no rows", path.display()))?;
        let cell = |row: &Value, name: &str| {
            let text = row[name].as_str().map(str::to_owned);
            text.with_context(|| format!("{} has a row without {name}", path.display()))
        };
        let rows = rows.iter().map(|row| {
            Ok(Explanation { lines: cell(row, "lines")?, qemu: cell(row, "qemu")?, rule: cell(row, "rule")? })
        });
        Ok(Explained { rows: rows.collect::<Result<_>>()? })
    }

    /// The page of the book that lists them.
    pub(crate) fn page(&self) -> String {
        let mut text = String::from(
            "# Differences from QEMU\n\n\
             The image `conformance-nv` compares what a CPU does with the architecture's tables. On Droste's machine there is no \
             difference. On QEMU 10.0 (`-cpu max`) there are those below, with the rule of the manual that decides; `cargo xtask \
             test --case conformance-nv` fails when another one appears, or when one of these is gone. This page is made from \
             `data/qemu-differences.json` by `cargo xtask gen`.\n\n",
        );
        for row in &self.rows {
            text += &format!("- **{}** {} Lines: `{}`.\n", row.qemu, row.rule, row.lines);
        }
        text
    }
}

/// Judges what the CPU did by the default engine; then does the same by the interpreter, and on QEMU if it has the CPU.
pub(super) fn judged(case: &Case, spec: Spec, ours: &[String]) -> Result<Outcome> {
    let mut outcome = none(ours);
    if matches!(outcome, Outcome::Passed) {
        let spec = Spec { engine: Some("interp"), ..spec.clone() };
        let seen = run::console(&spec, case, Engine::Droste, "-interp")?;
        outcome = match run::judged(case, &seen, Engine::Droste) {
            Outcome::Passed => none(&seen.lines),
            failed => failed,
        };
    }
    if !matches!(outcome, Outcome::Passed) || case.check == Check::ConformanceAlone {
        return Ok(outcome);
    }
    if let Err(why) = crate::oracle::qemu() {
        return Ok(Outcome::Skipped(format!("passed alone, but there is no QEMU to compare with: {why:#}")));
    }
    let seen = run::console(&spec, case, Engine::Qemu, "")?;
    match run::judged(case, &seen, Engine::Qemu) {
        Outcome::Passed => explained(&seen.lines),
        failed => Ok(failed),
    }
}

/// The lines of differences.
fn different(lines: &[String]) -> impl Iterator<Item = &String> {
    lines.iter().filter(|l| l.starts_with("DIFFERENT "))
}

/// Fails on the first difference from the tables, and if there are cells that were not executed.
fn none(lines: &[String]) -> Outcome {
    if let Some(line) = different(lines).next() {
        return Outcome::Failed(format!("{} lines, the first: {line}", different(lines).count()));
    }
    let Some((executed, line)) = lines.iter().find_map(|line| Some((coverage(line)?, line))) else {
        return Outcome::Failed("the image does not say how many cells there are".into());
    };
    match executed {
        (done, all) if done == all && all > 0 => Outcome::Passed,
        _ => Outcome::Failed(line.clone()),
    }
}

/// The numbers of cells that were executed and that there are.
fn coverage(line: &str) -> Option<(u64, u64)> {
    let (done, rest) = line.strip_prefix("coverage: ")?.split_once(" of ")?;
    Some((done.parse().ok()?, rest.split_once(' ')?.0.parse().ok()?))
}

/// Fails on a difference without explanation, and on an explanation without difference.
pub(super) fn explained(lines: &[String]) -> Result<Outcome> {
    let known = Explained::load()?;
    let mut patterns = Vec::new();
    for row in &known.rows {
        patterns.push((Regex::new(&row.lines)?, 0_usize));
    }
    let mut unexplained = Vec::new();
    for line in different(lines) {
        match patterns.iter_mut().find(|(regex, _)| regex.is_match(line)) {
            Some((_, count)) => *count += 1,
            None => unexplained.push(line),
        }
    }
    if let Some(first) = unexplained.first() {
        let count = unexplained.len();
        return Ok(Outcome::Failed(format!("{count} unexplained differences on QEMU, the first: {first}")));
    }
    Ok(match patterns.iter().find(|(_, count)| *count == 0) {
        Some((regex, _)) => {
            Outcome::Failed(format!("QEMU no longer differs as data/qemu-differences.json says: {regex}"))
        }
        None => Outcome::Passed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference_is_found_and_named() {
        let lines = ["conformance-nv at EL2".to_owned(), "DIFFERENT MRS X: this".to_owned()];
        let Outcome::Failed(why) = none(&lines) else { panic!("there is a difference") };
        assert!(why.contains("MRS X"));
    }

    #[test]
    fn cell_that_was_not_executed_fails() {
        let said = |line: &str| none(&[line.to_owned()]);
        assert!(matches!(
            said("coverage: 9 of 9 cells of features that this CPU has were executed"),
            Outcome::Passed
        ));
        assert!(matches!(
            said("coverage: 8 of 9 cells of features that this CPU has were executed"),
            Outcome::Failed(_)
        ));
        assert!(matches!(said("conformance-nv at EL2"), Outcome::Failed(_)));
    }

    #[test]
    fn unknown_difference_is_unexplained_and_every_pattern_compiles() {
        let lines = ["DIFFERENT MRS NO_SUCH_EL9 at EL1 with HCR_EL2 {}: expected this, got that".to_owned()];
        let Ok(Outcome::Failed(why)) = explained(&lines) else { panic!("nothing explains that") };
        assert!(why.contains("NO_SUCH_EL9"), "{why}");
    }
}
