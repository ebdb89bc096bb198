//! The hypervisor's control of the virtual CPU interface: ICH_* registers.

use super::list_register::ListRegister;
use crate::gic::PRIORITY_MASK;
use crate::gic::active_priorities::ActivePriorities;
use droste_arch::fields::{
    ich_hcr_el2 as hcr, ich_misr_el2 as misr, ich_vmcr_el2 as vmcr, ich_vtr_el2 as vtr,
};

/// The least virtual binary point of Group 0; that of Group 1 is one more.
pub(super) const MIN_VBPR0: u8 = 2;

/// ICH_HCR_EL2: EOIcount, TDIR, TALL1, TALL0, TC, and the enables of the maintenance interrupt.
const HCR_IMPLEMENTED: u64 = 0xf800_5cff;

/// State of the virtual CPU interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hypervisor {
    /// ICH_HCR_EL2.
    pub(super) hcr: u64,
    /// ICH_VMCR_EL2.
    pub(super) vmcr: u64,
    /// ICH_AP0R0_EL2 and ICH_AP1R0_EL2.
    pub(super) active: ActivePriorities,
    pub(super) list_registers: [ListRegister; 16],
    pub(super) list_register_count: usize,
}

impl Hypervisor {
    pub(super) fn new(list_register_count: usize) -> Self {
        let mut hypervisor = Self {
            hcr: 0,
            vmcr: 0,
            active: ActivePriorities::default(),
            list_registers: [ListRegister::default(); 16],
            list_register_count,
        };
        hypervisor.set_vmcr(0);
        hypervisor
    }

    /// The implemented list registers.
    pub(super) fn implemented(&self) -> &[ListRegister] {
        &self.list_registers[..self.list_register_count]
    }

    /// Reads ICH_VTR_EL2: five priority and preemption bits, 16-bit INTIDs, affinity 3, separate trap of
    /// ICV_DIR, no direct injection of virtual interrupts.
    pub(super) fn vtr(&self) -> u64 {
        vtr::PRIbits.with(0, 4)
            | vtr::PREbits.with(0, 4)
            | vtr::A3V.mask()
            | vtr::nV4.mask()
            | vtr::TDS.mask()
            | vtr::ListRegs.with(0, self.list_register_count as u64 - 1)
    }

    /// Writes ICH_HCR_EL2.
    pub(super) fn set_hcr(&mut self, value: u64) {
        self.hcr = value & HCR_IMPLEMENTED;
    }

    /// Writes ICH_VMCR_EL2. Binary points below their least value take that; VFIQEn is one because
    /// there is no legacy operation.
    pub(super) fn set_vmcr(&mut self, value: u64) {
        let enables = value & (vmcr::VENG0.mask() | vmcr::VENG1.mask());
        let modes = value & (vmcr::VCBPR.mask() | vmcr::VEOIM.mask());
        self.vmcr = enables | modes | vmcr::VFIQEn.mask();
        self.set_priority_mask(vmcr::VPMR.get(value));
        self.set_binary_point(0, vmcr::VBPR0.get(value));
        self.set_binary_point(1, vmcr::VBPR1.get(value));
    }

    /// Writes the virtual priority mask.
    pub(super) fn set_priority_mask(&mut self, value: u64) {
        self.vmcr = vmcr::VPMR.with(self.vmcr, value & u64::from(PRIORITY_MASK));
    }

    /// Writes a virtual binary point.
    pub(super) fn set_binary_point(&mut self, group: u8, value: u64) {
        let field = if group == 0 { vmcr::VBPR0 } else { vmcr::VBPR1 };
        let least = u64::from(MIN_VBPR0) + u64::from(group);
        self.vmcr = field.with(self.vmcr, (value & 7).max(least));
    }

    /// Reads ICH_EISR_EL2.
    pub(super) fn eisr(&self) -> u64 {
        self.bits(ListRegister::has_ended)
    }

    /// Reads ICH_ELRSR_EL2.
    pub(super) fn elrsr(&self) -> u64 {
        self.bits(ListRegister::is_free)
    }

    fn bits(&self, of: impl Fn(ListRegister) -> bool) -> u64 {
        self.implemented().iter().enumerate().map(|(n, &register)| u64::from(of(register)) << n).sum()
    }

    /// Reads ICH_MISR_EL2: the reasons for a maintenance interrupt.
    pub(super) fn misr(&self) -> u64 {
        let valid_count = self.implemented().iter().filter(|register| !register.is_invalid()).count();
        let none_pending = !self.implemented().iter().any(|register| register.is_pending());
        let group_0 = vmcr::VENG0.is_set(self.vmcr);
        let group_1 = vmcr::VENG1.is_set(self.vmcr);
        let reason = |holds: bool, bit: droste_arch::fields::Field| if holds { bit.mask() } else { 0 };
        let enabled = |enable: droste_arch::fields::Field| enable.is_set(self.hcr);
        reason(self.eisr() != 0, misr::EOI)
            | reason(enabled(hcr::UIE) && valid_count <= 1, misr::U)
            | reason(enabled(hcr::LRENPIE) && hcr::EOIcount.is_set(self.hcr), misr::LRENP)
            | reason(enabled(hcr::NPIE) && none_pending, misr::NP)
            | reason(enabled(hcr::VGrp0EIE) && group_0, misr::VGrp0E)
            | reason(enabled(hcr::VGrp0DIE) && !group_0, misr::VGrp0D)
            | reason(enabled(hcr::VGrp1EIE) && group_1, misr::VGrp1E)
            | reason(enabled(hcr::VGrp1DIE) && !group_1, misr::VGrp1D)
    }

    /// The level of the maintenance interrupt.
    pub(super) fn maintenance_level(&self) -> bool {
        hcr::En.is_set(self.hcr) && self.misr() != 0
    }

    /// Counts an end of interrupt that no list register had.
    pub(super) fn count_end_of_interrupt(&mut self) {
        let count = hcr::EOIcount.get(self.hcr);
        self.hcr = hcr::EOIcount.with(self.hcr, count + 1);
    }
}
