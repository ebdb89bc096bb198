//! Builds and lints the bare-metal crates.

use crate::{place, process, setup};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

/// Packages with a program for the bare-metal target. `demo-guest` is built before `demo-hyp`, which embeds it.
const PROGRAMS: [&str; 8] = [
    "demo-guest",
    "demo-hyp",
    "cpu-tests",
    "bench-micro",
    "bench-user",
    "hostile-host",
    "conformance-nv",
    "stress",
];

/// A cargo command for the bare-metal target, which is made available first.
pub(crate) fn cargo(verb: &str) -> Result<Command> {
    setup::ensure()?;
    let mut command = process::cargo();
    command.args([verb, "--target", setup::TARGET]);
    Ok(command)
}

/// Builds every bare-metal program, and the one of Linux that needs no library.
pub(crate) fn build() -> Result<()> {
    crate::say::say("building the bare-metal guests");
    for name in PROGRAMS {
        let mut command = cargo("build")?;
        command.args(["--release", "-p", name]).env("DEMO_GUEST", program("demo-guest"));
        process::run(&mut command)?;
    }
    Ok(())
}

/// Lints every bare-metal crate, warnings denied.
pub(crate) fn lint() -> Result<bool> {
    let mut command = cargo("clippy")?;
    command
        .args(["-p", "guest-support", "-p", "droste-hyp-core", "-p", "droste-hyp"])
        .args(PROGRAMS.iter().flat_map(|p| ["-p", p]));
    process::succeeds(command.args(["--", "-Dwarnings"]))
}

/// Where a bare-metal program's ELF file is.
pub(crate) fn program(name: &str) -> PathBuf {
    place::target().join(setup::TARGET).join("release").join(name)
}
