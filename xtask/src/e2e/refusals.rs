//! Bad input, which `droste` has to refuse in one sentence and with the right code before anything runs.

use super::engine::droste;
use super::run::{FROM_STDERR, follow};
use crate::test::Tally;
use crate::{cross, say};
use anyhow::Result;
use regex_lite::Regex;
use std::fs;
use std::process::Command;
use std::time::Duration;

struct Refusal {
    name: &'static str,
    /// `{kernel}` stands for a good kernel, `{dir}` for a directory with the bad files.
    args: &'static [&'static str],
    /// What the first line on standard error has to match.
    says: &'static str,
}

const fn refusal(name: &'static str, args: &'static [&'static str], says: &'static str) -> Refusal {
    Refusal { name, args, says }
}

const REFUSALS: &[Refusal] = &[
    refusal("no such kernel", &["run", "--kernel", "{dir}/none"], "none"),
    refusal("an empty kernel", &["run", "--kernel", "{dir}/empty"], "empty.*kernel"),
    refusal("a kernel that is a text", &["run", "--kernel", "{dir}/text"], "text.*kernel"),
    refusal("a truncated gzip of a kernel", &["run", "--kernel", "{dir}/truncated.gz"], "truncated.gz"),
    refusal("a truncated kernel", &["run", "--kernel", "{dir}/truncated"], "truncated"),
    refusal(
        "an initrd larger than memory",
        &["run", "--memory", "64M", "--kernel", "{kernel}", "--initrd", "{dir}/large"],
        "initrd",
    ),
    refusal("no CPU", &["run", "--cpus", "0", "--kernel", "{kernel}"], "CPU"),
    refusal("too many CPUs", &["run", "--cpus", "1000", "--kernel", "{kernel}"], "CPU|cpus"),
    refusal("an unknown CPU model", &["run", "--cpu", "vax", "--kernel", "{kernel}"], "vax"),
    refusal(
        "a feature without what it needs",
        &["run", "--cpu", "max,+nv2,-nv", "--kernel", "{kernel}"],
        "(?i)nv",
    ),
    refusal("memory that is no size", &["run", "--memory", "much", "--kernel", "{kernel}"], "much"),
    refusal("nothing to boot", &["run"], "boot"),
    refusal("an unknown option", &["run", "--kernle", "{kernel}"], "--kernle"),
    refusal("an unknown key in a machine file", &["run", "--machine", "{dir}/machine.toml"], "kernal"),
    refusal("a disk that is not there", &["run", "--kernel", "{kernel}", "--disk", "{dir}/none"], "none"),
];

/// The exit codes of bad usage and of bad configuration.
const CODES: [i32; 2] = [64, 78];

pub(crate) fn run() -> Result<Tally> {
    let mut tally = Tally::default();
    let dir = crate::place::target().join("e2e/refusals");
    fs::create_dir_all(&dir)?;
    fs::write(dir.join("empty"), "")?;
    fs::write(dir.join("text"), "this is not a kernel\n".repeat(100))?;
    fs::write(dir.join("truncated"), truncated())?;
    fs::write(dir.join("truncated.gz"), b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xed\xc1\x01")?;
    fs::File::create(dir.join("large"))?.set_len(65 << 20)?;
    fs::write(dir.join("machine.toml"), "kernal = \"none\"\n")?;
    for refusal in REFUSALS {
        let fill = |arg: &&str| {
            let kernel = cross::program("cpu-tests");
            arg.replace("{dir}", &dir.to_string_lossy()).replace("{kernel}", &kernel.to_string_lossy())
        };
        let mut command = Command::new(droste());
        command.args(refusal.args.iter().map(fill));
        let (mut errors, mut console) = (Vec::new(), 0);
        let (status, _) = follow(&mut command, Duration::from_secs(20), |_, line| match line {
            Some(line) if line.starts_with(FROM_STDERR) => errors.push(line[FROM_STDERR.len()..].to_owned()),
            Some(_) => console += 1,
            None => {}
        })?;
        let first = errors.first().map_or("", |l| l.as_str());
        let code = status.and_then(|s| s.code());
        if code.is_some_and(|c| CODES.contains(&c))
            && console == 0
            && Regex::new(refusal.says)?.is_match(first)
        {
            tally.passed += 1;
        } else {
            tally.failed += 1;
            say::say(format!("refusal of {}: FAILED: exit code {code:?}, {first:?}", refusal.name));
        }
    }
    say::say(format!("bad input: refused as it has to be in {} of {} cases", tally.passed, REFUSALS.len()));
    Ok(tally)
}

/// The start of an arm64 Image with a PE header, as EFI kernels have, that tells of a section of 32 MiB.
fn truncated() -> Vec<u8> {
    let mut image = vec![0; 4096];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x00, b"MZ");
    put(0x10, &(32_u64 << 20).to_le_bytes());
    put(0x38, b"ARM\x64");
    put(0x3c, &0x40_u32.to_le_bytes());
    put(0x40, b"PE\0\0");
    // Machine, one section, an optional header of 0xa0 bytes for PE32+.
    put(0x44, &0xaa64_u16.to_le_bytes());
    put(0x46, &1_u16.to_le_bytes());
    put(0x54, &0xa0_u16.to_le_bytes());
    put(0x58, &0x20b_u16.to_le_bytes());
    // The section: name, virtual size and address, size in the file and where.
    put(0xf8, b".text");
    for (at, value) in [(0x100, 32_u32 << 20), (0x104, 0x1000), (0x108, 32 << 20), (0x10c, 0x1000)] {
        put(at, &value.to_le_bytes());
    }
    image
}
