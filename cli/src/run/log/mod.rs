//! `--log`: what happens in the machine, as lines of text and as a table at the end.

mod lines;
mod stat;

use crate::args::RunArgs;
use crate::error::CliError;
use droste_machine::trace::{DeviceAccess, ExceptionReturned, ExceptionTaken, FirmwareCall, Levels, Tracer};
use stat::Statistics;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What can be logged: the name, and what it shows.
const CATEGORIES: [(&str, &str); 4] = [
    ("int", "exceptions and their returns"),
    ("dev", "accesses to devices"),
    ("psci", "calls of the firmware"),
    ("stat", "at the end, who trapped what and what it cost"),
];

/// The categories that are on.
#[derive(Clone, Copy)]
struct Wanted {
    int: bool,
    dev: bool,
    psci: bool,
    stat: bool,
}

/// The log of one run.
pub(super) struct Log {
    wanted: Wanted,
    state: Mutex<State>,
}

/// Where the lines go, and what is known from the events before.
struct State {
    sink: Box<dyn Write + Send>,
    levels: Levels,
    statistics: Statistics,
}

/// What the options ask to be logged.
pub(super) fn requested(args: &RunArgs) -> Result<Option<Arc<Log>>, CliError> {
    let is_known = |item: &str| CATEGORIES.iter().any(|(name, _)| *name == item);
    if let Some(unknown) = args.log.iter().find(|item| !is_known(item)) {
        let known = CATEGORIES.map(|(name, what)| format!("{name} ({what})")).join(", ");
        return Err(CliError::usage(format!("`{unknown}` cannot be logged")).hint(format!("known: {known}")));
    }
    if args.log.is_empty()
        && let Some(path) = &args.log_file
    {
        return Err(CliError::usage(format!("nothing is logged to {}", path.display()))
            .hint("say what to log with --log, such as --log int"));
    }
    // A register dump says at which nesting level each CPU is, which only the events tell.
    if args.log.is_empty() && !args.dump_registers {
        return Ok(None);
    }
    let sink: Box<dyn Write + Send> = match &args.log_file {
        Some(path) => Box::new(BufWriter::new(File::create(path).map_err(|e| {
            CliError::usage(format!("cannot write the log {}: {e}", path.display()))
                .hint("name a file in a directory that you may write to")
        })?)),
        None => Box::new(std::io::stderr()),
    };
    let on = |name: &str| args.log.iter().any(|item| item == name);
    let wanted = Wanted { int: on("int"), dev: on("dev"), psci: on("psci"), stat: on("stat") };
    let state = State { sink, levels: Levels::default(), statistics: Statistics::default() };
    Ok(Some(Arc::new(Log { wanted, state: Mutex::new(state) })))
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The nesting level that a CPU is at.
    pub(super) fn level(&self, cpu: usize) -> u8 {
        self.lock().levels.current(cpu)
    }

    /// Writes what the end of the run completes.
    pub(super) fn finish(&self) -> Result<(), CliError> {
        let mut state = self.lock();
        let table = if self.wanted.stat { state.statistics.table() } else { String::new() };
        let written = state.sink.write_all(table.as_bytes()).and_then(|()| state.sink.flush());
        written.map_err(|e| CliError::software(format!("the log is incomplete: {e}")))
    }
}

impl Tracer for Log {
    fn exception(&self, event: &ExceptionTaken) {
        let mut state = self.lock();
        let level = state.levels.taken(event);
        if self.wanted.stat {
            state.statistics.taken(level, event);
        }
        if self.wanted.int {
            // A full disk does not stop the guest; the end of the run reports it.
            let _ = lines::exception(&mut state.sink, level, event);
        }
    }

    fn exception_return(&self, event: &ExceptionReturned) {
        let mut state = self.lock();
        let level = state.levels.returned(event);
        if self.wanted.stat {
            state.statistics.returned(level, event);
        }
        if self.wanted.int {
            let _ = lines::exception_return(&mut state.sink, level, event);
        }
    }

    fn device_access(&self, event: &DeviceAccess<'_>) {
        if self.wanted.dev {
            let _ = lines::device_access(&mut self.lock().sink, event);
        }
    }

    fn firmware_call(&self, event: &FirmwareCall) {
        if self.wanted.psci {
            let _ = lines::firmware_call(&mut self.lock().sink, event);
        }
    }
}
