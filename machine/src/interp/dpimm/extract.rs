//! Extract from a register pair: EXTR (ROR immediate).

use crate::cpu::Vcpu;
use crate::interp::operand::{bits, rd, rm, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::EXTR_32_extract => extr_32,
        Encoding::EXTR_64_extract => extr_64,
        _ => return None,
    })
}

fn extr_32(cpu: &mut Vcpu, insn: u32) -> Exec {
    let pair = u64::from(cpu.w(rn(insn))) << 32 | u64::from(cpu.w(rm(insn)));
    cpu.set_w(rd(insn), (pair >> bits::<10, 5>(insn)) as u32);
    Ok(Flow::Next)
}

fn extr_64(cpu: &mut Vcpu, insn: u32) -> Exec {
    let pair = u128::from(cpu.x(rn(insn))) << 64 | u128::from(cpu.x(rm(insn)));
    cpu.set_x(rd(insn), (pair >> bits::<10, 6>(insn)) as u64);
    Ok(Flow::Next)
}
