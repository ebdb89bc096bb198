//! Loud reports of what a guest uses and the machine does not have.

use crate::cpu::Vcpu;
use droste_arch::a64;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Receives one line about something unimplemented.
pub type Sink = Box<dyn Fn(&str) + Send + Sync>;

/// Reports each unimplemented thing once.
pub struct Diagnostics {
    seen: Mutex<HashSet<String>>,
    sink: Sink,
}

impl Diagnostics {
    /// Makes a reporter that hands its lines to `sink`.
    pub fn new(sink: Sink) -> Diagnostics {
        Diagnostics { seen: Mutex::default(), sink }
    }

    /// Reports `what`, unless it was reported before; `details` may differ from time to time.
    pub fn unimplemented(&self, what: &str, details: fmt::Arguments<'_>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.insert(what.to_owned()) {
            drop(seen);
            (self.sink)(&format!("{what}: {details}"));
        }
    }
}

/// Reports an instruction that is UNDEFINED on this CPU.
pub(crate) fn undefined_instruction(cpu: &Vcpu, word: u32) {
    let name = a64::decode(word).map_or_else(|| format!("{word:08x}"), |e| e.name().to_owned());
    let what = format!("undefined instruction {name}");
    let details = format_args!("word {word:08x} at EL{} PC {:#x}", cpu.el(), cpu.state.pc);
    cpu.machine.diagnostics.unimplemented(&what, details);
}
