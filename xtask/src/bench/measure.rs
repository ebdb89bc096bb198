//! The cost of one process: CPU time of all its threads, user and system, and wall time.
#![allow(unsafe_code)] // getrusage

use crate::{e2e, process};
use anyhow::{Result, bail};
use std::process::Command;
use std::time::Duration;

/// What something cost, in seconds or nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) cpu: f64,
    pub(crate) wall: f64,
}

/// Runs a command to its end; its cost in seconds and its lines. No other child may end meanwhile.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<(Cost, Vec<String>)> {
    let mut lines = Vec::new();
    let before = children_seconds();
    let (status, wall) = e2e::follow(command, limit, |_, line| lines.extend(line.map(str::to_owned)))?;
    let cost = Cost { cpu: children_seconds() - before, wall: f64::from(wall) };
    match status {
        Some(status) if status.success() => Ok((cost, lines)),
        Some(status) => bail!("ended with {status}: {}", process::line(command)),
        None => bail!("not done after {} s: {}", limit.as_secs(), process::line(command)),
    }
}

/// CPU time of all children that have ended and were waited for.
fn children_seconds() -> f64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a whole `rusage`.
    let result = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) };
    assert_eq!(result, 0, "getrusage knows RUSAGE_CHILDREN");
    // SAFETY: all zero is a `rusage`, and the call has filled it.
    let usage = unsafe { usage.assume_init() };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_of_the_work_and_not_of_the_waiting() {
        let limit = Duration::from_secs(60);
        let script =
            |text: &str| run(Command::new("sh").args(["-c", text]), limit).map(|(cost, _)| cost).unwrap();
        let waits = script("sleep 0.5");
        assert!(waits.wall >= 0.5 && waits.cpu < 0.4, "{waits:?}");
        let works = script("n=0; while [ $n -lt 300000 ]; do n=$((n + 1)); done");
        assert!(works.cpu > waits.cpu, "{works:?}");
    }

    #[test]
    fn failure_is_no_measurement() {
        assert!(run(Command::new("sh").args(["-c", "exit 3"]), Duration::from_secs(60)).is_err());
    }
}
