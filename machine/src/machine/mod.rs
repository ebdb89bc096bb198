//! A machine: RAM, devices, interrupt controller, clock, and what its CPUs share.

mod build;
mod check;
mod cpus;
mod fingerprint;
mod schedule;
#[cfg(test)]
pub(crate) mod testing;

use crate::bus::Bus;
use crate::clock::{Clock, ClockMode};
use crate::cpu::model::Model;
use crate::diagnostics::Diagnostics;
use crate::engine::Engine;
use crate::firmware::Conduit;
use crate::gic::Gic;
use crate::ram::GuestRam;
use crate::trace::Tracer;
use droste_arch::feature::FeatureSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub use build::{Assembled, Boot, BuildError, MachineConfig};
pub use check::{Difference, Role, Verdict, check, check_for};
pub use cpus::{CpuOn, CpuSlot};
pub use fingerprint::fingerprint;
pub use schedule::{Outcome, run, run_for};

/// Why a machine stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The guest switched it off.
    PowerOff,
    /// The guest asked for a reset.
    Reset,
    /// The user of the library asked for it.
    Request,
}

/// The parts of a machine that all CPUs and devices share.
pub struct Machine {
    /// Guest RAM.
    pub ram: Arc<GuestRam>,
    /// Everything in the physical address space but RAM.
    pub bus: Bus,
    /// The interrupt controller.
    pub gic: Arc<Gic>,
    /// The system counter.
    pub clock: Arc<Clock>,
    /// Reports of what is not implemented.
    pub diagnostics: Diagnostics,
    /// Watches what happens.
    pub tracer: Option<Box<dyn Tracer>>,
    /// Features of the CPUs.
    pub features: FeatureSet,
    /// The CPUs' model.
    pub model: Model,
    /// Seed of the CPUs' random number generators.
    pub seed: u64,
    /// What executes the CPUs.
    pub engine: Engine,
    /// The instruction that reaches the firmware.
    pub conduit: Conduit,
    /// The CPUs, by number.
    pub slots: Vec<CpuSlot>,
    /// Whether, and why, the machine has stopped.
    pub state: RunState,
}

/// Whether, and why, a machine has stopped.
#[derive(Default)]
pub struct RunState {
    stopping: AtomicBool,
    stop: Mutex<Option<Stop>>,
}

impl Machine {
    /// The instruction that reaches the firmware.
    #[must_use]
    pub fn conduit(&self) -> Conduit {
        self.conduit
    }

    /// What other threads know of a CPU.
    #[must_use]
    pub fn cpu(&self, index: usize) -> &CpuSlot {
        &self.slots[index]
    }

    /// The CPU with the affinity fields of an MPIDR.
    #[must_use]
    pub fn cpu_by_affinity(&self, affinity: u64) -> Option<usize> {
        usize::try_from(affinity).ok().filter(|&i| i < self.slots.len())
    }

    /// Whether no two CPUs ever execute at the same time: there is one, or they take turns on one thread.
    pub(crate) fn runs_one_cpu_at_a_time(&self) -> bool {
        self.slots.len() == 1 || matches!(self.clock.mode(), ClockMode::Counted { .. })
    }

    /// Stops the machine. The first reason wins, but a reset is overruled by what ends the run.
    pub fn stop(&self, why: Stop) {
        let mut stop = self.state.stop.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*stop, None | Some(Stop::Reset)) {
            *stop = Some(why);
        }
        drop(stop);
        self.state.stopping.store(true, Ordering::SeqCst);
        for slot in &self.slots {
            slot.request(CpuSlot::STOP);
        }
    }

    /// Whether the machine is to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.state.stopping.load(Ordering::Relaxed)
    }

    /// Forgets a stop for a reset, so that the machine can run again; answers whether that was the reason.
    fn begin_again(&self) -> bool {
        let mut stop = self.state.stop.lock().unwrap_or_else(PoisonError::into_inner);
        let reset = *stop == Some(Stop::Reset);
        if reset {
            *stop = None;
            self.state.stopping.store(false, Ordering::SeqCst);
        }
        reset
    }

    /// Why the machine stopped, once it has.
    #[must_use]
    pub fn stopped(&self) -> Option<Stop> {
        *self.state.stop.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
