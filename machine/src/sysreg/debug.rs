//! Self-hosted debug registers, and the debug communication channel that nobody is at the end of.

use crate::cpu::Vcpu;
use crate::interp::Flow;
use droste_arch::fields::{oslar_el1, oslsr_el1};
use droste_arch::sysreg::SysReg;

use super::registers::{Behaviour, ZERO, ignore};

pub(super) fn behaviour(r: SysReg) -> Option<Behaviour> {
    match r {
        SysReg::OSLAR_EL1 => Some(Behaviour::stored(r, write_oslar)),
        SysReg::OSLSR_EL1 => Some(Behaviour::stored(r, ignore)),
        SysReg::DBGCLAIMSET_EL1 => Some(Behaviour::new(|_, _| 0xff, set_claim)),
        SysReg::DBGCLAIMCLR_EL1 => Some(Behaviour::stored(r, clear_claim)),
        SysReg::MDCCSR_EL0
        | SysReg::DBGDTR_EL0
        | SysReg::DBGDTRRX_EL0
        | SysReg::DBGDTRTX_EL0
        | SysReg::DBGAUTHSTATUS_EL1
        | SysReg::MDRAR_EL1 => Some(ZERO),
        SysReg::MDSCR_EL1 | SysReg::OSDLR_EL1 | SysReg::DBGPRCR_EL1 => Some(Behaviour::stored(r, change)),
        r if ["DBGBCR", "DBGBVR", "DBGWCR", "DBGWVR"].iter().any(|p| r.name().starts_with(p)) => {
            Some(Behaviour::stored(r, change))
        }
        _ => None,
    }
}

/// The OS lock is locked by a reset, and its model is 0b10.
pub(super) fn reset(cpu: &mut Vcpu) {
    cpu.set_sys(SysReg::OSLSR_EL1, 1 << 3 | oslsr_el1::OSLK.mask());
}

fn write_oslar(cpu: &mut Vcpu, _: SysReg, value: u64) -> Flow {
    let status = cpu.sys(SysReg::OSLSR_EL1);
    let locked = u64::from(oslar_el1::OSLK.is_set(value));
    cpu.set_sys(SysReg::OSLSR_EL1, oslsr_el1::OSLK.with(status, locked));
    crate::debug::registers_changed(cpu);
    Flow::Sync
}

/// A register that decides which debug exceptions there are.
fn change(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    if cpu.sys(r) != value {
        cpu.set_sys(r, value);
        crate::debug::registers_changed(cpu);
    }
    Flow::Sync
}

fn set_claim(cpu: &mut Vcpu, _: SysReg, value: u64) -> Flow {
    let tags = cpu.sys(SysReg::DBGCLAIMCLR_EL1);
    cpu.set_sys(SysReg::DBGCLAIMCLR_EL1, tags | value & 0xff);
    Flow::Next
}

fn clear_claim(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    let tags = cpu.sys(r);
    cpu.set_sys(r, tags & !value);
    Flow::Next
}
