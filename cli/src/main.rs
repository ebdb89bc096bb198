//! The `droste` command: runs hypervisors inside hypervisors on an emulated 64-bit Arm machine.

mod args;
mod config;
mod error;
mod run;
mod size;

use clap::Parser;
use error::CliError;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(e) => {
            // Help and version are no errors; the rest is bad usage.
            let _ = e.print();
            return if e.use_stderr() { ExitCode::from(error::USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let result = match args.command {
        args::Command::Run(options) => run::run(&options),
    };
    result.unwrap_or_else(|e| {
        report(&e);
        ExitCode::from(e.code)
    })
}

fn report(error: &CliError) {
    eprintln!("error: {}", error.message);
    if let Some(hint) = &error.hint {
        eprintln!("hint: {hint}");
    }
}
