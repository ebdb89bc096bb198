//! Runs one machine and judges its console.

use super::cases::Case;
use super::engine::{Engine, Spec};
use super::footprint::{Footprint, LIMIT_BYTES};
use crate::{place, process};
use anyhow::{Context, Result};
use regex_lite::Regex;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, IsTerminal, Read, Write, stderr};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How a case ended.
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// What a machine said, and how it ended.
pub(crate) struct Seen {
    pub(crate) lines: Vec<String>,
    /// None if it was ended because its time was up.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) seconds: f32,
    /// The most memory that the emulator was seen to take beside guest RAM, in bytes.
    pub(crate) footprint: Option<u64>,
    log: PathBuf,
}

#[cfg(test)]
impl Seen {
    /// A run that said this and ended.
    pub(super) fn of(lines: Vec<String>) -> Seen {
        Seen { lines, status: None, seconds: 0.0, footprint: None, log: PathBuf::new() }
    }
}

/// Runs a machine to its end or until its time is up; the console goes to a log with time stamps.
pub(crate) fn console(spec: &Spec, case: &Case, engine: Engine, suffix: &str) -> Result<Seen> {
    let dir = place::target().join("e2e");
    fs::create_dir_all(&dir)?;
    let log = dir.join(format!("{}.{}{suffix}.log", case.name, engine.name()));
    let mut out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = engine.command(spec)?;
    writeln!(out, "$ {}", process::line(&command))?;
    let title = format!("xtask: case {} on {}", case.name, engine.name());
    let shows = stderr().is_terminal();
    if !shows {
        eprintln!("{title}: {}", case.what);
    }
    let mut lines = Vec::new();
    let limit = Duration::from_secs(case.timeout_s);
    let mut footprint = Footprint::new(u64::from(spec.memory_mb) << 20);
    // Two machines are compared within one process.
    let weighs = engine == Engine::Droste && !spec.check;
    let (status, seconds) = follow_process(&mut command, limit, |process, at, line| {
        if weighs {
            footprint.look(process);
        }
        match line {
            Some(line) => {
                // A full disk shows in the verdict soon enough.
                let _ = writeln!(out, "{at:9.2} {line}");
                lines.push(line.to_owned());
            }
            None if shows => {
                let last = lines.last().map_or("", |l| l.as_str());
                let last: String = last.chars().filter(|c| !c.is_control()).take(60).collect();
                eprint!("\r\x1b[K{title}: {at:.0} s  {last}");
            }
            None => {}
        }
    })?;
    if shows {
        eprint!("\r\x1b[K");
    }
    Ok(Seen { lines, status, seconds, footprint: footprint.peak(), log })
}

/// How long a guest may be silent until whoever follows is told.
const PATIENCE: Duration = Duration::from_millis(300);

/// Stands before lines that came by standard error: the engine's own, not the guest's.
pub(crate) const FROM_STDERR: &str = "[stderr] ";

/// Begins the line of a comparison that QEMU may fail, and Droste's machine may not.
const BEYOND_QEMU_FAIL: &str = "BEYOND-QEMU FAIL";

/// Runs a command and hands over each line of its output with the seconds since the start, and None when there is none for a while.
/// Returns the exit status, or None if the command was ended because its time was up.
pub(crate) fn follow(
    command: &mut Command,
    limit: Duration,
    mut each: impl FnMut(f32, Option<&str>),
) -> Result<(Option<ExitStatus>, f32)> {
    follow_process(command, limit, |_, at, line| each(at, line))
}

