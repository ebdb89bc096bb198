//! Add and subtract, shifted register: ADD, ADDS, SUB, SUBS.

use super::{reserved_amount, shifted};
use crate::cpu::Vcpu;
use crate::interp::operand::{Width, bits, rd, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::ADD_32_addsub_shift => add::<u32>,
        Encoding::ADDS_32_addsub_shift => adds::<u32>,
        Encoding::SUB_32_addsub_shift => sub::<u32>,
        Encoding::SUBS_32_addsub_shift => subs::<u32>,
        Encoding::ADD_64_addsub_shift => add::<u64>,
        Encoding::ADDS_64_addsub_shift => adds::<u64>,
        Encoding::SUB_64_addsub_shift => sub::<u64>,
        Encoding::SUBS_64_addsub_shift => subs::<u64>,
        _ => return None,
    })
}

#[inline(always)]
fn reserved<W: Width>(insn: u32) -> bool {
    bits::<22, 2>(insn) == 3 || reserved_amount::<W>(insn)
}

fn add<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    if reserved::<W>(insn) {
        return Err(cpu.undefined());
    }
    W::get(cpu, rn(insn)).add(shifted(cpu, insn)).set(cpu, rd(insn));
    Ok(Flow::Next)
}

fn sub<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    if reserved::<W>(insn) {
        return Err(cpu.undefined());
    }
    W::get(cpu, rn(insn)).sub(shifted(cpu, insn)).set(cpu, rd(insn));
    Ok(Flow::Next)
}

fn adds<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    if reserved::<W>(insn) {
        return Err(cpu.undefined());
    }
    let (result, flags) = W::get(cpu, rn(insn)).add_with_carry(shifted(cpu, insn), false);
    cpu.state.nzcv.set(flags);
    result.set(cpu, rd(insn));
    Ok(Flow::Next)
}

fn subs<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    if reserved::<W>(insn) {
        return Err(cpu.undefined());
    }
    let (result, flags) = W::get(cpu, rn(insn)).sub_flags(shifted(cpu, insn));
    cpu.state.nzcv.set(flags);
    result.set(cpu, rd(insn));
    Ok(Flow::Next)
}
