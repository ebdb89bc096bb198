//! Add and subtract, extended register: ADD, ADDS, SUB, SUBS.

use crate::cpu::Vcpu;
use crate::interp::operand::{Width, bits, rd, rm, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::ADD_32_addsub_ext => add::<u32>,
        Encoding::ADDS_32S_addsub_ext => adds::<u32>,
        Encoding::SUB_32_addsub_ext => sub::<u32>,
        Encoding::SUBS_32S_addsub_ext => subs::<u32>,
        Encoding::ADD_64_addsub_ext => add::<u64>,
        Encoding::ADDS_64S_addsub_ext => adds::<u64>,
        Encoding::SUB_64_addsub_ext => sub::<u64>,
        Encoding::SUBS_64S_addsub_ext => subs::<u64>,
        _ => return None,
    })
}

/// Extends `value` as the field `option` says (ExtendReg without the shift).
#[inline(always)]
fn extend(value: u64, option: u32) -> u64 {
    match option & 7 {
        0 => u64::from(value as u8),
        1 => u64::from(value as u16),
        2 => u64::from(value as u32),
        4 => value as i8 as u64,
        5 => value as i16 as u64,
        6 => value as i32 as u64,
        _ => value,
    }
}

/// Returns the extended and shifted Rm, or `None` for a reserved shift amount.
#[inline(always)]
fn operand<W: Width>(cpu: &Vcpu, insn: u32) -> Option<W> {
    let amount = bits::<10, 3>(insn);
    if amount > 4 {
        return None;
    }
    Some(W::truncate(extend(cpu.x(rm(insn)), bits::<13, 3>(insn)) << amount))
}

fn add<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let Some(y) = operand::<W>(cpu, insn) else { return Err(cpu.undefined()) };
    W::get_sp(cpu, rn(insn)).add(y).set_sp(cpu, rd(insn));
    Ok(Flow::Next)
}

fn sub<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let Some(y) = operand::<W>(cpu, insn) else { return Err(cpu.undefined()) };
    W::get_sp(cpu, rn(insn)).sub(y).set_sp(cpu, rd(insn));
    Ok(Flow::Next)
}

fn adds<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let Some(y) = operand::<W>(cpu, insn) else { return Err(cpu.undefined()) };
    let (result, flags) = W::get_sp(cpu, rn(insn)).add_with_carry(y, false);
    cpu.state.nzcv.set(flags);
    result.set(cpu, rd(insn));
    Ok(Flow::Next)
}

fn subs<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let Some(y) = operand::<W>(cpu, insn) else { return Err(cpu.undefined()) };
    let (result, flags) = W::get_sp(cpu, rn(insn)).sub_flags(y);
    cpu.state.nzcv.set(flags);
    result.set(cpu, rd(insn));
    Ok(Flow::Next)
}
