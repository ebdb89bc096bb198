//! The cost of one process: CPU time of all its threads, user and system, and wall time.
#![allow(unsafe_code)] // getrusage

use crate::{e2e, process};
use anyhow::{Result, bail, ensure};
use std::process::Command;
use std::time::{Duration, Instant};

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

/// Runs a command to its end; what it cost from the line that it began to the line that it ended, in seconds.
pub(crate) fn between(command: &mut Command, limit: Duration, begin: &str, end: &str) -> Result<Cost> {
    let (mut lines, mut marks) = (Vec::new(), Vec::new());
    let began = Instant::now();
    let (status, _) = e2e::follow_process(command, limit, |process, _, line| {
        let Some(line) = line.map(str::trim_end) else { return };
        if line == [begin, end][marks.len().min(1)] {
            marks.push(process_seconds(process).map(|cpu| Cost { cpu, wall: began.elapsed().as_secs_f64() }));
        }
        lines.push(line.to_owned());
    })?;
    if !status.is_some_and(|status| status.success()) {
        bail!("ended with {status:?}: {}; it said {:?}", process::line(command), last(&lines));
    }
    let mut marks = marks.into_iter();
    match (marks.next(), marks.next()) {
        (Some(first), Some(last)) => {
            let (first, last) = (first?, last?);
            Ok(Cost { cpu: last.cpu - first.cpu, wall: last.wall - first.wall })
        }
        _ => bail!("not both {begin:?} and {end:?} were said, but {:?}", last(&lines)),
    }
}

/// The last lines, in which the reason of a failure most likely is.
fn last(lines: &[String]) -> &[String] {
    &lines[lines.len().saturating_sub(20)..]
}

/// CPU time of all threads of a child that was not waited for yet.
fn process_seconds(process: u32) -> Result<f64> {
    let mut clock = 0;
    // SAFETY: the pointer is to a clock's number.
    let result = unsafe { libc::clock_getcpuclockid(process.cast_signed(), &raw mut clock) };
    ensure!(result == 0, "process {process} has no clock");
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a whole `timespec`.
    let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
    ensure!(result == 0, "the clock of process {process} cannot be read");
    Ok(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
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
    fn only_what_is_between_the_lines_counts() {
        let work = "n=0; while [ $n -lt 300000 ]; do n=$((n + 1)); done";
        let cost = |text: &str| {
            between(Command::new("sh").args(["-c", text]), Duration::from_secs(60), "begin", "end")
        };
        let inside = cost(&format!("echo begin; {work}; echo end; sleep 0.1")).unwrap();
        let before = cost(&format!("{work}; echo begin; sleep 0.1; echo end; sleep 0.1")).unwrap();
        assert!(inside.cpu > before.cpu * 2.0, "{inside:?} {before:?}");
        assert!(cost("echo begin").is_err());
        assert!(cost("echo begin; echo end; exit 3").is_err());
    }

    #[test]
    fn failure_is_no_measurement() {
        assert!(run(Command::new("sh").args(["-c", "exit 3"]), Duration::from_secs(60)).is_err());
    }
}
