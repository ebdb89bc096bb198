//! `droste conformance`: runs an image that compares a CPU with the architecture's tables, and prints its findings.

use crate::args::ConformanceArgs;
use crate::error::{CliError, TIMEOUT};
use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const IMAGE: &str = "conformance-nv";
const QEMU: &str = "qemu-system-aarch64";

/// Runs the suite; the exit code is 1 if the CPU differs from the tables.
pub(crate) fn run(args: &ConformanceArgs) -> Result<ExitCode, CliError> {
    if args.suite != "nv" {
        return Err(CliError::usage(format!("there is no suite `{}`", args.suite)).hint("suites: nv"));
    }
    let image = image(args)?;
    let mut command = match args.on.as_str() {
        "droste" => {
            let own = env::current_exe()
                .map_err(|e| CliError::software(format!("cannot find the command itself: {e}")))?;
            let mut c = Command::new(own);
            c.args(["run", "--memory", "256M", "--cpu", &args.cpu]);
            if let Some(engine) = &args.engine {
                c.args(["--engine", engine]);
            }
            c.arg("--kernel").arg(image);
            c
        }
        "qemu" => {
            let mut c = Command::new(qemu(args));
            c.args(["-M", "virt,virtualization=on,gic-version=3", "-m", "256", "-cpu", &args.cpu]);
            c.args(["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot", "-kernel"]);
            c.arg(image);
            c
        }
        other => {
            return Err(
                CliError::usage(format!("there is no machine `{other}`")).hint("machines: droste, qemu")
            );
        }
    };
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(|e| {
        CliError::usage(format!("cannot start {}: {e}", command.get_program().display()))
            .hint(format!("--on qemu needs {QEMU}, of release 10.0 or newer: name it with --qemu"))
    })?;
    follow(child, Duration::from_secs(args.timeout))
}

/// The QEMU that is named, or the one of the environment, or the one on the PATH.
fn qemu(args: &ConformanceArgs) -> PathBuf {
    let of_environment = || env::var_os("DROSTE_QEMU").filter(|v| !v.is_empty()).map(PathBuf::from);
    args.qemu.clone().or_else(of_environment).unwrap_or_else(|| QEMU.into())
}

/// Prints what the image says, and judges its last line.
fn follow(mut child: Child, limit: Duration) -> Result<ExitCode, CliError> {
    let Some(output) = child.stdout.take() else {
        return Err(CliError::software("the machine has no output"));
    };
    let child = Arc::new(Mutex::new(child));
    let timed_out = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicBool::new(false));
    let watch = {
        let (child, timed_out, done) = (child.clone(), timed_out.clone(), done.clone());
        thread::spawn(move || {
            let began = Instant::now();
            while began.elapsed() < limit {
                if done.load(Ordering::Relaxed) {
                    return;
                }
                thread::sleep(Duration::from_millis(50));
            }
            timed_out.store(true, Ordering::Relaxed);
            let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
        })
    };
    let mut verdict = None;
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches('\r');
        println!("{line}");
        verdict = different(line).or(verdict);
    }
    done.store(true, Ordering::Relaxed);
    let _ = watch.join();
    let ended = child.lock().unwrap_or_else(PoisonError::into_inner).wait();
    if timed_out.load(Ordering::Relaxed) {
        let message = format!("the image was still running after {} s", limit.as_secs());
        return Err(CliError { message, hint: None, code: TIMEOUT });
    }
    match (verdict, ended) {
        (Some(0), _) => Ok(ExitCode::SUCCESS),
        (Some(_), _) => Ok(ExitCode::FAILURE),
        (None, Ok(status)) => {
            Err(CliError::software(format!("the image came to no end; the machine ended with {status}")))
        }
        (None, Err(e)) => Err(CliError::software(format!("cannot wait for the machine: {e}"))),
    }
}

/// The number of differences that the image's last line tells.
fn different(line: &str) -> Option<u64> {
    let (_, rest) = line.strip_prefix(IMAGE)?.strip_prefix(": ")?.split_once(" cells, ")?;
    rest.split_once(" different")?.0.parse().ok()
}

/// The image: the one that is named, or one beside the command, or in its `share`, or the one of this checkout.
fn image(args: &ConformanceArgs) -> Result<PathBuf, CliError> {
    let own = env::current_exe().unwrap_or_default();
    let beside = own.parent().unwrap_or(std::path::Path::new("")).to_owned();
    let places = match &args.image {
        Some(path) => vec![path.clone()],
        None => vec![
            beside.join(IMAGE).with_extension("elf"),
            beside.join("../share/droste").join(IMAGE).with_extension("elf"),
            beside.join("../aarch64-unknown-none-softfloat/release").join(IMAGE),
        ],
    };
    let named = places[0].display().to_string();
    places.into_iter().find(|p| p.is_file()).ok_or_else(|| {
        CliError::usage(format!("there is no image {named}")).hint(
            "name it with --image; in a checkout, `cargo xtask test --case conformance-nv` builds \
             target/aarch64-unknown-none-softfloat/release/conformance-nv",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdict_is_read_from_the_last_line() {
        assert_eq!(different("conformance-nv: 9 cells, 0 different, 3 skipped (listed)"), Some(0));
        assert_eq!(different("conformance-nv: 9 cells, 12 different, 3 skipped (listed)"), Some(12));
        assert_eq!(different("conformance-nv at EL2"), None);
    }
}
