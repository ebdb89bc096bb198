//! The hypervisor's own parameters on the host's command line: `droste.NAME=VALUE`. The last of a name counts.

use core::fmt;

/// What the hypervisor does to the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It keeps EL2 and its own memory, and denies every call that could lead around it.
    Protected,
    /// It keeps EL2 and its own memory; SMCs that are not PSCI's go to the firmware, and a machine without PSCI is accepted.
    #[default]
    Permissive,
    /// It gives EL2 to the host and is gone.
    Off,
}

/// How much goes to the console. Each level includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum LogLevel {
    /// What makes the hypervisor stop.
    Error,
    /// What an operator should look into.
    Warn,
    /// What a boot comes to.
    #[default]
    Info,
    /// Cores that come and go, calls that are refused.
    Debug,
    /// Every exception of the host.
    Trace,
}

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// `droste.mode=protected|off`; nothing else for the mode between.
    pub mode: Mode,
    /// `droste.log=error|warn|info|debug|trace`.
    pub log: LogLevel,
}

/// A parameter that is not understood. A misspelt wish for protection must not boot without it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Unknown<'a>(pub &'a [u8]);

impl fmt::Display for Unknown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for Unknown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Parameters {
    /// Reads a command line.
    ///
    /// # Errors
    /// [`Unknown`] with the first `droste.mode` or `droste.log` whose value is not known. Other `droste.` words are the host's.
    pub fn read(command_line: &[u8]) -> Result<Parameters, Unknown<'_>> {
        let mut found = Parameters::default();
        for word in words(command_line) {
            if let Some(value) = word.strip_prefix(b"droste.mode=") {
                found.mode = match value {
                    b"protected" => Mode::Protected,
                    b"off" => Mode::Off,
                    _ => return Err(Unknown(word)),
                };
            } else if let Some(value) = word.strip_prefix(b"droste.log=") {
                found.log = match value {
                    b"error" => LogLevel::Error,
                    b"warn" => LogLevel::Warn,
                    b"info" => LogLevel::Info,
                    b"debug" => LogLevel::Debug,
                    b"trace" => LogLevel::Trace,
                    _ => return Err(Unknown(word)),
                };
            }
        }
        Ok(found)
    }
}

/// Words as the kernel splits them, up to `--`, behind which everything is for init. Quotes hold words together.
fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut is_quoted = false;
    line.split(move |b| {
        is_quoted ^= *b == b'"';
        !is_quoted && (b.is_ascii_whitespace() || *b == 0)
    })
    .filter(|word| !word.is_empty())
    .take_while(|word| *word != b"--")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(line: &str) -> Option<Mode> {
        Parameters::read(line.as_bytes()).ok().map(|p| p.mode)
    }

    #[test]
    fn last_mode_counts_and_none_is_permissive() {
        assert_eq!(mode("console=ttyAMA0 panic=-1"), Some(Mode::Permissive));
        assert_eq!(mode("droste.mode=off  droste.mode=protected quiet"), Some(Mode::Protected));
        assert_eq!(mode("droste.mode=off\0"), Some(Mode::Off));
        assert_eq!(mode(""), Some(Mode::Permissive));
    }

    #[test]
    fn misspelt_mode_is_an_error_that_names_it() {
        let Err(unknown) = Parameters::read(b"quiet droste.mode=Protected") else { panic!("accepted") };
        assert_eq!(std::format!("{unknown}"), "droste.mode=Protected");
        assert_eq!(mode("droste.mode="), None);
        assert_eq!(mode("droste.log=loud"), None);
    }

    #[test]
    fn words_for_init_and_in_quotes_are_the_hosts() {
        assert_eq!(mode("quiet -- droste.mode=off"), Some(Mode::Permissive));
        assert_eq!(mode("x=\"a droste.mode=off b\""), Some(Mode::Permissive));
        assert_eq!(mode("xdroste.mode=off droste.chain=kvm"), Some(Mode::Permissive));
    }

    #[test]
    fn log_levels_are_ordered() {
        let log = |line: &str| Parameters::read(line.as_bytes()).unwrap().log;
        assert_eq!(log(""), LogLevel::Info);
        assert!(
            log("droste.log=trace") > log("droste.log=debug") && log("droste.log=error") < LogLevel::Warn
        );
    }
}
