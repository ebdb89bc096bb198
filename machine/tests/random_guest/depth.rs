//! What random guests reach: a fuzzer that always ends in the same vector finds nothing.

use droste_machine::exception::Kind;
use droste_machine::trace::{ExceptionReturned, ExceptionTaken, Tracer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// Counts exceptions by class, and returns by level.
#[derive(Clone, Default)]
pub(crate) struct Depth(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    taken: BTreeMap<(u8, u8, String), u64>,
    levels: BTreeMap<u8, u64>,
}

impl Depth {
    /// The exception classes that have been taken, and the levels that were returned to.
    pub(crate) fn reached(&self) -> (BTreeSet<String>, BTreeSet<u8>) {
        let counts = self.0.lock().unwrap();
        (
            counts.taken.keys().map(|(_, _, class)| class.clone()).collect(),
            counts.levels.keys().copied().collect(),
        )
    }

    /// A line for each kind of event.
    pub(crate) fn report(&self) -> String {
        let counts = self.0.lock().unwrap();
        let taken =
            counts.taken.iter().map(|((from, to, class), n)| format!("EL{from} to EL{to} {class}: {n}\n"));
        let returns = counts.levels.iter().map(|(el, n)| format!("returns to EL{el}: {n}\n"));
        taken.chain(returns).collect()
    }
}

impl Tracer for Depth {
    fn exception(&self, event: &ExceptionTaken) {
        let class = match event.exception.kind {
            Kind::Synchronous => format!("{:02x}", event.exception.ec),
            other => format!("{other:?}"),
        };
        *self.0.lock().unwrap().taken.entry((event.from, event.exception.target, class)).or_default() += 1;
    }

    fn exception_return(&self, event: &ExceptionReturned) {
        *self.0.lock().unwrap().levels.entry(event.to).or_default() += 1;
    }
}
