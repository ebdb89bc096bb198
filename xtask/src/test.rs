//! `cargo xtask test`: host tests, then whole machines.

mod host;

use crate::args::Args;
use crate::say;
use anyhow::Result;

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Runs the tests; the last line on standard output is `N passed, N failed`.
pub(crate) fn run(mut args: Args) -> Result<bool> {
    let _only_host = args.flag("--host");
    args.finish()?;
    let mut all = Tally::default();
    say::say("test: host tests");
    all.add(host::run()?);
    println!("{} passed, {} failed", all.passed, all.failed);
    Ok(all.failed == 0)
}
