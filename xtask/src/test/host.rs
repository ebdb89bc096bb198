//! The tests that run on the host: nextest where it is installed, else `cargo test`; and the documentation's
//! examples.

use super::Tally;
use crate::process::{answers, cargo};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::thread;

pub(crate) fn run() -> Result<Tally> {
    let mut tally = Tally::default();
    if answers(cargo().args(["nextest", "--version"])) {
        let mut nextest = cargo();
        nextest.args(["nextest", "run", "--workspace", "--no-fail-fast", "--no-tests=pass"]);
        tally.add(counted(nextest.args(["--status-level=fail", "--hide-progress-bar"]))?);
        tally.add(counted(cargo().args(["test", "--quiet", "--workspace", "--doc", "--no-fail-fast"]))?);
    } else {
        tally.add(counted(cargo().args(["test", "--quiet", "--workspace", "--no-fail-fast"]))?);
    }
    Ok(tally)
}

/// Runs a test command, shows what it prints, and counts. A command that fails without a failed test (it does not
/// compile) counts as one failure.
fn counted(command: &mut Command) -> Result<Tally> {
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("cannot start cargo")?;
    let (out, err) = (child.stdout.take().context("no pipe")?, child.stderr.take().context("no pipe")?);
    let other = thread::spawn(move || shown(out));
    let mut tally = shown(err);
    tally.add(other.join().expect("counting does not panic"));
    if !child.wait()?.success() && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok(tally)
}

fn shown(stream: impl Read) -> Tally {
    let mut tally = Tally::default();
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        eprintln!("{line}");
        tally.add(summary(&line).unwrap_or_default());
    }
    tally
}

/// Reads the summary line of nextest or of a libtest run.
fn summary(line: &str) -> Option<Tally> {
    // nextest shows what a failed test printed, a libtest summary of one test included: indented.
    let of_nextest = line.trim_start().starts_with("Summary [") && line.contains(" run: ");
    let is_summary = of_nextest || line.starts_with("test result:");
    if !is_summary {
        return None;
    }
    let mut tally = Tally::default();
    let words: Vec<&str> = line.split([' ', ',', ';']).filter(|w| !w.is_empty()).collect();
    for pair in words.windows(2) {
        match (pair[0].parse::<usize>(), pair[1]) {
            (Ok(n), "passed") => tally.passed = n,
            (Ok(n), "failed") => tally.failed += n,
            // nextest: a test that ended by a signal or in time
            (Ok(n), "timed") => tally.failed += n,
            _ => {}
        }
    }
    Some(tally)
}

#[cfg(test)]
mod tests {
    use super::{Tally, summary};

    #[test]
    fn summaries_of_both_runners_are_counted() {
        let nextest = "     Summary [   0.004s] 12 tests run: 10 passed (1 slow), 2 failed, 1 skipped";
        assert_eq!(summary(nextest), Some(Tally { passed: 10, failed: 2 }));
        let libtest = "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(summary(libtest), Some(Tally { passed: 3, failed: 1 }));
    }

    #[test]
    fn other_lines_are_not_counted() {
        assert_eq!(summary("5 passed, 1 failed"), None);
        assert_eq!(summary("    test result: FAILED. 0 passed; 1 failed; 0 ignored"), None);
    }
}
