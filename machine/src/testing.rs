//! CPUs for unit tests: a machine with RAM and a GIC, without devices or anything to run.

use crate::board::{memory_map, mpidr_affinity};
use crate::bus::Bus;
use crate::clock::{Clock, ClockMode};
use crate::cpu::Vcpu;
use crate::cpu::model::Model;
use crate::diagnostics::Diagnostics;
use crate::firmware::Conduit;
use crate::gic::{Affinity, Gic, GicConfig};
use crate::machine::{CpuSlot, Machine, RunState};
use crate::ram::GuestRam;
use std::sync::Arc;

/// The CPUs of a machine of `model` with 2 MiB of RAM. Each instruction takes a tick of the 1 GHz counter.
pub(crate) fn cpus(model: &str, count: u32) -> Vec<Vcpu> {
    let model = Model::parse(model).unwrap();
    let ram = Arc::new(GuestRam::new(memory_map::RAM_BASE, 2 << 20).unwrap());
    let slots: Vec<CpuSlot> = (0..count).map(|_| CpuSlot::new()).collect();
    let pins: Vec<_> = slots.iter().map(|slot| slot.pins.clone()).collect();
    let config = GicConfig {
        affinities: (0..count).map(|cpu| Affinity::from_mpidr(mpidr_affinity(cpu))).collect(),
        its: true,
        list_register_count: 4,
    };
    let machine = Arc::new(Machine {
        gic: Arc::new(Gic::new(&config, &pins, ram.clone())),
        ram,
        bus: Bus::new(),
        clock: Clock::new(ClockMode::Counted { ps_per_instruction: 1000 }, Clock::FREQUENCY_1_GHZ),
        diagnostics: Diagnostics::new(Box::new(|line| panic!("{line}"))),
        tracer: None,
        features: *model.features(),
        model,
        conduit: Conduit::Smc,
        slots,
        state: RunState::default(),
    });
    (0..count as usize).map(|cpu| Vcpu::new(machine.clone(), cpu)).collect()
}
