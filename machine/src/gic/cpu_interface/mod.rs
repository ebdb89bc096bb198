//! The CPU interface of one vCPU: its registers, and the interrupts that it signals.
//!
//! [`Physical`] is what ICC_* registers reach, [`Hypervisor`] what ICH_* reach, and the ICV_* registers
//! (those of a guest, behind the encodings of ICC_*) work on the latter's list registers. All three are plain
//! data and know nothing of the CPU; [`CpuInterface`] connects them to the GIC and to the CPU's pins.
//! Traps, and the choice between ICC_* and ICV_*, have been made before anything here is called.

mod hypervisor;
mod list_register;
mod physical;
mod registers;
mod sgi;
mod virtual_interface;

use std::sync::Arc;

use super::{Gic, Highest, SPURIOUS};
use crate::board::memory_map::{MAINTENANCE_PPI, ppi_intid};
use crate::irq::IrqPins;
use hypervisor::Hypervisor;
use physical::Physical;

pub(crate) use registers::{read, reset, write};

/// The GIC as one vCPU's thread sees it.
#[derive(Debug)]
pub struct CpuInterface {
    gic: Arc<Gic>,
    cpu: usize,
    state: CpuInterfaceState,
}

/// The state of a CPU interface, as plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuInterfaceState {
    physical: Physical,
    hypervisor: Hypervisor,
    /// The maintenance interrupt's line as the redistributor knows it.
    maintenance_level: bool,
}

impl CpuInterface {
    /// The CPU interface of CPU number `cpu`, reset.
    pub fn new(gic: Arc<Gic>, cpu: usize) -> Self {
        let state = CpuInterfaceState {
            physical: Physical::default(),
            hypervisor: Hypervisor::new(gic.list_register_count),
            maintenance_level: false,
        };
        Self { gic, cpu, state }
    }

    /// Puts the interface into its reset state, when the CPU is reset.
    pub fn reset(&mut self) {
        self.state.physical = Physical::default();
        self.state.hypervisor = Hypervisor::new(self.gic.list_register_count);
        self.gic.set_powered_down(self.cpu, false);
        self.gic.set_cpu_groups(self.cpu, 0);
        self.refresh();
        self.refresh_virtual();
    }

    /// Powers the interface down with its CPU. From then on [`Self::wakes`] tells when to power both up.
    pub(crate) fn power_down(&mut self) {
        self.gic.set_powered_down(self.cpu, true);
    }

    /// Whether the redistributor asks for its powered-down CPU (WakeRequest).
    pub(crate) fn wakes(&self) -> bool {
        self.highest() != Highest::NONE
    }

    /// The state, for a snapshot.
    pub fn state(&self) -> &CpuInterfaceState {
        &self.state
    }

    /// Replaces the state by that of a snapshot; the GIC's own has been restored before.
    pub fn restore(&mut self, state: &CpuInterfaceState) {
        self.state.clone_from(state);
        self.refresh();
        self.refresh_virtual();
    }

    /// Brings the physical pins up to date, and answers a request for attention.
    pub fn refresh(&mut self) {
        let pins = self.gic.pins(self.cpu);
        // The request is taken back before its reason is read: a later one is not lost.
        pins.take_attention();
        let highest = self.highest();
        let pin = match (self.state.physical.signals(highest), highest.group) {
            (false, _) => 0,
            (true, 0) => IrqPins::FIQ,
            (true, _) => IrqPins::IRQ,
        };
        pins.set(IrqPins::IRQ | IrqPins::FIQ, pin);
    }

    /// Brings the virtual pins and the maintenance interrupt up to date.
    fn refresh_virtual(&mut self) {
        let hypervisor = &self.state.hypervisor;
        let pin = match hypervisor.signalled_group() {
            None => 0,
            Some(0) => IrqPins::VFIQ,
            Some(_) => IrqPins::VIRQ,
        };
        self.gic.pins(self.cpu).set(IrqPins::VIRQ | IrqPins::VFIQ, pin);
        let level = hypervisor.maintenance_level();
        if level != self.state.maintenance_level {
            self.state.maintenance_level = level;
            self.set_ppi(ppi_intid(MAINTENANCE_PPI), level);
        }
    }

    /// Drives a private interrupt of this CPU from its own thread.
    pub(crate) fn set_ppi(&mut self, intid: u32, level: bool) {
        self.gic.set_ppi(self.cpu, intid, level);
        self.refresh();
    }

    fn highest(&self) -> Highest {
        self.gic.highest(self.cpu)
    }

    /// ICC_IAR0_EL1 and ICC_IAR1_EL1.
    fn acknowledge(&mut self, group: u8) -> u32 {
        loop {
            let highest = self.highest();
            if highest.group != group || !self.state.physical.signals(highest) {
                return SPURIOUS;
            }
            let taken = self.gic.acknowledge(self.cpu, highest);
            if taken.is_some() {
                self.state.physical.activate(highest);
            }
            self.refresh();
            if taken.is_some() {
                return highest.intid;
            }
        }
    }

    /// ICC_HPPIR0_EL1 and ICC_HPPIR1_EL1.
    fn highest_pending(&self, group: u8) -> u32 {
        let highest = self.highest();
        if highest.group == group { highest.intid } else { SPURIOUS }
    }

    /// ICC_EOIR0_EL1 and ICC_EOIR1_EL1.
    fn end_of_interrupt(&mut self, group: u8, intid: u32) {
        if !self.state.physical.end_of_interrupt(group, intid) {
            return;
        }
        if !self.state.physical.splits_end_of_interrupt() {
            self.gic.deactivate(self.cpu, intid);
        }
        self.refresh();
    }

    /// ICC_DIR_EL1.
    fn deactivate(&mut self, intid: u32) {
        if self.state.physical.splits_end_of_interrupt() {
            self.gic.deactivate(self.cpu, intid);
            self.refresh();
        }
    }

    /// Deactivates the physical interrupt that a list register with HW = 1 stands for.
    fn deactivate_physical(&mut self, intid: Option<u32>) {
        if let Some(intid) = intid {
            self.gic.deactivate(self.cpu, intid);
            self.refresh();
        }
    }
}
