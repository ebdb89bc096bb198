//! What a guest does with its virtual interrupts: ICV_* registers.

use super::hypervisor::Hypervisor;
use super::physical::CTLR_FIXED;
use crate::gic::active_priorities::group_priority_mask;
use crate::gic::{FIRST_SPECIAL, SPURIOUS, lpi};
use droste_arch::fields::{ich_hcr_el2 as hcr, ich_vmcr_el2 as vmcr, icv_ctlr_el1 as ctlr};

impl Hypervisor {
    /// The list register with the highest priority pending virtual interrupt in an enabled group.
    fn highest_pending(&self) -> Option<usize> {
        let enabled = [vmcr::VENG0.is_set(self.vmcr), vmcr::VENG1.is_set(self.vmcr)];
        let mut best: Option<(u8, usize)> = None;
        for (index, register) in self.implemented().iter().enumerate() {
            if register.is_pending()
                && enabled[usize::from(register.group())]
                && best.is_none_or(|(highest, _)| register.priority() < highest)
            {
                best = Some((register.priority(), index));
            }
        }
        best.map(|(_, index)| index)
    }

    /// The list register whose interrupt is signalled: it passes the mask and preempts.
    fn signalled(&self) -> Option<usize> {
        if !hcr::En.is_set(self.hcr) {
            return None;
        }
        let index = self.highest_pending()?;
        let register = self.list_registers[index];
        let group_priority = register.priority() & self.group_mask(register.group());
        let signalled = u64::from(register.priority()) < vmcr::VPMR.get(self.vmcr)
            && group_priority < self.active.running();
        signalled.then_some(index)
    }

    /// The group of the signalled interrupt: 0 is a virtual FIQ, 1 a virtual IRQ.
    pub(super) fn signalled_group(&self) -> Option<u8> {
        self.signalled().map(|index| self.list_registers[index].group())
    }

    fn has_common_binary_point(&self) -> bool {
        vmcr::VCBPR.is_set(self.vmcr)
    }

    fn group_mask(&self, group: u8) -> u8 {
        if group == 0 || self.has_common_binary_point() {
            group_priority_mask(vmcr::VBPR0.get(self.vmcr) as u8)
        } else {
            group_priority_mask(vmcr::VBPR1.get(self.vmcr) as u8 - 1)
        }
    }

    /// ICV_IAR0_EL1 and ICV_IAR1_EL1.
    pub(super) fn acknowledge(&mut self, group: u8) -> u32 {
        let Some(index) = self.signalled().filter(|&index| self.list_registers[index].group() == group)
        else {
            return SPURIOUS;
        };
        let mask = self.group_mask(group);
        let register = &mut self.list_registers[index];
        let intid = register.intid();
        if is_special(intid) {
            return SPURIOUS;
        }
        if intid >= lpi::FIRST_LPI {
            register.retire()
        } else {
            register.acknowledge()
        }
        self.active.activate(group, register.priority() & mask);
        intid
    }

    /// ICV_HPPIR0_EL1 and ICV_HPPIR1_EL1.
    pub(super) fn highest_pending_intid(&self, group: u8) -> u32 {
        let found = self.highest_pending().map(|index| self.list_registers[index]);
        found.filter(|register| register.group() == group).map_or(SPURIOUS, |register| register.intid())
    }

    /// ICV_EOIR0_EL1 and ICV_EOIR1_EL1; returns the physical interrupt to deactivate.
    ///
    /// The priority is dropped before the INTID is looked at, which the architecture permits.
    pub(super) fn end_of_interrupt(&mut self, group: u8, intid: u32) -> Option<u32> {
        if is_special(intid) {
            return None;
        }
        let dropped = self.active.drop_running()?;
        let Some(index) = self.find_active(intid) else {
            if intid < lpi::FIRST_LPI {
                self.count_if_deactivating();
            }
            return None;
        };
        let register = self.list_registers[index];
        let matches = register.group() == group && register.priority() & self.group_mask(group) == dropped;
        // A virtual LPI that the hypervisor made active ends at once in either mode.
        if matches && (!self.splits_end_of_interrupt() || intid >= lpi::FIRST_LPI) {
            return self.list_registers[index].deactivate();
        }
        None
    }

    /// With EOImode = 1 the later ICV_DIR_EL1 is what counts.
    fn count_if_deactivating(&mut self) {
        if !self.splits_end_of_interrupt() {
            self.count_end_of_interrupt();
        }
    }

    /// ICV_DIR_EL1; returns the physical interrupt to deactivate.
    pub(super) fn deactivate(&mut self, intid: u32) -> Option<u32> {
        if !self.splits_end_of_interrupt() || is_special(intid) || intid >= lpi::FIRST_LPI {
            return None;
        }
        match self.find_active(intid) {
            Some(index) => self.list_registers[index].deactivate(),
            None => {
                self.count_end_of_interrupt();
                None
            }
        }
    }

    fn splits_end_of_interrupt(&self) -> bool {
        vmcr::VEOIM.is_set(self.vmcr)
    }

    fn find_active(&self, intid: u32) -> Option<usize> {
        self.implemented().iter().position(|register| register.is_active() && register.intid() == intid)
    }

    /// Reads ICV_BPRn_EL1.
    pub(super) fn binary_point(&self, group: u8) -> u64 {
        let group_0 = vmcr::VBPR0.get(self.vmcr);
        match group {
            0 => group_0,
            _ if self.has_common_binary_point() => (group_0 + 1).min(7),
            _ => vmcr::VBPR1.get(self.vmcr),
        }
    }

    /// Writes ICV_BPRn_EL1.
    pub(super) fn write_binary_point(&mut self, group: u8, value: u64) {
        if group == 0 || !self.has_common_binary_point() {
            self.set_binary_point(group, value);
        }
    }

    /// Reads ICV_CTLR_EL1.
    pub(super) fn ctlr(&self) -> u64 {
        let common = ctlr::CBPR.with(0, u64::from(self.has_common_binary_point()));
        CTLR_FIXED | common | ctlr::EOImode.with(0, u64::from(self.splits_end_of_interrupt()))
    }

    /// Writes ICV_CTLR_EL1.
    pub(super) fn set_ctlr(&mut self, value: u64) {
        let common = vmcr::VCBPR.with(self.vmcr, ctlr::CBPR.get(value));
        self.vmcr = vmcr::VEOIM.with(common, ctlr::EOImode.get(value));
    }

    /// Reads ICV_IGRPENn_EL1.
    pub(super) fn group_enable(&self, group: u8) -> u64 {
        self.vmcr >> group & 1
    }

    /// Writes ICV_IGRPENn_EL1.
    pub(super) fn set_group_enable(&mut self, group: u8, value: u64) {
        let field = if group == 0 { vmcr::VENG0 } else { vmcr::VENG1 };
        self.vmcr = field.with(self.vmcr, value & 1);
    }
}

/// INTIDs 1020 to 1023, and those up to the first LPI, which are no interrupts here.
fn is_special(intid: u32) -> bool {
    (FIRST_SPECIAL..lpi::FIRST_LPI).contains(&intid)
}
