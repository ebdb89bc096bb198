//! Which register does what.

use super::CpuInterface;
use super::list_register::ListRegister;
use crate::cpu::Vcpu;
use droste_arch::sysreg::SysReg;

/// ICC_SRE_EL1: SRE, DFB and DIB are one, as there is no legacy operation.
const SRE_EL1: u64 = 7;
/// ICC_SRE_EL2: as in ICC_SRE_EL1, and EL1 may access that.
const SRE_EL2: u64 = 0xf;

/// Reads a register of the CPU interface. Accesses that trap have been filtered out, and redirected ones
/// arrive as the register that they reach.
pub(crate) fn read(cpu: &mut Vcpu, r: SysReg) -> u64 {
    cpu.gic.read(r)
}

/// Writes a register of the CPU interface.
pub(crate) fn write(cpu: &mut Vcpu, r: SysReg, value: u64) {
    cpu.gic.write(r, value);
    mirror(cpu);
}

/// Resets the interface together with its CPU.
pub(crate) fn reset(cpu: &mut Vcpu) {
    cpu.gic.reset();
    cpu.set_sys(SysReg::ICC_SRE_EL1, SRE_EL1);
    cpu.set_sys(SysReg::ICC_SRE_EL2, SRE_EL2);
    cpu.set_sys(SysReg::ICH_VTR_EL2, cpu.gic.state.hypervisor.vtr());
    mirror(cpu);
}

/// Shows the access rules what they ask about.
fn mirror(cpu: &mut Vcpu) {
    cpu.set_sys(SysReg::ICH_HCR_EL2, cpu.gic.state.hypervisor.hcr);
}

/// The group of a register that exists for both.
fn group_of(r: SysReg) -> u8 {
    match r {
        SysReg::ICC_IAR0_EL1
        | SysReg::ICC_EOIR0_EL1
        | SysReg::ICC_HPPIR0_EL1
        | SysReg::ICC_BPR0_EL1
        | SysReg::ICC_AP0R0_EL1
        | SysReg::ICC_IGRPEN0_EL1
        | SysReg::ICC_SGI0R_EL1
        | SysReg::ICC_ASGI1R_EL1
        | SysReg::ICV_IAR0_EL1
        | SysReg::ICV_EOIR0_EL1
        | SysReg::ICV_HPPIR0_EL1
        | SysReg::ICV_BPR0_EL1
        | SysReg::ICV_AP0R0_EL1
        | SysReg::ICV_IGRPEN0_EL1
        | SysReg::ICH_AP0R0_EL2 => 0,
        _ => 1,
    }
}

/// The index of a list register.
fn list_register(r: SysReg) -> Option<usize> {
    // ICH_LR0 to ICH_LR7 are CRm 12, ICH_LR8 to ICH_LR15 CRm 13: sixteen encodings in a row.
    let index = r.encoding().0.wrapping_sub(SysReg::ICH_LR0_EL2.encoding().0);
    (index < 16).then_some(usize::from(index))
}

impl CpuInterface {
    /// Reads a register; reading an IAR acknowledges.
    pub(crate) fn read(&mut self, r: SysReg) -> u64 {
        let group = group_of(r);
        let bank = usize::from(group);
        let physical = &self.state.physical;
        let hypervisor = &self.state.hypervisor;
        match r {
            SysReg::ICC_IAR0_EL1 | SysReg::ICC_IAR1_EL1 => u64::from(self.acknowledge(group)),
            SysReg::ICC_HPPIR0_EL1 | SysReg::ICC_HPPIR1_EL1 => u64::from(self.highest_pending(group)),
            SysReg::ICC_BPR0_EL1 | SysReg::ICC_BPR1_EL1 => u64::from(physical.binary_point(group)),
            SysReg::ICC_AP0R0_EL1 | SysReg::ICC_AP1R0_EL1 => u64::from(physical.active.0[bank]),
            SysReg::ICC_PMR_EL1 => u64::from(physical.priority_mask),
            SysReg::ICC_RPR_EL1 => u64::from(physical.active.running()),
            SysReg::ICC_CTLR_EL1 => physical.ctlr(),
            SysReg::ICC_IGRPEN0_EL1 | SysReg::ICC_IGRPEN1_EL1 => u64::from(physical.groups >> group & 1),
            SysReg::ICC_SRE_EL1 => SRE_EL1,
            SysReg::ICC_SRE_EL2 => SRE_EL2,

            SysReg::ICV_IAR0_EL1 | SysReg::ICV_IAR1_EL1 => {
                let intid = self.state.hypervisor.acknowledge(group);
                self.refresh_virtual();
                u64::from(intid)
            }
            SysReg::ICV_HPPIR0_EL1 | SysReg::ICV_HPPIR1_EL1 => {
                u64::from(hypervisor.highest_pending_intid(group))
            }
            SysReg::ICV_BPR0_EL1 | SysReg::ICV_BPR1_EL1 => hypervisor.binary_point(group),
            SysReg::ICV_PMR_EL1 => droste_arch::fields::ich_vmcr_el2::VPMR.get(hypervisor.vmcr),
            SysReg::ICV_RPR_EL1 => u64::from(hypervisor.active.running()),
            SysReg::ICV_CTLR_EL1 => hypervisor.ctlr(),
            SysReg::ICV_IGRPEN0_EL1 | SysReg::ICV_IGRPEN1_EL1 => hypervisor.group_enable(group),

            SysReg::ICV_AP0R0_EL1 | SysReg::ICV_AP1R0_EL1 | SysReg::ICH_AP0R0_EL2 | SysReg::ICH_AP1R0_EL2 => {
                u64::from(hypervisor.active.0[bank])
            }
            SysReg::ICH_HCR_EL2 => hypervisor.hcr,
            SysReg::ICH_VTR_EL2 => hypervisor.vtr(),
            SysReg::ICH_MISR_EL2 => hypervisor.misr(),
            SysReg::ICH_EISR_EL2 => hypervisor.eisr(),
            SysReg::ICH_ELRSR_EL2 => hypervisor.elrsr(),
            SysReg::ICH_VMCR_EL2 => hypervisor.vmcr,
            _ => match list_register(r) {
                Some(index) => hypervisor.list_registers[index].value(),
                None => unreachable!("{r} is no readable register of the GIC's CPU interface"),
            },
        }
    }

