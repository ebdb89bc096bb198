//! Errors of the command: one sentence, a hint, and an exit code of sysexits.

use std::fmt;

/// Exit code for wrong use of the command line or of input files.
pub(crate) const USAGE: u8 = 64;
/// Exit code for a fault of the emulator or of the host.
pub(crate) const SOFTWARE: u8 = 70;
/// Exit code for a configuration that cannot be.
pub(crate) const CONFIG: u8 = 78;
/// Exit code when `--timeout` ended the run.
pub(crate) const TIMEOUT: u8 = 124;

/// What goes wrong before or instead of running.
#[derive(Debug)]
pub(crate) struct CliError {
    /// One sentence, lower case.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// Exit code.
    pub(crate) code: u8,
}

impl CliError {
    pub(crate) fn usage(message: impl fmt::Display) -> CliError {
        CliError { message: message.to_string(), hint: None, code: USAGE }
    }

    pub(crate) fn config(message: impl fmt::Display) -> CliError {
        CliError { message: message.to_string(), hint: None, code: CONFIG }
    }

    pub(crate) fn software(message: impl fmt::Display) -> CliError {
        CliError { message: message.to_string(), hint: None, code: SOFTWARE }
    }

    pub(crate) fn hint(self, hint: impl fmt::Display) -> CliError {
        CliError { hint: Some(hint.to_string()), ..self }
    }
}
