//! The time from the start of the process to the guest's first instruction, which switches the machine off.
//!
//! What is measured is the CPU time of the whole process, of all its threads and with its end, so that neither a busy host
//! nor what other processes do fails the test; the best of some runs counts, as the first one may have to read files.

use super::engine::droste;
use crate::bench;
use crate::test::Tally;
use crate::{guests, place, say};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What a start may take.
const LIMIT_SECONDS: f64 = 0.050;
/// The same where more than half of it is the host's copying of files into RAM, as fast as the host can.
const LIMIT_WITH_FILES_SECONDS: f64 = 0.100;
/// Runs of a start that is fast enough, and of one that is not: on a busy host CPU time varies by half.
const RUNS: std::ops::RangeInclusive<usize> = 5..=120;
/// MOVZ X0, #0x8400, LSL #16; MOVK X0, #8; SMC #0: PSCI's SYSTEM_OFF.
const SYSTEM_OFF: [u32; 3] = [0xd2b0_8000, 0xf280_0100, 0xd400_0003];

pub(crate) fn run() -> Result<Tally> {
    let dir = place::target().join("e2e");
    fs::create_dir_all(&dir)?;
    let mut tally = Tally::default();
    let smallest = write(&dir.join("off.img"), smallest())?;
    let mut starts = vec![("a kernel of three instructions", smallest, None, LIMIT_SECONDS)];
    match guests::file("Image-7.2").and_then(|image| Ok((image, guests::file("tiny.cpio")?))) {
        Ok((image, initrd)) => {
            let kernel = ended_at_once(fs::read(&image)?)?;
            starts.push((
                "Debian's kernel and an initrd",
                write(&dir.join("off-7.2.img"), kernel)?,
                Some(initrd),
                LIMIT_WITH_FILES_SECONDS,
            ));
        }
        Err(why) if why.is::<guests::Unavailable>() => {
            say::say(format!("startup: Debian's kernel: SKIPPED: {why:#}"));
        }
        Err(why) => return Err(why),
    }
    for (what, kernel, initrd, limit) in starts {
        for memory in ["1G", "4G"] {
            let seconds = best(&kernel, initrd.as_deref(), memory, limit)?;
            let milliseconds = seconds * 1000.0;
            let verdict = if seconds < limit { "ok" } else { "FAILED" };
            say::say(format!(
                "startup: {what}, {memory} of RAM: {verdict}, {milliseconds:.0} ms of CPU time"
            ));
            if seconds < limit {
                tally.passed += 1;
            } else {
                tally.failed += 1;
            }
        }
    }
    Ok(tally)
}

/// CPU time of the shortest run, of some, and of more if it is above the limit.
fn best(kernel: &Path, initrd: Option<&Path>, memory: &str, limit: f64) -> Result<f64> {
    let mut best = f64::INFINITY;
    for run in 0..*RUNS.end() {
        if run >= *RUNS.start() && best < limit {
            break;
        }
        let mut command = Command::new(droste());
        command.args(["run", "--memory", memory, "--kernel"]).arg(kernel);
        if let Some(initrd) = initrd {
            command.arg("--initrd").arg(initrd);
        }
        best = best.min(bench::cost(&mut command, Duration::from_secs(60))?.0.cpu);
    }
    Ok(best)
}

fn write(path: &Path, bytes: Vec<u8>) -> Result<PathBuf> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.to_owned())
}

fn code() -> impl Iterator<Item = u8> {
    SYSTEM_OFF.into_iter().flat_map(u32::to_le_bytes)
}

/// The header of an arm64 Image with a branch over itself, and the code.
fn smallest() -> Vec<u8> {
    let mut image = vec![0; 64];
    image[..4].copy_from_slice(&0x1400_0010_u32.to_le_bytes());
    image[16..24].copy_from_slice(&0x1000_u64.to_le_bytes());
    image[56..60].copy_from_slice(b"ARM\x64");
    image.extend(code());
    image
}

/// A kernel whose header branches to code that does nothing else.
fn ended_at_once(mut image: Vec<u8>) -> Result<Vec<u8>> {
    let word = image.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    let word = word.context("the kernel is shorter than its header")?;
    ensure!(word >> 26 == 0b00_0101, "the second word of the kernel is {word:08x}, not a branch");
    let entry = 4 + 4 * (word as usize & 0x3ff_ffff);
    let end = entry + 4 * SYSTEM_OFF.len();
    ensure!(end <= image.len(), "the kernel's entry is beyond its end");
    image.splice(entry..end, code());
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::{code, ended_at_once, smallest};

    #[test]
    fn entry_of_a_kernel_is_replaced() {
        let mut image = vec![0; 128];
        image[4..8].copy_from_slice(&0x1400_0013_u32.to_le_bytes());
        let patched = ended_at_once(image).unwrap();
        assert_eq!(patched.len(), 128);
        assert_eq!(patched[80..92], code().collect::<Vec<u8>>());
        assert!(ended_at_once(smallest()).is_err(), "no branch in its second word");
        assert!(ended_at_once(vec![0; 6]).is_err());
    }
}
