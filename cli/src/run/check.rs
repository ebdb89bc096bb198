//! `--engine check`: the interpreter and the JIT on two machines that are alike, compared all the way.

use super::console::HostConsole;
use super::machine;
use crate::args::RunArgs;
use crate::config::MachineFile;
use crate::error::{CliError, TIMEOUT};
use droste_machine::devices::Console;
use droste_machine::machine::{Assembled, Role, Verdict, check};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// The name on the command line.
pub(super) const ENGINE: &str = "check";

/// The console of the machine that is checked; the reference's is shown.
struct Silent;

impl Console for Silent {
    fn output(&self, _bytes: &[u8]) {}
}

/// Runs both machines until they stop or differ.
pub(super) fn run(
    mut file: MachineFile,
    args: &RunArgs,
    console: Arc<HostConsole>,
) -> Result<ExitCode, CliError> {
    if !file.net.is_empty() {
        return Err(CliError::usage(
            "with --engine check there is no network: its timing is not reproducible",
        )
        .hint("leave out --net"));
    }
    if let Some(disk) = file.disk.iter().find(|disk| !disk.contains(",ro") && !disk.contains(",overlay")) {
        return Err(CliError::usage(format!(
            "with --engine check two machines would write to the disk {disk}"
        ))
        .hint("add ,overlay or ,ro"));
    }
    if let Some(disk) = file.disk.iter().find(|disk| disk.contains(",overlay=")) {
        return Err(CliError::usage(format!(
            "with --engine check two machines would write to the overlay of {disk}"
        ))
        .hint("leave out the overlay's file name"));
    }
    file.deterministic = Some(true);
    let stop = Arc::new(AtomicBool::new(false));
    let matched = stop.clone();
    console.when_matched(move || matched.store(true, Ordering::SeqCst));
    let timed_out = Arc::new(AtomicBool::new(false));
    if let Some(seconds) = file.timeout {
        let (stop, flag) = (stop.clone(), timed_out.clone());
        thread::spawn(move || {
            thread::sleep(Duration::from_secs(seconds));
            flag.store(true, Ordering::SeqCst);
            stop.store(true, Ordering::SeqCst);
        });
    }
    let mut reference = None;
    let mut make = |role: Role| -> Result<Assembled, CliError> {
        let mut file = file.clone();
        let (engine, console): (&str, Arc<dyn Console>) = match role {
            // A second reference is made to look closer at what has been shown already.
            Role::Reference if reference.is_none() => ("interp", console.clone()),
            Role::Reference => ("interp", Arc::new(Silent)),
            Role::Subject => ("jit", Arc::new(Silent)),
        };
        file.engine = Some(engine.into());
        let (config, boot) = machine::describe(&file, console)?;
        let assembled = config.build(&boot).map_err(machine::explain)?;
        if role == Role::Reference {
            reference = Some(assembled.machine.clone());
        }
        Ok(assembled)
    };
    let outcome = match check(&mut make, &stop)? {
        Verdict::Same(outcome) => outcome,
        Verdict::Different(difference) => {
            return Err(CliError::software(format!(
                "the JIT does not do what the interpreter does: {}",
                difference.to_string().trim_end()
            )));
        }
    };
    if args.summary
        && let Some(machine) = reference
    {
        machine::summarize(&machine, &outcome, machine::instructions(&outcome));
    }
    if timed_out.load(Ordering::SeqCst) && !console.matched() {
        return Err(CliError {
            message: format!(
                "no difference, but the guest was still running after {} s",
                file.timeout.unwrap_or(0)
            ),
            hint: None,
            code: TIMEOUT,
        });
    }
    Ok(ExitCode::SUCCESS)
}
