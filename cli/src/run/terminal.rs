//! The host's terminal while a guest owns it: raw, with Ctrl-A as the way out.

use rustix::termios::{self, OptionalActions, Termios};
use std::io::{IsTerminal, stdin};

/// Puts the terminal of standard input into raw mode until it is dropped; does nothing without one.
pub(super) struct RawMode(Option<Termios>);

impl RawMode {
    pub(super) fn enter() -> RawMode {
        if !stdin().is_terminal() {
            return RawMode(None);
        }
        let Ok(before) = termios::tcgetattr(stdin()) else {
            return RawMode(None);
        };
        let mut raw = before.clone();
        raw.make_raw();
        // Output stays cooked, so that messages of the emulator itself look right.
        raw.output_modes = before.output_modes;
        let entered = termios::tcsetattr(stdin(), OptionalActions::Now, &raw).is_ok();
        RawMode(entered.then_some(before))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = termios::tcsetattr(stdin(), OptionalActions::Flush, before);
        }
    }
}

/// What to do with a chunk of input.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Input {
    /// Bytes for the guest.
    pub(super) guest: Vec<u8>,
    /// Whether the user asked to quit.
    pub(super) quit: bool,
    /// Whether the user pressed the machine's power button.
    pub(super) power_button: bool,
    /// Whether the user asked for help.
    pub(super) help: bool,
}

/// Finds the escape sequences in terminal input: Ctrl-A x quits, Ctrl-A p presses the power button, Ctrl-A h helps, Ctrl-A Ctrl-A is one Ctrl-A.
#[derive(Default)]
pub(super) struct Escapes {
    armed: bool,
}

impl Escapes {
    pub(super) fn filter(&mut self, bytes: &[u8]) -> Input {
        const CTRL_A: u8 = 1;
        let mut input = Input { guest: Vec::new(), quit: false, power_button: false, help: false };
        for &byte in bytes {
            match (std::mem::take(&mut self.armed), byte) {
                (false, CTRL_A) => self.armed = true,
                (false, _) | (true, CTRL_A) => input.guest.push(byte),
                (true, b'x') => input.quit = true,
                (true, b'p') => input.power_button = true,
                (true, b'h' | b'?') => input.help = true,
                (true, _) => {}
            }
        }
        input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_may_be_split_over_reads() {
        let mut escapes = Escapes::default();
        assert_eq!(escapes.filter(b"a\x01").guest, b"a");
        assert!(escapes.filter(b"x").quit);
    }

    #[test]
    fn doubled_escape_is_one_control_a() {
        let input = Escapes::default().filter(b"\x01\x01x");
        assert_eq!(input.guest, b"\x01x");
        assert!(!input.quit);
    }
}
