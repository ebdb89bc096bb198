//! PC-relative addressing: ADR, ADRP.

use crate::cpu::Vcpu;
use crate::interp::operand::{bits, rd, sbits};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::ADR_only_pcreladdr => adr,
        Encoding::ADRP_only_pcreladdr => adrp,
        _ => return None,
    })
}

#[inline(always)]
fn offset(insn: u32) -> u64 {
    sbits::<5, 19>(insn) << 2 | u64::from(bits::<29, 2>(insn))
}

fn adr(cpu: &mut Vcpu, insn: u32) -> Exec {
    cpu.set_x(rd(insn), cpu.state.pc.wrapping_add(offset(insn)));
    Ok(Flow::Next)
}

fn adrp(cpu: &mut Vcpu, insn: u32) -> Exec {
    cpu.set_x(rd(insn), (cpu.state.pc & !0xfff).wrapping_add(offset(insn) << 12));
    Ok(Flow::Next)
}
