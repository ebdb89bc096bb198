//! Child processes, with errors that name the command.

use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// Runs to the end with our own input and output; fails unless the status is 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    if !succeeds(command)? {
        bail!("failed: {}", line(command));
    }
    Ok(())
}

/// Runs to the end with our own input and output; whether the status is 0.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.status().with_context(|| format!("cannot start {}", name(command)))?;
    Ok(status.success())
}

/// Runs to the end and returns the standard output; an error carries the last lines of standard error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let out =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {}", name(command)))?;
    if !out.status.success() {
        let text = String::from_utf8_lossy(&out.stderr);
        let last: Vec<&str> = text.trim().lines().rev().take(4).collect();
        let why: Vec<&str> = last.into_iter().rev().collect();
        bail!("failed: {}\n{}", line(command), why.join("\n"));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Runs a producer into a consumer's standard input; fails unless both succeed.
pub(crate) fn pipe(producer: &mut Command, consumer: &mut Command) -> Result<()> {
    let mut first = producer
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", name(producer)))?;
    let between = first.stdout.take().context("no pipe")?;
    let second = succeeds(consumer.stdin(between));
    let first = first.wait()?;
    if !second? {
        bail!("failed: {}", line(consumer));
    }
    if !first.success() {
        bail!("failed: {}", line(producer));
    }
    Ok(())
}

/// Whether a program answers to `--version`.
pub(crate) fn exists(program: &str) -> bool {
    answers(Command::new(program).arg("--version"))
}

/// Whether a command succeeds; its output is dropped.
pub(crate) fn answers(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|s| s.success())
}

/// This toolchain's cargo, in the root of the checkout.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    command.current_dir(crate::place::root());
    // These would replace the flags of .cargo/config.toml, the private sysroot among them.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    // Set by the `cargo run` that started us; they would leak into build scripts and tests.
    for (key, _) in env::vars_os().filter(|(key, _)| belongs_to_this_package(key)) {
        command.env_remove(key);
    }
    command
}

fn belongs_to_this_package(key: &OsStr) -> bool {
    let key = key.to_string_lossy();
    key.starts_with("CARGO_PKG_") || key.starts_with("CARGO_MANIFEST_")
}

/// A command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|w| quoted(&w.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_output_carries_the_reason() {
        let error = output(Command::new("sh").args(["-c", "echo because >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().contains("because"));
    }

    #[test]
    fn pipe_fails_when_only_the_producer_fails() {
        let mut producer = Command::new("false");
        assert!(pipe(&mut producer, Command::new("cat").stdout(Stdio::null())).is_err());
    }

    #[test]
    fn line_quotes_what_a_shell_would_split() {
        assert_eq!(line(Command::new("a").args(["b c", "d"])), "a 'b c' d");
    }
}
