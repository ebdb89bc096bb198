//! List registers: the virtual interrupts that a hypervisor presents.

use crate::gic::{FIRST_SPECIAL, PRIORITY_MASK};
use droste_arch::fields::ich_lr_n__el2 as lr;

/// `ICH_LR<n>_EL2.EOI`, which is part of pINTID: a maintenance interrupt at the end of the interrupt.
const EOI: u64 = 1 << 41;

/// The bits of `ICH_LR<n>_EL2` that are implemented: 16-bit vINTID, five priority bits, no NMI.
const IMPLEMENTED: u64 = 0xf0f8_1fff_0000_ffff;

/// `ICH_LR<n>_EL2`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ListRegister(u64);

/// `ICH_LR<n>_EL2.State`, bit 0.
const PENDING: u64 = 1;
/// `ICH_LR<n>_EL2.State`, bit 1.
const ACTIVE: u64 = 2;

impl ListRegister {
    pub(super) fn new(value: u64) -> Self {
        Self(value & IMPLEMENTED)
    }

    pub(super) fn value(self) -> u64 {
        self.0
    }

    /// State: 0 invalid, 1 pending, 2 active, 3 pending and active.
    fn state(self) -> u64 {
        lr::State.get(self.0)
    }

    pub(super) fn is_invalid(self) -> bool {
        self.state() == 0
    }

    /// Pending, and not active as well.
    pub(super) fn is_pending(self) -> bool {
        self.state() == PENDING
    }

    pub(super) fn is_active(self) -> bool {
        self.state() & ACTIVE != 0
    }

    pub(super) fn intid(self) -> u32 {
        lr::vINTID.get(self.0) as u32
    }

    pub(super) fn group(self) -> u8 {
        lr::Group.get(self.0) as u8
    }

    pub(super) fn priority(self) -> u8 {
        lr::Priority.get(self.0) as u8 & PRIORITY_MASK
    }

    fn is_hardware(self) -> bool {
        lr::HW.is_set(self.0)
    }

    /// Whether the register is one that ICH_EISR_EL2 reports: done, and its hypervisor asked to be told.
    pub(super) fn has_ended(self) -> bool {
        self.is_invalid() && !self.is_hardware() && self.0 & EOI != 0
    }

    /// Whether ICH_ELRSR_EL2 reports the register as free.
    pub(super) fn is_free(self) -> bool {
        self.is_invalid() && (self.is_hardware() || self.0 & EOI == 0)
    }

    /// Pending becomes active.
    pub(super) fn acknowledge(&mut self) {
        self.0 = lr::State.with(self.0, ACTIVE);
    }

    /// The end of a virtual LPI, which has no active state, is its acknowledgement.
    pub(super) fn retire(&mut self) {
        self.0 = lr::State.with(self.0, 0);
    }

    /// Removes the active state; returns the physical interrupt to deactivate with it.
    pub(super) fn deactivate(&mut self) -> Option<u32> {
        self.0 = lr::State.with(self.0, self.state() & !ACTIVE);
        let physical = lr::pINTID.get(self.0) as u32;
        (self.is_hardware() && physical < FIRST_SPECIAL).then_some(physical)
    }
}
