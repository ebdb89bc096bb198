//! Conditional branches: B.cond, and BC.cond (FEAT_HBC) which only differs in its prediction.

use super::jump_by;
use crate::cpu::Vcpu;
use crate::interp::operand::{bits, condition_holds, sbits};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::B_only_condbranch | Encoding::BC_only_condbranch => b_cond,
        _ => return None,
    })
}

fn b_cond(cpu: &mut Vcpu, insn: u32) -> Exec {
    if condition_holds(cpu.state.nzcv.bits(), bits::<0, 4>(insn)) {
        jump_by(cpu, sbits::<5, 19>(insn) << 2)
    } else {
        Ok(Flow::Next)
    }
}
