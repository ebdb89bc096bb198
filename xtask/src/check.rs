//! Everything about the source that a machine can check without running it.

use crate::process::{answers, cargo, succeeds};
use crate::{cross, r#gen, say};
use anyhow::Result;
use std::process::Command;

/// Runs every check, also after one has failed, and names those that failed.
pub(crate) fn run() -> Result<bool> {
    let mut failed = Vec::new();
    let mut step = |name: &'static str, passed: Result<bool>| {
        let passed = passed.unwrap_or_else(|why| {
            say::say(format!("{why:#}"));
            false
        });
        if !passed {
            failed.push(name);
        }
    };
    let mut host = |name: &'static str, command: &mut Command| {
        say::say(format!("check: {name}"));
        step(name, succeeds(command));
    };
    host("format", cargo().args(["fmt", "--all", "--check"]));
    host("lints, host", cargo().args(["clippy", "--workspace", "--all-targets", "--", "-Dwarnings"]));
    host(
        "documentation",
        cargo().args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings"),
    );
    if answers(cargo().args(["deny", "--version"])) {
        host(
            "dependency policy",
            cargo().args(["deny", "--all-features", "check", "bans", "licenses", "sources"]),
        );
        let image = ["--manifest-path", "hyp/image/Cargo.toml", "--config", "hyp/image/deny.toml"];
        host("what the hypervisor is made of", cargo().arg("deny").args(image).args(["check", "bans"]));
        if answers(cargo().args(["deny", "fetch", "db"])) {
            host("advisories", cargo().args(["deny", "check", "advisories"]));
        } else {
            say::say("check: advisories: SKIPPED, their database cannot be fetched");
        }
    } else {
        say::say("check: dependency policy: SKIPPED, cargo-deny is not installed");
    }
    say::say("check: lints, bare metal");
    step("lints, bare metal", cross::lint());
    say::say("check: generated code");
    step("generated code", r#gen::run(true).map(|()| true).map_err(anyhow::Error::msg));
    if failed.is_empty() {
        say::say("check: all is well");
    } else {
        say::say(format!("check: FAILED: {}", failed.join("; ")));
    }
    Ok(failed.is_empty())
}
