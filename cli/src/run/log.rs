//! `--log`: events as text.

use crate::args::RunArgs;
use crate::error::CliError;
use droste_machine::trace::{ExceptionReturned, ExceptionTaken, Tracer, class_name};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::{Mutex, PoisonError};

/// Writes exceptions and their returns, a line each.
struct ExceptionLog(Mutex<Box<dyn Write + Send>>);

/// What the options ask to be logged.
pub(super) fn tracer(args: &RunArgs) -> Result<Option<Box<dyn Tracer>>, CliError> {
    if let Some(unknown) = args.log.iter().find(|item| *item != "int") {
        return Err(CliError::usage(format!("`{unknown}` cannot be logged")).hint("known: int"));
    }
    if args.log.is_empty() {
        return match &args.log_file {
            Some(path) => Err(CliError::usage(format!("nothing is logged to {}", path.display()))
                .hint("say what to log with --log, such as --log int")),
            None => Ok(None),
        };
    }
    let sink: Box<dyn Write + Send> = match &args.log_file {
        Some(path) => Box::new(BufWriter::new(File::create(path).map_err(|e| {
            CliError::usage(format!("cannot write the log {}: {e}", path.display()))
                .hint("name a file in a directory that you may write to")
        })?)),
        None => Box::new(std::io::stderr()),
    };
    Ok(Some(Box::new(ExceptionLog(Mutex::new(sink)))))
}

impl ExceptionLog {
    fn line(&self, text: std::fmt::Arguments<'_>) {
        // A full disk does not stop the guest.
        let _ = writeln!(self.0.lock().unwrap_or_else(PoisonError::into_inner), "{text}");
    }
}

impl Tracer for ExceptionLog {
    fn exception(&self, e: &ExceptionTaken) {
        let x = e.exception;
        let far = x.far.map(|far| format!(" far={far:#x}")).unwrap_or_default();
        let hpfar = x.hpfar.map(|hpfar| format!(" hpfar={hpfar:#x}")).unwrap_or_default();
        self.line(format_args!(
            "{} cpu{} EL{}->EL{} {} ec={:#04x} iss={:#09x} elr={:#x}{far}{hpfar}",
            e.instructions,
            e.cpu,
            e.from,
            x.target,
            class_name(&x),
            x.ec,
            x.iss,
            e.elr,
        ));
    }

    fn exception_return(&self, e: &ExceptionReturned) {
        self.line(format_args!(
            "cpu{} EL{}=>EL{} ERET pc={:#x} spsr={:#x}",
            e.cpu, e.from, e.to, e.pc, e.spsr
        ));
    }
}
