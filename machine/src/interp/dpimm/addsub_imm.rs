//! Add and subtract, immediate: ADD, ADDS, SUB, SUBS.

use crate::cpu::Vcpu;
use crate::interp::operand::{Width, bits, rd, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::ADD_32_addsub_imm => add::<u32>,
        Encoding::ADDS_32S_addsub_imm => adds::<u32>,
        Encoding::SUB_32_addsub_imm => sub::<u32>,
        Encoding::SUBS_32S_addsub_imm => subs::<u32>,
        Encoding::ADD_64_addsub_imm => add::<u64>,
        Encoding::ADDS_64S_addsub_imm => adds::<u64>,
        Encoding::SUB_64_addsub_imm => sub::<u64>,
        Encoding::SUBS_64S_addsub_imm => subs::<u64>,
        _ => return None,
    })
}

#[inline(always)]
fn immediate<W: Width>(insn: u32) -> W {
    W::truncate(u64::from(bits::<10, 12>(insn) << (bits::<22, 1>(insn) * 12)))
}

fn add<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    W::get_sp(cpu, rn(insn)).add(immediate(insn)).set_sp(cpu, rd(insn));
    Ok(Flow::Next)
}

fn sub<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    W::get_sp(cpu, rn(insn)).sub(immediate(insn)).set_sp(cpu, rd(insn));
    Ok(Flow::Next)
}

fn adds<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let (result, flags) = W::get_sp(cpu, rn(insn)).add_with_carry(immediate(insn), false);
    cpu.state.nzcv.set(flags);
    result.set(cpu, rd(insn));
    Ok(Flow::Next)
}

fn subs<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let (result, flags) = W::get_sp(cpu, rn(insn)).sub_flags(immediate(insn));
    cpu.state.nzcv.set(flags);
    result.set(cpu, rd(insn));
    Ok(Flow::Next)
}
