//! Unconditional branches, immediate: B, BL.

use super::jump_by;
use crate::cpu::Vcpu;
use crate::interp::operand::sbits;
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::B_only_branch_imm => b,
        Encoding::BL_only_branch_imm => bl,
        _ => return None,
    })
}

fn b(cpu: &mut Vcpu, insn: u32) -> Exec {
    jump_by(cpu, sbits::<0, 26>(insn) << 2)
}

fn bl(cpu: &mut Vcpu, insn: u32) -> Exec {
    cpu.set_x(30, cpu.state.pc.wrapping_add(4));
    jump_by(cpu, sbits::<0, 26>(insn) << 2)
}
