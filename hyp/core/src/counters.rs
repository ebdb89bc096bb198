//! What the host did that came to EL2, counted.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Event {
    /// An SMC, whatever became of it.
    Smc,
    /// An HVC.
    Hvc,
    /// A part of the host's stage 2 that was made at its first access.
    Mapped,
    /// An access to memory that is not the host's, answered by an external abort.
    Denied,
    /// An instruction that nobody but EL2 may execute, answered by an Undefined Instruction exception.
    Undefined,
    /// A core that came through EL2 into the host: by CPU_ON or from a power-down state.
    CoreEntered,
}

const NAMES: [&str; 6] =
    ["SMCs", "HVCs", "blocks mapped", "accesses denied", "instructions undefined", "cores entered"];

/// One counter for each event, shared by all cores.
#[derive(Debug, Default)]
pub struct Counters([AtomicU64; NAMES.len()]);

impl Counters {
    /// All zero.
    #[must_use]
    pub const fn new() -> Counters {
        Counters([const { AtomicU64::new(0) }; NAMES.len()])
    }

    /// Counts one.
    pub fn count(&self, event: Event) {
        if let Some(counter) = self.0.get(event as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there were.
    #[must_use]
    pub fn get(&self, event: Event) -> u64 {
        self.0.get(event as usize).map_or(0, |n| n.load(Ordering::Relaxed))
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (counter, name)) in self.0.iter().zip(NAMES).enumerate() {
            write!(f, "{}{} {name}", if n == 0 { "" } else { ", " }, counter.load(Ordering::Relaxed))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_its_own_counter_and_name() {
        let c = Counters::new();
        c.count(Event::CoreEntered);
        c.count(Event::Denied);
        c.count(Event::Denied);
        let text =
            "0 SMCs, 0 HVCs, 0 blocks mapped, 2 accesses denied, 0 instructions undefined, 1 cores entered";
        assert_eq!(std::format!("{c}"), text);
        assert_eq!((c.get(Event::Denied), c.get(Event::Smc)), (2, 0));
    }
}
