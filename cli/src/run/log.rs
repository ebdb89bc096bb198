//! `--log`: events as text.

use crate::args::RunArgs;
use crate::error::CliError;
use droste_machine::trace::{ExceptionReturned, ExceptionTaken, Levels, Tracer, class_name, nested_bits};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Writes exceptions and their returns, a line each.
struct ExceptionLog(Mutex<Log>);

/// Where the lines go, and what is known from those before.
struct Log {
    sink: Box<dyn Write + Send>,
    levels: Levels,
}

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
    Ok(Some(Box::new(ExceptionLog(Mutex::new(Log { sink, levels: Levels::default() })))))
}

impl ExceptionLog {
    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// HCR_EL2's bits of nested virtualization, if they say anything.
fn nested(hcr: u64) -> String {
    let bits = nested_bits(hcr);
    if bits.is_empty() { bits } else { format!(" hcr={bits}") }
}

impl Tracer for ExceptionLog {
    fn exception(&self, e: &ExceptionTaken) {
        let x = e.exception;
        let far = x.far.map(|far| format!(" far={far:#x}")).unwrap_or_default();
        let hpfar = x.hpfar.map(|hpfar| format!(" hpfar={hpfar:#x}")).unwrap_or_default();
        let mut log = self.lock();
        let level = log.levels.taken(e);
        // A full disk does not stop the guest.
        let _ = writeln!(
            log.sink,
            "{} cpu{} L{level} EL{}->EL{} {} ec={:#04x} iss={:#09x} elr={:#x} spsr={:#x}{far}{hpfar}{}",
            e.instructions,
            e.cpu,
            e.from,
            x.target,
            class_name(&x),
            x.ec,
            x.iss,
            e.elr,
            e.spsr,
            nested(e.hcr),
        );
    }

    fn exception_return(&self, e: &ExceptionReturned) {
        let mut log = self.lock();
        let level = log.levels.returned(e);
        let _ = writeln!(
            log.sink,
            "cpu{} L{level} EL{}=>EL{} ERET pc={:#x} spsr={:#x}{}",
            e.cpu,
            e.from,
            e.to,
            e.pc,
            e.spsr,
            nested(e.hcr)
        );
    }
}
