//! The interpreter and the JIT side by side.

use super::harness::{COUNTED, Case, engines};
use droste_machine::engine::Engine;
use droste_machine::machine::{Role, Verdict, check_for};
use std::convert::Infallible;

/// What the engines of this host have done with one guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// The same.
    Same,
    /// Not the same, as the guest has changed translations and nothing says that it has invalidated what may be cached of
    /// them: each engine may have used the old ones or the new ones (DDI 0487, D8.16 "TLB maintenance").
    Open,
}

impl Case {
    /// Runs for about `budget` instructions on every engine of this host.
    ///
    /// # Errors
    ///
    /// The first difference, for a reader, if they do not all leave behind what the interpreter does.
    pub(crate) fn compare(&self, budget: u64) -> Result<Agreement, String> {
        let expected = self.run(Engine::Interp, budget);
        for engine in engines().filter(|engine| *engine != Engine::Interp) {
            let got = self.run(engine, budget);
            if got != expected {
                if got.remapped && expected.remapped {
                    return Ok(Agreement::Open);
                }
                let first = self.first_difference(engine, budget);
                return Err(format!("{engine:?} left {got:x?},\nthe interpreter {expected:x?}\n{first}"));
            }
        }
        Ok(Agreement::Same)
    }

    /// Where an engine begins to differ from the interpreter.
    fn first_difference(&self, engine: Engine, budget: u64) -> String {
        let make = |role| {
            let engine = if role == Role::Reference { Engine::Interp } else { engine };
            Ok::<_, Infallible>(self.assemble(engine, COUNTED, None))
        };
        match check_for(make, budget) {
            Ok(Verdict::Different(difference)) => difference.to_string(),
            Ok(Verdict::Same(_)) => "side by side they do not differ".to_owned(),
        }
    }
}
