//! Whole machines: a case of the end-to-end tests, from the start of the process to its end.

use super::measure::{self, Cost};
use super::subject::Subject;
use crate::e2e::{self, Case};
use anyhow::{Result, bail};
use regex_lite::Regex;
use std::time::Duration;

/// Runs a case once; an error if its console does not show what it has to.
pub(crate) fn once(case: &Case, subject: &Subject) -> Result<Cost> {
    let mut command = subject.command(&e2e::spec(case, subject.engine())?)?;
    let (cost, lines) = measure::run(&mut command, Duration::from_secs(case.timeout_s))?;
    for expected in case.expect {
        let expression = Regex::new(expected)?;
        if !lines.iter().any(|line| expression.is_match(line)) {
            bail!("no line matched {expected:?}");
        }
    }
    Ok(cost)
}
