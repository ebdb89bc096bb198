//! Registers that control execution or translation: whoever writes them changes the context.

use crate::cpu::Vcpu;
use crate::interp::Flow;
use droste_arch::fields::rmr_el2;
use droste_arch::sysreg::SysReg;

use super::registers::{Behaviour, ZERO};

pub(super) fn behaviour(r: SysReg) -> Option<Behaviour> {
    match r {
        SysReg::SCTLR_EL2 | SysReg::SCTLR2_EL2 | SysReg::TCR_EL2 | SysReg::TCR2_EL2 | SysReg::HCRX_EL2 => {
            Some(Behaviour::stored(r, change))
        }
        SysReg::HCR_EL2 | SysReg::CPTR_EL2 => Some(Behaviour::stored(r, change_world)),
        SysReg::TTBR0_EL2
        | SysReg::TTBR1_EL2
        | SysReg::MAIR_EL2
        | SysReg::MAIR2_EL2
        | SysReg::PIR_EL2
        | SysReg::PIRE0_EL2
        | SysReg::POR_EL0
        | SysReg::POR_EL2 => Some(Behaviour::stored(r, change_translation)),
        SysReg::SCTLR_EL1 | SysReg::SCTLR2_EL1 | SysReg::TCR_EL1 | SysReg::TCR2_EL1 | SysReg::CPACR_EL1 => {
            Some(Behaviour::stored(r, change_el1))
        }
        SysReg::TTBR0_EL1
        | SysReg::TTBR1_EL1
        | SysReg::MAIR_EL1
        | SysReg::MAIR2_EL1
        | SysReg::PIR_EL1
        | SysReg::PIRE0_EL1
        | SysReg::POR_EL1
        | SysReg::S2PIR_EL2
        | SysReg::S2POR_EL1
        | SysReg::VTCR_EL2
        | SysReg::VTTBR_EL2 => Some(Behaviour::stored(r, change_el1_translation)),
        SysReg::MDCR_EL2 => Some(Behaviour::stored(r, super::pmu::write_mdcr)),
        SysReg::RMR_EL1 | SysReg::RMR_EL2 => Some(Behaviour::new(|_, _| AA64, request_reset)),
        // Implementation defined, and this implementation defines nothing.
        SysReg::ACTLR_EL1
        | SysReg::ACTLR_EL2
        | SysReg::AFSR0_EL1
        | SysReg::AFSR0_EL2
        | SysReg::AFSR1_EL1
        | SysReg::AFSR1_EL2
        | SysReg::AMAIR_EL1
        | SysReg::AMAIR_EL2
        | SysReg::HACR_EL2 => Some(ZERO),
        _ => None,
    }
}

/// RMR_ELx.AA64, which is fixed.
const AA64: u64 = 1;

/// RMR_ELx.RR: a warm reset, which comes at once. The CPU starts at RVBAR_ELx.
fn request_reset(cpu: &mut Vcpu, _: SysReg, value: u64) -> Flow {
    if !rmr_el2::RR.is_set(value) {
        return Flow::Next;
    }
    cpu.reset();
    cpu.state.pc = cpu.sys(if cpu.has_el2() { SysReg::RVBAR_EL2 } else { SysReg::RVBAR_EL1 });
    Flow::Jump
}

fn change(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    if cpu.sys(r) != value {
        cpu.set_sys(r, value);
        cpu.context_changed();
    }
    Flow::Sync
}

/// A register that controls translation, and nothing of [`Mode`](crate::cpu::Mode).
fn change_translation(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    if cpu.sys(r) != value {
        cpu.set_sys(r, value);
        cpu.mmu_context_changed();
    }
    Flow::Sync
}

/// A register of the EL1&0 regime: at EL2 the CPU uses another one, and only notes that it changed. A
/// world switch writes a dozen of these.
fn change_el1(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    if cpu.sys(r) != value {
        cpu.set_sys(r, value);
        cpu.el1_changed();
    }
    if cpu.el() < 2 { Flow::Sync } else { Flow::Next }
}

/// The same for one that controls translation alone.
fn change_el1_translation(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    if cpu.sys(r) != value {
        cpu.set_sys(r, value);
        cpu.el1_translation_changed();
    }
    if cpu.el() < 2 { Flow::Sync } else { Flow::Next }
}

/// A register that switches between a host and its guests write: both worlds stay known.
fn change_world(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    if cpu.sys(r) != value {
        cpu.set_sys(r, value);
        cpu.world_changed();
    }
    Flow::Sync
}
