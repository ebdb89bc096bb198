//! WFI, WFE, WFIT and WFET.

use super::Exception;
use crate::cpu::Vcpu;
use crate::interp::{Abort, Exec, Flow};
use droste_arch::feature::Feature;
use droste_arch::fields::{hcr_el2, sctlr_el1};

/// The waiting instructions; the value is ISS.TI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wfx {
    /// Wait for interrupt.
    Wfi = 0,
    /// Wait for event.
    Wfe = 1,
    /// Wait for interrupt with a time-out.
    Wfit = 2,
    /// Wait for event with a time-out.
    Wfet = 3,
}

/// Executes a waiting instruction. A time-out is given in ticks of CNTVCT_EL0; `rt` is its register.
pub(crate) fn wfx(cpu: &mut Vcpu, kind: Wfx, rt: Option<u32>) -> Exec {
    let event = matches!(kind, Wfx::Wfe | Wfx::Wfet);
    if event && cpu.state.event {
        cpu.state.event = false;
        return Ok(Flow::Next);
    }
    if !event && cpu.has_wakeup() {
        return Ok(Flow::Sync);
    }
    check_trap(cpu, kind, rt)?;
    if cpu.mode.stepping {
        // The wait may end for any reason: the debugger shall see the next instruction.
        return Ok(Flow::Sync);
    }
    if let Some(rt) = rt {
        let deadline = cpu.x(rt);
        if crate::timer::virtual_count(cpu) >= deadline {
            return Ok(Flow::Next);
        }
        // A time-out may be served early: the architecture allows a wake-up for any reason.
        cpu.yield_slice();
        return Ok(Flow::Sync);
    }
    if event {
        cpu.yield_slice();
    } else {
        cpu.state.waiting = true;
    }
    Ok(Flow::Sync)
}

/// AArch64.CheckForWFxTrap, to EL1 and then to EL2.
fn check_trap(cpu: &mut Vcpu, kind: Wfx, rt: Option<u32>) -> Result<(), Abort> {
    let event = matches!(kind, Wfx::Wfe | Wfx::Wfet);
    let rn = if cpu.has(Feature::FEAT_WFxT) { rt } else { None };
    let register = rn.map_or(0, |r| u64::from(r) << 5 | 1 << 2);
    let iss = 0x1e0_0000 | register | kind as u64;
    if cpu.el() == 0 {
        let sctlr = cpu.mode.sctlr;
        let allowed = if event { sctlr_el1::nTWE } else { sctlr_el1::nTWI }.is_set(sctlr);
        if !allowed {
            let target = cpu.default_target();
            return Err(cpu.raise(Exception::sync(target, 0x01, iss)));
        }
    }
    if cpu.el() < 2 && !(cpu.mode.e2h && cpu.mode.tge && cpu.el() == 0) {
        let trap = if event { hcr_el2::TWE } else { hcr_el2::TWI };
        if trap.is_set(cpu.hcr()) {
            return Err(cpu.raise(Exception::sync(2, 0x01, iss)));
        }
    }
    Ok(())
}
