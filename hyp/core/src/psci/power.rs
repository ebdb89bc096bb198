//! The power state of one core, and the arguments that it starts with: a lock of one atomic word.

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// Where the host wants to be entered, and with what in X0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BootArguments {
    /// The entry point, an IPA.
    pub entry: u64,
    /// The context.
    pub context: u64,
}

/// What the hypervisor knows about a core's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PowerState {
    /// Off: it may be started.
    Off = 0,
    /// Someone starts it and owns its boot arguments.
    OnPending = 1,
    /// It has taken its arguments.
    On = 2,
}

/// One core. Only who moves it from `Off` to `OnPending` may write the boot arguments, and only the core itself moves it on.
#[derive(Debug)]
pub struct Power {
    state: AtomicU8,
    entry: AtomicU64,
    context: AtomicU64,
}

impl Default for Power {
    fn default() -> Power {
        Power::new()
    }
}

impl Power {
    /// A core that is off.
    #[must_use]
    pub const fn new() -> Power {
        Power { state: AtomicU8::new(0), entry: AtomicU64::new(0), context: AtomicU64::new(0) }
    }

    /// The state at this moment.
    #[must_use]
    pub fn state(&self) -> PowerState {
        match self.state.load(Ordering::Acquire) {
            0 => PowerState::Off,
            1 => PowerState::OnPending,
            _ => PowerState::On,
        }
    }

    /// The boot core, and a core that found out that it was not switched off after all.
    pub fn set_on(&self) {
        self.state.store(PowerState::On as u8, Ordering::Release);
    }

    /// Claims a core that is off, and leaves its arguments.
    ///
    /// # Errors
    /// The state that it is in instead.
    pub fn claim(&self, arguments: BootArguments) -> Result<(), PowerState> {
        let (off, pending) = (PowerState::Off as u8, PowerState::OnPending as u8);
        // Acquire: what the core wrote before it went off is seen before its arguments are overwritten.
        match self.state.compare_exchange(off, pending, Ordering::Acquire, Ordering::Acquire) {
            Ok(_) => {
                self.leave(arguments);
                Ok(())
            }
            Err(1) => Err(PowerState::OnPending),
            Err(_) => Err(PowerState::On),
        }
    }

    /// Takes a claim back: the firmware did not start the core.
    pub fn release(&self) {
        let (off, pending) = (PowerState::Off as u8, PowerState::OnPending as u8);
        let _ = self.state.compare_exchange(pending, off, Ordering::Release, Ordering::Relaxed);
    }

    /// The core starts: it takes its arguments and is on. Nothing if nobody started it.
    pub fn arrive(&self) -> Option<BootArguments> {
        let arguments = self.arguments();
        let (pending, on) = (PowerState::OnPending as u8, PowerState::On as u8);
        self.state.compare_exchange(pending, on, Ordering::AcqRel, Ordering::Acquire).ok()?;
        Some(arguments)
    }

    /// The core is about to be switched off by itself: from now on it may be started.
    pub fn depart(&self) {
        self.state.store(PowerState::Off as u8, Ordering::Release);
    }

    /// CPU_OFF came back: the core is on again, unless someone has claimed it, whose claim will then be refused by the firmware.
    pub fn undo_departure(&self) {
        let (off, on) = (PowerState::Off as u8, PowerState::On as u8);
        let mut state = self.state.compare_exchange(off, on, Ordering::AcqRel, Ordering::Acquire);
        while state == Err(PowerState::OnPending as u8) {
            core::hint::spin_loop();
            state = self.state.compare_exchange(off, on, Ordering::AcqRel, Ordering::Acquire);
        }
    }

    /// Leaves arguments for the resume of this very core, which is on.
    pub fn leave(&self, arguments: BootArguments) {
        self.entry.store(arguments.entry, Ordering::Release);
        self.context.store(arguments.context, Ordering::Release);
    }

    /// The arguments that were left.
    #[must_use]
    pub fn arguments(&self) -> BootArguments {
        BootArguments {
            entry: self.entry.load(Ordering::Acquire),
            context: self.context.load(Ordering::Acquire),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    const ARGUMENTS: BootArguments = BootArguments { entry: 0x4040_0000, context: 7 };

    #[test]
    fn core_gets_the_arguments_of_who_claimed_it() {
        let p = Power::new();
        assert_eq!(p.arrive(), None, "nobody started it");
        p.claim(ARGUMENTS).unwrap();
        assert_eq!(p.claim(BootArguments::default()), Err(PowerState::OnPending));
        assert_eq!(p.arrive(), Some(ARGUMENTS));
        assert_eq!(p.claim(BootArguments::default()), Err(PowerState::On));
        p.depart();
        p.claim(ARGUMENTS).unwrap();
        p.release();
        assert_eq!(p.state(), PowerState::Off);
    }

    #[test]
    fn failed_cpu_off_waits_for_a_claim_to_be_refused() {
        let p = Power::new();
        p.claim(ARGUMENTS).unwrap();
        thread::scope(|s| {
            let other = s.spawn(|| p.undo_departure());
            p.release();
            other.join().unwrap();
        });
        assert_eq!(p.state(), PowerState::On);
    }

    #[test]
    fn of_many_claims_at_once_one_wins_and_its_arguments_arrive_whole() {
        for round in 0..200_u64 {
            let (p, wins) = (Power::new(), AtomicUsize::new(0));
            let winner = AtomicU64::new(u64::MAX);
            thread::scope(|s| {
                for n in 0..4_u64 {
                    let (p, wins, winner) = (&p, &wins, &winner);
                    s.spawn(move || {
                        let value = round * 8 + n;
                        if p.claim(BootArguments { entry: value, context: !value }).is_ok() {
                            wins.fetch_add(1, Ordering::SeqCst);
                            winner.store(value, Ordering::SeqCst);
                        }
                    });
                }
            });
            assert_eq!(wins.load(Ordering::SeqCst), 1);
            let got = p.arrive().unwrap();
            let value = winner.load(Ordering::SeqCst);
            assert_eq!(got, BootArguments { entry: value, context: !value });
        }
    }
}
