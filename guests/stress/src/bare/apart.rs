//! `apart` of the boot arguments: nobody uses a slot of a window while its CPU changes it.
//!
//! Between the store to a descriptor and the end of its invalidation an access may be translated in the old way or the
//! new one, as the TLB happens to remember; so may two executors of one machine, which look at it at different times.
//! Without that time everything that a CPU sees follows from the order of its and the others' instructions, and
//! `--engine check` can compare executors all the way.

use super::crew;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Keeps changes and uses apart from now on.
pub(crate) fn ask() {
    ASKED.store(true, Ordering::Relaxed);
}

fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Who is at a slot. Open to all if nothing is asked.
pub(crate) struct Gate {
    closed: AtomicBool,
    users: AtomicU64,
}

impl Gate {
    pub(crate) const fn new() -> Gate {
        Gate { closed: AtomicBool::new(false), users: AtomicU64::new(0) }
    }

    /// Uses the slot, unless it is being changed; answers whether it did.
    pub(crate) fn pass(&self, act: impl FnOnce()) -> bool {
        if !is_asked() {
            act();
            return true;
        }
        self.users.fetch_add(1, Ordering::SeqCst);
        let open = !self.closed.load(Ordering::SeqCst);
        if open {
            act();
        }
        self.users.fetch_sub(1, Ordering::SeqCst);
        open
    }

    /// Changes the slot, when nobody uses it any more.
    pub(crate) fn close(&self, act: impl FnOnce()) {
        if !is_asked() {
            return act();
        }
        self.closed.store(true, Ordering::SeqCst);
        crew::wait_for("users of a slot", || self.users.load(Ordering::SeqCst) == 0);
        act();
        self.closed.store(false, Ordering::SeqCst);
    }
}
