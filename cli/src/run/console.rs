//! The guest's serial port on standard input and output.

use super::terminal::Escapes;
use crate::error::CliError;
use droste_machine::devices::Console;
use droste_machine::machine::{Assembled, Stop};
use regex_lite::Regex;
use std::io::{Read, Write, stdin, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// Looks for a line on the console.
pub(super) struct Watch {
    regex: Regex,
    line: Mutex<Vec<u8>>,
}

impl Watch {
    pub(super) fn new(pattern: &str) -> Result<Watch, CliError> {
        let regex = Regex::new(pattern).map_err(|e| {
            CliError::usage(format!("`{pattern}` is no regular expression: {e}"))
                .hint("put a backslash before characters that are meant as they are")
        })?;
        Ok(Watch { regex, line: Mutex::default() })
    }

    /// Takes output; answers whether a line that matches has ended in it.
    fn feed(&self, bytes: &[u8]) -> bool {
        /// A line longer than this is looked at in pieces.
        const LONGEST: usize = 4096;
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = false;
        for &byte in bytes {
            if byte == b'\n' || line.len() >= LONGEST {
                found |= self.regex.is_match(&String::from_utf8_lossy(&line));
                line.clear();
            }
            if byte != b'\n' && byte != b'\r' {
                line.push(byte);
            }
        }
        found
    }
}

/// Standard output as a serial terminal.
pub(super) struct HostConsole {
    watch: Option<Watch>,
    matched: AtomicBool,
    action: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl HostConsole {
    pub(super) fn new(watch: Option<Watch>) -> HostConsole {
        HostConsole { watch, matched: AtomicBool::new(false), action: OnceLock::new() }
    }

    /// Sets what happens when the watched line appears.
    pub(super) fn when_matched(&self, action: impl Fn() + Send + Sync + 'static) {
        let _ = self.action.set(Box::new(action));
    }

    /// Whether the watched line has appeared.
    pub(super) fn matched(&self) -> bool {
        self.matched.load(Ordering::SeqCst)
    }
}

impl Console for HostConsole {
    fn output(&self, bytes: &[u8]) {
        let mut out = stdout().lock();
        // A reader that has gone away does not stop the guest.
        let _ = out.write_all(bytes).and_then(|()| out.flush());
        if self.watch.as_ref().is_some_and(|watch| watch.feed(bytes)) {
            self.matched.store(true, Ordering::SeqCst);
            if let Some(action) = self.action.get() {
                action();
            }
        }
    }
}

/// Hands standard input to the guest's serial port, and serves the escape sequences.
pub(super) fn forward_input(assembled: &Assembled) {
    let (devices, machine) = (assembled.devices.clone(), assembled.machine.clone());
    thread::spawn(move || {
        let mut escapes = Escapes::default();
        let mut buffer = [0; 256];
        while let Ok(count @ 1..) = stdin().read(&mut buffer) {
            let input = escapes.filter(&buffer[..count]);
            if input.quit {
                return machine.stop(Stop::Request);
            }
            if input.power_button {
                devices.press_power_button();
            }
            if input.help {
                eprint!(
                    "\r\nCtrl-A x: quit   Ctrl-A p: power button   Ctrl-A Ctrl-A: Ctrl-A   Ctrl-A h: this help\r\n"
                );
            }
            let mut rest = &input.guest[..];
            while !rest.is_empty() && !machine.is_stopping() {
                let taken = devices.uart.push_input(rest);
                rest = &rest[taken..];
                if !rest.is_empty() {
                    thread::sleep(Duration::from_millis(5));
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_split_over_writes_matches_when_it_ends() {
        let watch = Watch::new("LAB-OK [0-9]").unwrap();
        assert!(!watch.feed(b"xx LAB-"));
        assert!(!watch.feed(b"OK 0 here"));
        assert!(watch.feed(b"\r\nnext"));
    }
}