    /// Writes a register.
    pub(crate) fn write(&mut self, r: SysReg, value: u64) {
        let group = group_of(r);
        let intid = value as u32 & 0xff_ffff;
        match r {
            SysReg::ICC_EOIR0_EL1 | SysReg::ICC_EOIR1_EL1 => self.end_of_interrupt(group, intid),
            SysReg::ICC_DIR_EL1 => self.deactivate(intid),
            SysReg::ICC_SGI0R_EL1 | SysReg::ICC_SGI1R_EL1 | SysReg::ICC_ASGI1R_EL1 => {
                self.generate_sgi(group, value);
            }
            SysReg::ICC_IGRPEN0_EL1 | SysReg::ICC_IGRPEN1_EL1 => self.enable_group(group, value & 1 != 0),
            // All their fields are fixed.
            SysReg::ICC_SRE_EL1 | SysReg::ICC_SRE_EL2 => {}
            SysReg::ICC_BPR0_EL1
            | SysReg::ICC_BPR1_EL1
            | SysReg::ICC_AP0R0_EL1
            | SysReg::ICC_AP1R0_EL1
            | SysReg::ICC_PMR_EL1
            | SysReg::ICC_CTLR_EL1 => self.write_physical(r, value),
            _ => self.write_virtual(r, value),
        }
    }

    /// Writes a register that only changes which physical interrupts are signalled.
    fn write_physical(&mut self, r: SysReg, value: u64) {
        let group = group_of(r);
        let physical = &mut self.state.physical;
        match r {
            SysReg::ICC_BPR0_EL1 | SysReg::ICC_BPR1_EL1 => physical.set_binary_point(group, value),
            SysReg::ICC_PMR_EL1 => physical.set_priority_mask(value),
            SysReg::ICC_CTLR_EL1 => physical.set_ctlr(value),
            _ => physical.active.0[usize::from(group)] = value as u32,
        }
        self.refresh();
    }

    /// Writes ICC_IGRPENn_EL1.
    fn enable_group(&mut self, group: u8, enable: bool) {
        let bit = 1 << group;
        let old = self.state.physical.groups;
        let groups = if enable { old | bit } else { old & !bit };
        if groups != old {
            self.state.physical.groups = groups;
            self.gic.set_cpu_groups(self.cpu, groups);
            self.refresh();
        }
    }

    /// Writes a register of the virtual interface, from either side.
    fn write_virtual(&mut self, r: SysReg, value: u64) {
        let group = group_of(r);
        let intid = value as u32 & 0xff_ffff;
        let hypervisor = &mut self.state.hypervisor;
        let mut physical = None;
        match r {
            SysReg::ICV_EOIR0_EL1 | SysReg::ICV_EOIR1_EL1 => {
                physical = hypervisor.end_of_interrupt(group, intid);
            }
            SysReg::ICV_DIR_EL1 => physical = hypervisor.deactivate(intid),
            SysReg::ICV_BPR0_EL1 | SysReg::ICV_BPR1_EL1 => hypervisor.write_binary_point(group, value),
            SysReg::ICV_PMR_EL1 => hypervisor.set_priority_mask(value),
            SysReg::ICV_CTLR_EL1 => hypervisor.set_ctlr(value),
            SysReg::ICV_IGRPEN0_EL1 | SysReg::ICV_IGRPEN1_EL1 => hypervisor.set_group_enable(group, value),
            SysReg::ICV_AP0R0_EL1 | SysReg::ICV_AP1R0_EL1 | SysReg::ICH_AP0R0_EL2 | SysReg::ICH_AP1R0_EL2 => {
                hypervisor.active.0[usize::from(group)] = value as u32
            }
            SysReg::ICH_HCR_EL2 => hypervisor.set_hcr(value),
            SysReg::ICH_VMCR_EL2 => hypervisor.set_vmcr(value),
            _ => match list_register(r) {
                Some(index) => hypervisor.list_registers[index] = ListRegister::new(value),
                None => unreachable!("{r} is no writable register of the GIC's CPU interface"),
            },
        }
        self.deactivate_physical(physical);
        self.refresh_virtual();
    }
}
