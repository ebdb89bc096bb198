//! Reset: a CPU's state when it is switched on.

use super::{CpuState, Exclusive, Mode, Nzcv, PState, Vcpu};
use crate::exception::Exception;
use crate::gic::{self, CpuInterface};
use crate::machine::{CpuOn, Machine};
use crate::timer::{self, Timers};
use droste_arch::sysreg;
use std::sync::Arc;

impl CpuState {
    /// A CPU that has been reset into an Exception level.
    #[must_use]
    pub fn reset(el: u8) -> CpuState {
        CpuState {
            x: [0; 31],
            sp: 0,
            pc: 0,
            nzcv: Nzcv::default(),
            pstate: PState::reset(el),
            insn_count: 0,
            v: [0; 32],
            fpcr: 0,
            fpsr: 0,
            sp_el: [0; 3],
            exclusive: Exclusive::default(),
            event: false,
            waiting: false,
            resume: None,
            idle_count: 0,
            sys: [0; sysreg::COUNT],
        }
    }
}

impl Vcpu {
    /// CPU number `index` of `machine`, reset.
    #[must_use]
    pub fn new(machine: Arc<Machine>, index: usize) -> Vcpu {
        let mut cpu = Vcpu {
            state: CpuState::reset(1),
            mode: Mode::UNKNOWN,
            modes: [None; 3],
            worlds: Default::default(),
            tlb: crate::mmu::Tlb::new(crate::mmu::walk::MmuFeatures::default()),
            block_pc: 0,
            abort: Exception::sync(1, 0, 0),
            yielding: false,
            event_until: None,
            pointer_layouts: Default::default(),
            dispatch: Default::default(),
            features: machine.features,
            spsr_bits: PState::saved_bits(&machine.features),
            rules: crate::sysreg::Rules::of(&machine.features),
            gic: CpuInterface::new(machine.gic.clone(), index),
            timers: Timers::default(),
            pmu: crate::pmu::Pmu::default(),
            index,
            machine,
        };
        cpu.reset();
        cpu
    }

    /// Resets the CPU into the highest Exception level that it has.
    pub fn reset(&mut self) {
        let counts = (self.state.insn_count, self.state.idle_count);
        self.state = CpuState::reset(if self.has_el2() { 2 } else { 1 });
        (self.state.insn_count, self.state.idle_count) = counts;
        self.pmu.reset();
        crate::sysreg::reset(self);
        // After the ID registers, which it reads.
        self.mmu_reset();
        self.context_changed();
        gic::cpu_interface::reset(self);
        timer::reset(self);
        crate::pmu::drive_interrupt(self);
    }

    /// Ends a power-down state: as a start, but that the timers, which are always on, have gone on.
    pub(crate) fn wake(&mut self, start: CpuOn) {
        let timers = timer::Settings::of(self);
        self.start(start);
        timers.restore(self);
    }

    /// Resets the CPU and lets it start where PSCI says.
    pub(crate) fn start(&mut self, start: CpuOn) {
        self.reset();
        self.state.pc = start.entry;
        self.state.x[0] = start.context;
        self.block_pc = start.entry;
    }
}
