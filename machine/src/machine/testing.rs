//! A machine with one CPU and a little RAM, for tests of handlers.

use super::{CpuSlot, Machine, RunState};
use crate::bus::Bus;
use crate::clock::{Clock, ClockMode};
use crate::cpu::Vcpu;
use crate::cpu::model::Model;
use crate::diagnostics::Diagnostics;
use crate::firmware::Conduit;
use crate::gic::{Affinity, Gic, GicConfig};
use crate::ram::GuestRam;
use droste_arch::fields::cpacr_el1;
use droste_arch::sysreg::SysReg;
use std::sync::Arc;

impl Vcpu {
    /// The only CPU of a bare machine of model `max` without EL2, just reset, with FP and AdvSIMD enabled.
    pub(crate) fn for_tests() -> Vcpu {
        let model = Model::parse("max").expect("the model exists").without_el2();
        let slots = vec![CpuSlot::new()];
        let pins = [slots[0].pins.clone()];
        let ram = Arc::new(GuestRam::new(0x4000_0000, 1 << 20).expect("1 MiB of memory"));
        let config =
            GicConfig { affinities: vec![Affinity::from_mpidr(0)], its: false, list_register_count: 4 };
        let machine = Machine {
            gic: Arc::new(Gic::new(&config, &pins, ram.clone())),
            ram,
            bus: Bus::new(),
            clock: Clock::new(ClockMode::Counted { ps_per_instruction: 1000 }, Clock::FREQUENCY_1_GHZ),
            diagnostics: Diagnostics::new(Box::new(|_| {})),
            tracer: None,
            features: *model.features(),
            model,
            conduit: Conduit::Hvc,
            slots,
            state: RunState::default(),
        };
        let mut cpu = Vcpu::new(Arc::new(machine), 0);
        cpu.set_sys(SysReg::CPACR_EL1, cpacr_el1::FPEN.mask());
        cpu.context_changed();
        cpu
    }
}
