//! `droste run`.

mod check;
mod console;
mod log;
pub(crate) mod machine;
mod registers;
mod rtc;
mod terminal;
pub(crate) mod virtio;

use crate::args::RunArgs;
use crate::config::MachineFile;
use crate::error::{CliError, TIMEOUT};
use console::{HostConsole, Watch};
use droste_machine::board::device_tree;
use droste_machine::machine::{Stop, run as run_machine};
use droste_machine::trace::Tracer;
pub(crate) use machine::wrong_cpu;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Boots what the options say and waits until it ends.
pub(crate) fn run(args: &RunArgs) -> Result<ExitCode, CliError> {
    let file = MachineFile::effective(args)?;
    if args.dump_config {
        print!("{}", toml::to_string(&file).map_err(CliError::software)?);
        return Ok(ExitCode::SUCCESS);
    }
    let exit_on = file.exit_on.as_deref().map(Watch::new).transpose()?;
    let console = Arc::new(HostConsole::new(exit_on));
    if file.engine.as_deref() == Some(check::ENGINE) {
        return check::run(file, args, console);
    }
    let (mut config, boot) = machine::describe(&file, console.clone())?;
    if args.dump_dtb.is_some() || args.dump_dts {
        return dump(args, &config, &boot);
    }
    let log = log::requested(args)?;
    config.tracer = log.clone().map(|log| Box::new(log) as Box<dyn Tracer>);
    let assembled = config.build(&boot).map_err(machine::explain)?;
    drop(boot);

    let machine = assembled.machine.clone();
    let quit = machine.clone();
    console.when_matched(move || quit.stop(Stop::Request));
    let _raw = terminal::RawMode::enter();
    console::forward_input(&assembled);
    let timed_out = Arc::new(AtomicBool::new(false));
    if let Some(seconds) = file.timeout {
        let (machine, flag) = (machine.clone(), timed_out.clone());
        thread::spawn(move || {
            thread::sleep(Duration::from_secs(seconds));
            flag.store(true, Ordering::SeqCst);
            machine.stop(Stop::Request);
        });
    }
    let mut instructions = 0;
    let outcome = loop {
        let outcome = run_machine(&machine, &assembled.devices)
            .map_err(|e| CliError::software(format!("cannot start the CPUs' threads: {e}")))?;
        instructions += machine::instructions(&outcome);
        if outcome.stop != Stop::Reset || file.no_reboot == Some(true) {
            break outcome;
        }
        let boot = machine::boot(&file)?;
        if !assembled.reset(&boot).map_err(machine::explain)? {
            break outcome;
        }
    };
    drop(_raw);
    log.as_ref().map_or(Ok(()), |log| log.finish())?;
    if args.summary {
        machine::summarize(&machine, &outcome, instructions);
    }
    if args.dump_registers {
        for (number, cpu) in outcome.cpus.iter().enumerate() {
            let level = log.as_ref().map_or(0, |log| log.level(number));
            eprint!("{}", registers::text(number, level, cpu));
        }
    }
    if timed_out.load(Ordering::SeqCst) && !console.matched() {
        return Err(CliError {
            message: format!("the guest was still running after {} s", file.timeout.unwrap_or(0)),
            hint: None,
            code: TIMEOUT,
        });
    }
    Ok(ExitCode::SUCCESS)
}

/// Serves --dump-dtb and --dump-dts.
fn dump(
    args: &RunArgs,
    config: &droste_machine::machine::MachineConfig,
    boot: &droste_machine::machine::Boot,
) -> Result<ExitCode, CliError> {
    let placement = config.place(boot).map_err(machine::explain)?;
    let dtb = config.device_tree(boot, &placement).map_err(machine::explain)?;
    if let Some(path) = &args.dump_dtb {
        std::fs::write(path, &dtb).map_err(|e| {
            CliError::usage(format!("cannot write {}: {e}", path.display()))
                .hint("name a file in a directory that you may write to")
        })?;
    }
    if args.dump_dts {
        print!("{}", device_tree::to_source(&dtb).map_err(CliError::software)?);
    }
    Ok(ExitCode::SUCCESS)
}
