//! Barriers: DMB, DSB, ISB, SB, CLREX.

use crate::cpu::Vcpu;
use crate::interp::operand::bits;
use crate::interp::{Exec, Flow, Handler};
use core::sync::atomic::{Ordering, fence};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::CLREX_BN_barriers => clrex,
        Encoding::DSB_BO_barriers | Encoding::DSB_BOn_barriers => dsb,
        Encoding::DMB_BO_barriers => dmb,
        Encoding::ISB_BI_barriers => isb,
        // Nothing is executed speculatively.
        Encoding::SB_only_barriers => super::hints::nop,
        _ => return None,
    })
}

fn clrex(cpu: &mut Vcpu, _insn: u32) -> Exec {
    cpu.state.exclusive.valid = false;
    Ok(Flow::Next)
}

/// Executes DMB. The forms for loads and for stores cost nothing on hosts that keep those orders.
fn dmb(_cpu: &mut Vcpu, insn: u32) -> Exec {
    match bits::<8, 2>(insn) {
        0b01 => fence(Ordering::Acquire),
        0b10 => fence(Ordering::Release),
        _ => fence(Ordering::SeqCst),
    }
    Ok(Flow::Next)
}

fn dsb(cpu: &mut Vcpu, _insn: u32) -> Exec {
    fence(Ordering::SeqCst);
    cpu.tlbi_sync();
    Ok(Flow::Next)
}

/// Register writes have taken effect when they were made.
fn isb(_cpu: &mut Vcpu, _insn: u32) -> Exec {
    Ok(Flow::Sync)
}
