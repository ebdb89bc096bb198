//! The machine and the versions that figures belong to.

use crate::{oracle, process};
use anyhow::Result;
use serde_json::{Map, Value, json};
use std::fs;
use std::process::Command;

/// What is known before the first measurement.
pub(crate) fn gather(rounds: u32) -> Result<Map<String, Value>> {
    let first = |command: &mut Command| {
        process::output(command).ok().and_then(|t| t.lines().next().map(|l| l.trim().to_owned()))
    };
    let words = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    // The last change of the emulator, not of what surrounds it.
    let emulator = ["--", "arch", "machine", "cli"];
    let git = || {
        let mut git = Command::new("git");
        git.current_dir(crate::place::root());
        git
    };
    let commit = first(git().args(["log", "-1", "--format=%h of %cs"]).args(emulator));
    let changed = first(git().args(["status", "--porcelain"]).args(emulator)).is_some();
    let commit = commit.map(|c| if changed { format!("{c}, with changes") } else { c });
    let facts = json!({
        "command": format!("cargo xtask {words}"),
        "run_arguments": std::env::var("DROSTE_RUN_ARGS").unwrap_or_default(),
        "date": first(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"])),
        "rounds": rounds,
        "cpu": field("/proc/cpuinfo", "model name"),
        "cpus": std::thread::available_parallelism().map_or(1, |n| n.get()),
        "memory": field("/proc/meminfo", "MemTotal"),
        "host": first(Command::new("uname").args(["-s", "-r", "-m"])),
        "droste": commit,
        "qemu": first(oracle::qemu()?.arg("--version")),
        "rustc": first(Command::new("rustc").arg("--version")),
        "load_at_start": load(),
    });
    match facts {
        Value::Object(map) => Ok(map),
        _ => unreachable!("it was written as an object"),
    }
}

/// The load average over the last minute.
pub(crate) fn load() -> Value {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|w| w.parse::<f64>().ok()).into()
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|l| l.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