/// The same, and hands over the number of the process, too.
pub(crate) fn follow_process(
    command: &mut Command,
    limit: Duration,
    mut each: impl FnMut(u32, f32, Option<&str>),
) -> Result<(Option<ExitStatus>, f32)> {
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", process::line(command)))?;
    let (sender, lines) = channel();
    let streams: [(Box<dyn Read + Send>, &'static str); 2] = [
        (Box::new(child.stdout.take().context("no pipe")?), ""),
        (Box::new(child.stderr.take().context("no pipe")?), FROM_STDERR),
    ];
    let readers = streams.map(|(stream, mark)| {
        let sender = sender.clone();
        thread::spawn(move || send_lines(stream, mark, &sender))
    });
    drop(sender);
    let mut ended = true;
    loop {
        let at = began.elapsed();
        if at >= limit {
            child.kill()?;
            ended = false;
            break;
        }
        match lines.recv_timeout(PATIENCE.min(limit - at)) {
            Ok(line) => each(child.id(), began.elapsed().as_secs_f32(), Some(&line)),
            Err(RecvTimeoutError::Timeout) => each(child.id(), began.elapsed().as_secs_f32(), None),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.wait()?;
    for reader in readers {
        let _ = reader.join();
    }
    Ok((ended.then_some(status), began.elapsed().as_secs_f32()))
}

fn send_lines(stream: impl Read, mark: &str, to: &Sender<String>) {
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if to.send(format!("{mark}{}", line.trim_end_matches('\r'))).is_err() {
            return;
        }
    }
}

/// Holds a console to a case: markers in order, then a clean end.
pub(crate) fn judged(case: &Case, seen: &Seen, engine: Engine) -> Outcome {
    let log = seen.log.display();
    let mut left = case.expect.iter();
    let mut next = left.next();
    for line in &seen.lines {
        if next.is_some_and(|e| Regex::new(e).is_ok_and(|e| e.is_match(line))) {
            next = left.next();
        }
    }
    let short = seen.lines.iter().find(|line| engine == Engine::Droste && line.starts_with(BEYOND_QEMU_FAIL));
    if let Some(line) = short {
        return Outcome::Failed(format!("{line}; log {log}"));
    }
    let ended = match seen.status {
        None => format!("not done after {:.0} s", seen.seconds),
        Some(status) if status.success() => String::new(),
        Some(status) => format!("ended with {status}"),
    };
    if let Some(bytes) = seen.footprint.filter(|&bytes| bytes > LIMIT_BYTES) {
        let (is, limit) = (bytes >> 20, LIMIT_BYTES >> 20);
        return Outcome::Failed(format!("{is} MiB beside guest RAM, of {limit} at most; log {log}"));
    }
    match (next, ended.as_str()) {
        (None, "") => Outcome::Passed,
        (None, _) => Outcome::Failed(format!("{ended}; log {log}")),
        (Some(e), "") => Outcome::Failed(format!("no line matched {e:?}; log {log}")),
        (Some(e), _) => Outcome::Failed(format!("no line matched {e:?}, {ended}; log {log}")),
    }
}

/// Compares two consoles; names the first difference.
pub(crate) fn same(ours: &[String], others: &[String], whose: &str) -> Outcome {
    let longest = ours.len().max(others.len());
    for at in 0..longest {
        let (a, b) = (ours.get(at), others.get(at));
        if a != b {
            let text = |l: Option<&String>| l.map_or("nothing".to_owned(), |l| format!("{l:?}"));
            return Outcome::Failed(format!("line {}: {}, {whose}: {}", at + 1, text(a), text(b)));
        }
    }
    Outcome::Passed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_that_takes_too_long_is_ended() {
        let mut lines = Vec::new();
        let limit = Duration::from_secs(4);
        let mut command = Command::new("sh");
        command.args(["-c", "echo here; exec sleep 60"]);
        let (status, seconds) =
            follow(&mut command, limit, |_, line| lines.extend(line.map(str::to_owned))).unwrap();
        assert!(status.is_none() && seconds < 20.0);
        assert_eq!(lines, ["here"]);
    }

    #[test]
    fn status_is_handed_over() {
        let (status, _) =
            follow(Command::new("sh").args(["-c", "exit 7"]), Duration::from_secs(60), |_, _| {}).unwrap();
        assert_eq!(status.and_then(|s| s.code()), Some(7));
    }

    #[test]
    fn first_difference_is_named() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        assert!(matches!(same(&lines("a\nb"), &lines("a\nb"), "x"), Outcome::Passed));
        let Outcome::Failed(why) = same(&lines("a\nb"), &lines("a"), "x") else { panic!("they differ") };
        assert!(why.contains("line 2") && why.contains("nothing"), "{why}");
    }
}
