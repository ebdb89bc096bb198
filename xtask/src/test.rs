//! `cargo xtask test`: host tests, then whole machines.

mod host;

use crate::args::Args;
use crate::e2e::{self, Engine};
use crate::say;
use anyhow::Result;

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Runs the tests; the last line on standard output is `N passed, N failed`.
pub(crate) fn run(mut args: Args) -> Result<bool> {
    let cases = args.options("--case")?;
    let engine = Engine::named(args.option("--on")?.as_deref())?;
    let (only_host, list) = (args.flag("--host"), args.flag("--list"));
    args.finish()?;
    if list {
        for case in e2e::all() {
            let state = if case.is_ready() { "enabled" } else { "by name only" };
            println!("{:<16} {:<12} {}", case.name, state, case.what);
        }
        return Ok(true);
    }
    let mut all = Tally::default();
    if cases.is_empty() && engine == Engine::Droste {
        say::say("test: host tests");
        all.add(host::run()?);
    }
    if !only_host {
        say::say("test: whole machines");
        all.add(e2e::run(&cases, engine)?);
    }
    println!("{} passed, {} failed", all.passed, all.failed);
    Ok(all.failed == 0)
}
