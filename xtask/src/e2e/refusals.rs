//! Bad input, which `droste` has to refuse in one sentence and with the right code before anything runs.

use super::engine::droste;
use crate::test::Tally;
use crate::{cross, say};
use anyhow::Result;
use regex_lite::Regex;
use std::fs;
use std::process::Command;

struct Refusal {
    name: &'static str,
    /// `{kernel}` stands for a good kernel, `{dir}` for an empty directory of the test.
    args: &'static [&'static str],
    code: i32,
    says: &'static str,
}

/// Not until the `droste` command exists.
const READY: bool = false;

const REFUSALS: &[Refusal] = &[
    Refusal { name: "no such kernel", args: &["run", "--kernel", "{dir}/none"], code: 78, says: "none" },
    Refusal { name: "empty kernel", args: &["run", "--kernel", "{dir}/empty"], code: 78, says: "empty" },
    Refusal {
        name: "kernel that is a text",
        args: &["run", "--kernel", "{dir}/text"],
        code: 78,
        says: "text",
    },
    Refusal {
        name: "initrd larger than memory",
        args: &["run", "--memory", "64M", "--kernel", "{kernel}", "--initrd", "{dir}/large"],
        code: 78,
        says: "large",
    },
    Refusal { name: "no CPU", args: &["run", "--cpus", "0", "--kernel", "{kernel}"], code: 64, says: "cpus" },
    Refusal {
        name: "feature without what it needs",
        args: &["run", "--cpu", "max,+nv2,-nv", "--kernel", "{kernel}"],
        code: 64,
        says: "(?i)nv",
    },
    Refusal { name: "unknown option", args: &["run", "--kernle", "{kernel}"], code: 64, says: "--kernle" },
    Refusal {
        name: "unknown key in a machine file",
        args: &["run", "--machine", "{dir}/machine.toml"],
        code: 78,
        says: "kernel",
    },
];

pub(crate) fn run() -> Result<Tally> {
    let mut tally = Tally::default();
    if !READY {
        say::say("not enabled yet: refusal of bad input");
        return Ok(tally);
    }
    let dir = crate::place::target().join("e2e/refusals");
    fs::create_dir_all(&dir)?;
    fs::write(dir.join("empty"), "")?;
    fs::write(dir.join("text"), "this is not a kernel\n".repeat(100))?;
    fs::File::create(dir.join("large"))?.set_len(65 << 20)?;
    fs::write(dir.join("machine.toml"), "kernal = \"none\"\n")?;
    for refusal in REFUSALS {
        let fill = |arg: &&str| {
            let kernel = cross::program("cpu-tests");
            arg.replace("{dir}", &dir.to_string_lossy()).replace("{kernel}", &kernel.to_string_lossy())
        };
        let out = Command::new(droste()).args(refusal.args.iter().map(fill)).output()?;
        let text = String::from_utf8_lossy(&out.stderr);
        let sentence = Regex::new(refusal.says)?.is_match(&text) && text.trim().lines().count() <= 3;
        if out.status.code() == Some(refusal.code) && sentence && out.stdout.is_empty() {
            tally.passed += 1;
        } else {
            tally.failed += 1;
            say::say(format!("refusal of {}: FAILED: {}, {}", refusal.name, out.status, text.trim()));
        }
    }
    say::say(format!("refusal of bad input: {} of {} as they have to be", tally.passed, REFUSALS.len()));
    Ok(tally)
}
