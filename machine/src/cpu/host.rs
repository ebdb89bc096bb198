//! What connects a CPU to the thread that executes it: requests, interrupts, time, counting.

use super::Vcpu;
use crate::interp::Exit;
use crate::irq::IrqPins;
use crate::machine::CpuSlot;
use droste_arch::fields::hcr_el2;

impl Vcpu {
    /// Whether another thread, or this CPU itself, asked for something. Two plain loads.
    #[inline]
    pub(crate) fn has_requests(&self) -> bool {
        let slot = self.slot();
        let outside = slot.requests() != 0 || slot.pins.load() & IrqPins::ATTENTION != 0;
        outside || self.asks_itself()
    }

    /// Whether this CPU itself asked for something.
    #[inline]
    pub(crate) fn asks_itself(&self) -> bool {
        self.yielding || self.timers.is_nearer
    }

    /// Serves what [`Vcpu::has_requests`] saw; answers whether the run loop must return.
    #[cold]
    pub(crate) fn serve_requests(&mut self) -> Option<Exit> {
        self.gic.refresh();
        self.drain_tlbi();
        if self.machine.is_stopping() || self.slot().take_requests(CpuSlot::OFF) != 0 {
            return Some(Exit::Stopped);
        }
        if std::mem::take(&mut self.yielding) {
            return Some(Exit::Yield);
        }
        // The slice was measured for a later deadline.
        std::mem::take(&mut self.timers.is_nearer).then_some(Exit::Budget)
    }

    /// What other threads know of this CPU.
    #[inline]
    pub(crate) fn slot(&self) -> &CpuSlot {
        &self.machine.slots[self.index]
    }

    /// The interrupt inputs, as the constants of [`IrqPins`].
    #[inline]
    pub(crate) fn interrupt_pins(&self) -> u32 {
        self.slot().pins.load()
    }

    /// Whether an interrupt is pending that ends WFI, masked or not, or a state of PSCI, or the time of WFIT is up.
    pub(crate) fn has_wakeup(&self) -> bool {
        if self.state.resume.is_some() {
            return self.gic.wakes();
        }
        let pins = self.interrupt_pins();
        let hcr = self.hcr();
        let virtuals = pins & (IrqPins::VIRQ | IrqPins::VFIQ) != 0
            || hcr & (hcr_el2::VI.mask() | hcr_el2::VF.mask() | hcr_el2::VSE.mask()) != 0;
        pins & (IrqPins::IRQ | IrqPins::FIQ) != 0
            || (virtuals && self.el() < 2 && !self.mode.tge)
            || (self.timers.wait_until != u64::MAX && self.physical_count() >= self.timers.wait_until)
    }

    /// Ends the slice after the current block: the guest polls.
    pub(crate) fn yield_slice(&mut self) {
        self.yielding = true;
    }

    /// Counts retired instructions at the end of a block.
    #[inline(always)]
    pub(crate) fn retire(&mut self, instructions: u64) {
        self.state.insn_count += instructions;
        self.block_pc = self.state.pc;
    }

    /// The count that drives time in counted mode: retired instructions, and those that were skipped idle.
    #[inline]
    #[must_use]
    pub fn time_input(&self) -> u64 {
        self.instructions() + self.state.idle_count
    }

    /// The physical count, CNTPCT_EL0.
    #[inline]
    pub(crate) fn physical_count(&self) -> u64 {
        self.machine.clock.now(self.time_input())
    }
}
