//! The physical CPU interface: ICC_* registers.

use super::Highest;
use crate::gic::active_priorities::{ActivePriorities, group_priority_mask};
use crate::gic::{FIRST_SPECIAL, PRIORITY_MASK, lpi};
use droste_arch::fields::icc_ctlr_el1 as ctlr;

/// The least binary point of Group 0: all five priority bits preempt.
const MIN_BPR0: u8 = 2;
/// The least binary point of Group 1, which counts one bit more.
const MIN_BPR1: u8 = MIN_BPR0 + 1;

/// The read-only fields of ICC_CTLR_EL1: five priority bits, 16-bit INTIDs, affinity 3 valid in SGIs.
pub(super) const CTLR_FIXED: u64 = 4 << ctlr::PRIbits.lsb() | 1 << ctlr::A3V.lsb();

/// State of the physical CPU interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Physical {
    /// ICC_PMR_EL1.
    pub(super) priority_mask: u8,
    binary_point: [u8; 2],
    pub(super) active: ActivePriorities,
    /// ICC_CTLR_EL1.CBPR.
    common_binary_point: bool,
    /// ICC_CTLR_EL1.EOImode.
    eoi_mode: bool,
    /// ICC_IGRPEN0_EL1 and ICC_IGRPEN1_EL1 as bits 0 and 1.
    pub(super) groups: u8,
}

impl Default for Physical {
    fn default() -> Self {
        Self {
            priority_mask: 0,
            binary_point: [MIN_BPR0, MIN_BPR1],
            active: ActivePriorities::default(),
            common_binary_point: false,
            eoi_mode: false,
            groups: 0,
        }
    }
}

impl Physical {
    fn group_mask(&self, group: u8) -> u8 {
        if group == 0 || self.common_binary_point {
            group_priority_mask(self.binary_point[0])
        } else {
            group_priority_mask(self.binary_point[1] - 1)
        }
    }

    /// Whether the interface signals `highest` to the CPU: its group is enabled, and its priority passes
    /// the mask and preempts what is running.
    pub(super) fn signals(&self, highest: Highest) -> bool {
        self.groups >> highest.group & 1 != 0
            && highest.priority < self.priority_mask
            && highest.priority & self.group_mask(highest.group) < self.active.running()
    }

    /// Makes the priority of an acknowledged interrupt active.
    pub(super) fn activate(&mut self, interrupt: Highest) {
        let priority = interrupt.priority & self.group_mask(interrupt.group);
        self.active.activate(interrupt.group, priority);
    }

    /// Drops the running priority for an end of interrupt in `group`; `false` if the write is ignored,
    /// because `intid` is none or the interrupt that runs is in the other group.
    pub(super) fn end_of_interrupt(&mut self, group: u8, intid: u32) -> bool {
        let special = (FIRST_SPECIAL..lpi::FIRST_LPI).contains(&intid);
        if special || self.active.running_group() != Some(group) {
            return false;
        }
        self.active.drop_running();
        true
    }

    /// ICC_CTLR_EL1.EOImode: ICC_EOIR drops the priority, and ICC_DIR deactivates.
    pub(super) fn splits_end_of_interrupt(&self) -> bool {
        self.eoi_mode
    }

    /// Reads ICC_BPRn_EL1. With a common binary point, ICC_BPR1 shows one more than ICC_BPR0.
    pub(super) fn binary_point(&self, group: u8) -> u8 {
        if group == 1 && self.common_binary_point {
            (self.binary_point[0] + 1).min(7)
        } else {
            self.binary_point[usize::from(group)]
        }
    }

    /// Writes ICC_BPRn_EL1.
    pub(super) fn set_binary_point(&mut self, group: u8, value: u64) {
        if group == 1 && self.common_binary_point {
            return;
        }
        let least = if group == 0 { MIN_BPR0 } else { MIN_BPR1 };
        self.binary_point[usize::from(group)] = ((value & 7) as u8).max(least);
    }

    /// Reads ICC_CTLR_EL1.
    pub(super) fn ctlr(&self) -> u64 {
        let common = ctlr::CBPR.with(0, u64::from(self.common_binary_point));
        CTLR_FIXED | common | ctlr::EOImode.with(0, u64::from(self.eoi_mode))
    }

    /// Writes ICC_CTLR_EL1.
    pub(super) fn set_ctlr(&mut self, value: u64) {
        self.common_binary_point = ctlr::CBPR.is_set(value);
        self.eoi_mode = ctlr::EOImode.is_set(value);
    }

    /// Writes ICC_PMR_EL1.
    pub(super) fn set_priority_mask(&mut self, value: u64) {
        self.priority_mask = value as u8 & PRIORITY_MASK;
    }
}
