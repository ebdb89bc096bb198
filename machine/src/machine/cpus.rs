//! What other threads see of a CPU: power state, requests, and a way to wake it.

use crate::irq::{IrqPins, Waker};
use crate::mmu::Mailbox;
use droste_arch::psci::Return;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where a CPU starts when it is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuOn {
    /// The first PC.
    pub entry: u64,
    /// The first X0.
    pub context: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    Off,
    Pending(CpuOn),
    On,
}

/// The shared side of one CPU, in cache lines of its own: its thread writes there all the time.
#[repr(align(128))]
pub struct CpuSlot {
    /// Its interrupt inputs.
    pub pins: Arc<IrqPins>,
    parker: Arc<Parker>,
    power: Mutex<Power>,
    requests: AtomicU32,
    /// Events that other CPUs have sent.
    event: AtomicBool,
    /// TLB maintenance from other CPUs.
    pub(crate) tlbi: Mailbox,
}

impl CpuSlot {
    /// Request: the machine stops.
    pub const STOP: u32 = 1;
    /// Request: the CPU has been switched off.
    pub const OFF: u32 = 2;
    /// Request: another CPU has sent TLB maintenance.
    pub const TLBI: u32 = 4;

    /// A CPU that is off.
    pub(crate) fn new() -> CpuSlot {
        let parker = Arc::new(Parker::default());
        CpuSlot {
            pins: Arc::new(IrqPins::new(parker.clone())),
            parker,
            power: Mutex::new(Power::Off),
            requests: AtomicU32::new(0),
            event: AtomicBool::new(false),
            tlbi: Mailbox::default(),
        }
    }

    /// Asks the CPU's thread to look at something, and wakes it.
    pub fn request(&self, what: u32) {
        self.requests.fetch_or(what, Ordering::SeqCst);
        self.parker.wake();
    }

    /// The same without waking it: a CPU that sleeps looks when it wakes.
    pub(crate) fn request_quietly(&self, what: u32) {
        self.requests.fetch_or(what, Ordering::SeqCst);
    }

    /// The requests that have not been taken yet.
    #[inline]
    pub(crate) fn requests(&self) -> u32 {
        self.requests.load(Ordering::Acquire)
    }

    /// Takes requests back, before serving them.
    pub(crate) fn take_requests(&self, which: u32) -> u32 {
        self.requests.fetch_and(!which, Ordering::SeqCst) & which
    }

    /// Sets the CPU's event register from outside, and wakes it.
    pub(crate) fn send_event(&self) {
        // Whoever spins on SEV shall not take a lock each time.
        if !self.event.swap(true, Ordering::SeqCst) {
            self.parker.wake();
        }
    }

    /// Takes an event that was sent.
    pub(crate) fn take_event(&self) -> bool {
        self.event.load(Ordering::Relaxed) && self.event.swap(false, Ordering::SeqCst)
    }

    /// CPU_ON.
    pub(crate) fn power_on(&self, start: CpuOn) -> Return {
        let mut power = self.lock();
        match *power {
            Power::On => Return::AlreadyOn,
            Power::Pending(_) => Return::OnPending,
            Power::Off => {
                *power = Power::Pending(start);
                drop(power);
                self.parker.wake();
                Return::Success
            }
        }
    }

    /// CPU_OFF.
    pub(crate) fn power_off(&self) {
        *self.lock() = Power::Off;
        self.request(CpuSlot::OFF);
    }

    /// AFFINITY_INFO: 0 on, 1 off, 2 on pending.
    pub(crate) fn affinity_info(&self) -> i64 {
        match *self.lock() {
            Power::On => 0,
            Power::Off => 1,
            Power::Pending(_) => 2,
        }
    }

    /// Switches the CPU off and forgets what was asked of it; its thread has ended.
    pub(super) fn reset(&self) {
        *self.lock() = Power::Off;
        self.take_requests(u32::MAX);
        self.pins.reset();
    }

    /// The start that waits for this CPU; taking it switches the CPU on.
    pub(crate) fn take_start(&self) -> Option<CpuOn> {
        let mut power = self.lock();
        let Power::Pending(start) = *power else {
            return None;
        };
        *power = Power::On;
        self.take_requests(CpuSlot::OFF);
        Some(start)
    }

    /// Sleeps until somebody wakes the CPU, or for `limit`.
    pub(crate) fn park(&self, limit: Duration) {
        self.parker.park(limit);
    }

    fn lock(&self) -> MutexGuard<'_, Power> {
        self.power.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets a thread sleep until it is woken; a wake-up before the sleep is not lost.
#[derive(Default)]
struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    fn park(&self, limit: Duration) {
        let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut woken, _) = self
            .changed
            .wait_timeout_while(woken, limit, |woken| !*woken)
            .unwrap_or_else(PoisonError::into_inner);
        *woken = false;
    }
}

impl Waker for Parker {
    fn wake(&self) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }
}
