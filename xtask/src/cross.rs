//! Builds and lints the bare-metal crates.

use crate::{place, process, setup};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

/// Packages with a program for the bare-metal target.
pub(crate) const PACKAGES: [&str; 0] = [];

/// A cargo command over all bare-metal packages, for the bare-metal target, which is made available first.
pub(crate) fn cargo(verb: &str) -> Result<Command> {
    setup::ensure()?;
    let mut command = process::cargo();
    command.args([verb, "--target", setup::TARGET]);
    command.args(PACKAGES.iter().flat_map(|p| ["-p", p]));
    Ok(command)
}

/// Builds every bare-metal program.
pub(crate) fn build() -> Result<()> {
    if PACKAGES.is_empty() {
        return Ok(());
    }
    process::run(cargo("build")?.arg("--release"))
}

/// Where a bare-metal program's ELF file is.
pub(crate) fn program(name: &str) -> PathBuf {
    place::target().join(setup::TARGET).join("release").join(name)
}
