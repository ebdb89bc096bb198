//! The devices of the board. Each has its own lock, which is held while it drives its interrupt line or
//! hands bytes to the host; a host-side sink must therefore not call back into the device.
//!
//! Nothing here trusts the guest: any access at any time is answered, and what guest memory says is
//! checked before it is used.

pub mod disk;
pub mod fw_cfg;
pub mod net;
pub mod pl011;
pub mod pl031;
pub mod pl061;
mod primecell;
pub mod virtio;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where a device's text output goes.
pub trait Console: Send + Sync {
    /// Takes bytes as the guest sent them.
    fn output(&self, bytes: &[u8]);
}

/// Locks the state of a device. State after a panic is no worse than that of real hardware after a fault.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod testing {
    use super::*;
    use crate::irq::{InterruptSink, IrqLine};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Shows the level of one interrupt line.
    #[derive(Default)]
    pub(crate) struct LineProbe {
        level: AtomicBool,
    }

    impl LineProbe {
        pub(crate) fn new() -> (Arc<Self>, IrqLine) {
            let probe = Arc::new(Self::default());
            (probe.clone(), IrqLine::new(probe, 0))
        }

        pub(crate) fn level(&self) -> bool {
            self.level.load(Ordering::Relaxed)
        }
    }

    impl InterruptSink for LineProbe {
        fn set_level(&self, _intid: u32, level: bool) {
            self.level.store(level, Ordering::Relaxed);
        }
    }

    /// Keeps what a device sends.
    #[derive(Default)]
    pub(crate) struct ConsoleProbe(Mutex<Vec<u8>>);

    impl ConsoleProbe {
        pub(crate) fn text(&self) -> String {
            String::from_utf8_lossy(&lock(&self.0)).into_owned()
        }
    }

    impl Console for ConsoleProbe {
        fn output(&self, bytes: &[u8]) {
            lock(&self.0).extend_from_slice(bytes);
        }
    }
}
