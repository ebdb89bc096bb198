//! Machines with RAM, a GIC and a counted clock, without devices or anything to run: for tests of what
//! CPUs do.

use super::{CpuSlot, Machine, RunState};
use crate::board::{memory_map, mpidr_affinity};
use crate::bus::Bus;
use crate::clock::{Clock, ClockMode};
use crate::cpu::Vcpu;
use crate::cpu::model::Model;
use crate::diagnostics::Diagnostics;
use crate::firmware::Conduit;
use crate::gic::{Affinity, Gic, GicConfig};
use crate::ram::GuestRam;
use droste_arch::feature::Feature;
use droste_arch::fields::cpacr_el1;
use droste_arch::sysreg::SysReg;
use std::sync::Arc;

impl Vcpu {
    /// The only CPU of a bare machine of model `max` without EL2, just reset, with FP and AdvSIMD enabled.
    pub(crate) fn for_tests() -> Vcpu {
        let model = Model::parse("max").expect("the model exists").without_el2();
        let mut cpu = cpus(model, 1).remove(0);
        cpu.set_sys(SysReg::CPACR_EL1, cpacr_el1::FPEN.mask());
        cpu.context_changed();
        cpu
    }
}

/// The CPUs of a bare machine, just reset. Each instruction takes one tick of the 1 GHz counter.
pub(crate) fn cpus(model: Model, count: u32) -> Vec<Vcpu> {
    cpus_in(ClockMode::Counted { ps_per_instruction: 1000 }, model, count)
}

/// The same in any kind of time.
pub(crate) fn cpus_in(mode: ClockMode, model: Model, count: u32) -> Vec<Vcpu> {
    let ram = Arc::new(GuestRam::new(memory_map::RAM_BASE, 1 << 20).expect("1 MiB of memory"));
    let slots: Vec<CpuSlot> = (0..count).map(|_| CpuSlot::new()).collect();
    let pins: Vec<_> = slots.iter().map(|slot| slot.pins.clone()).collect();
    let config = GicConfig {
        affinities: (0..count).map(|cpu| Affinity::from_mpidr(mpidr_affinity(cpu))).collect(),
        its: true,
        list_register_count: 4,
    };
    let has_el2 = model.features().contains(Feature::FEAT_EL2);
    let machine = Arc::new(Machine {
        gic: Arc::new(Gic::new(&config, &pins, ram.clone())),
        ram,
        bus: Bus::new(),
        clock: Arc::new(Clock::new(mode, Clock::FREQUENCY_1_GHZ)),
        diagnostics: Diagnostics::new(Box::new(|_| {})),
        tracer: None,
        features: *model.features(),
        model,
        seed: 0,
        engine: Default::default(),
        conduit: if has_el2 { Conduit::Smc } else { Conduit::Hvc },
        slots,
        state: RunState::default(),
    });
    (0..count as usize).map(|cpu| Vcpu::new(machine.clone(), cpu)).collect()
}
