//! Move wide, immediate: MOVN, MOVZ, MOVK.

use crate::cpu::Vcpu;
use crate::interp::operand::{Width, bits, rd};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::MOVN_32_movewide => movn::<u32>,
        Encoding::MOVZ_32_movewide | Encoding::MOVZ_64_movewide => movz,
        Encoding::MOVK_32_movewide => movk::<u32>,
        Encoding::MOVN_64_movewide => movn::<u64>,
        Encoding::MOVK_64_movewide => movk::<u64>,
        _ => return None,
    })
}

#[inline(always)]
fn shift(insn: u32) -> u32 {
    bits::<21, 2>(insn) * 16
}

#[inline(always)]
fn immediate(insn: u32) -> u64 {
    u64::from(bits::<5, 16>(insn))
}

fn movn<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    (!W::truncate(immediate(insn) << shift(insn))).set(cpu, rd(insn));
    Ok(Flow::Next)
}

fn movz(cpu: &mut Vcpu, insn: u32) -> Exec {
    cpu.set_x(rd(insn), immediate(insn) << shift(insn));
    Ok(Flow::Next)
}

fn movk<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let kept = W::get(cpu, rd(insn)) & !W::truncate(0xffff << shift(insn));
    (kept | W::truncate(immediate(insn) << shift(insn))).set(cpu, rd(insn));
    Ok(Flow::Next)
}
