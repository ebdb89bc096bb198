//! The `droste` command: runs hypervisors inside hypervisors on an emulated 64-bit Arm machine.

mod args;
mod config;
mod conformance;
mod cpu;
mod error;
mod explain;
mod hyp;
mod manual;
mod run;
mod size;

use clap::Parser;
use clap::error::ErrorKind;
use error::CliError;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(e) => return wrong_arguments(&e),
    };
    let result = match args.command {
        args::Command::Run(options) => run::run(&options),
        args::Command::Explain(options) => explain::run(&options),
        args::Command::Conformance(options) => conformance::run(&options),
        args::Command::Hyp(command) => hyp::run(&command),
        args::Command::Cpu(command) => cpu::show(&command),
        args::Command::Completions { shell } => manual::completions(shell),
        args::Command::Man { directory } => manual::pages(&directory),
    };
    result.unwrap_or_else(|e| {
        report(&e);
        ExitCode::from(e.code)
    })
}

/// Says what is wrong with the arguments; or what was asked for, as help and version are no errors.
fn wrong_arguments(error: &clap::Error) -> ExitCode {
    let helps = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if helps || !error.use_stderr() {
        let _ = error.print();
        return if helps { ExitCode::from(error::USAGE) } else { ExitCode::SUCCESS };
    }
    // The first line is the sentence; one of the others may be a tip.
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim);
    let sentence = lines.next().unwrap_or_default();
    let tip = lines.find_map(|line| {
        let values = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
        line.strip_prefix("tip: ").map(str::trim).or(values)
    });
    let error = CliError::usage(sentence.strip_prefix("error: ").unwrap_or(sentence));
    let error = match tip {
        Some(tip) => error.hint(tip),
        None => error,
    };
    report(&error);
    ExitCode::from(error.code)
}

fn report(error: &CliError) {
    // One line each, whatever a library has to say.
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    eprintln!("error: {}", line(&error.message));
    match &error.hint {
        Some(hint) => eprintln!("hint: {}", line(hint)),
        None if matches!(error.code, error::USAGE | error::CONFIG) => {
            eprintln!("hint: `droste run --help` lists the options and their values");
        }
        None => {}
    }
}
