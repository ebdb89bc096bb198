//! Bitfield moves: SBFM, BFM, UBFM and their aliases (LSL, LSR, ASR, SXTB, UBFX, BFI ...).

use crate::cpu::Vcpu;
use crate::interp::operand::{Width, bits, rd, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::SBFM_32M_bitfield => sbfm::<u32>,
        Encoding::BFM_32M_bitfield => bfm::<u32>,
        Encoding::UBFM_32M_bitfield => ubfm::<u32>,
        Encoding::SBFM_64M_bitfield => sbfm::<u64>,
        Encoding::BFM_64M_bitfield => bfm::<u64>,
        Encoding::UBFM_64M_bitfield => ubfm::<u64>,
        _ => return None,
    })
}

/// Returns whether immr or imms does not fit the register.
#[inline(always)]
fn reserved<W: Width>(insn: u32) -> bool {
    W::BITS == 32 && insn & (1 << 21 | 1 << 15) != 0
}

/// Returns the two shifts that do a bitfield move: left, so that the field's top bit is bit BITS-1, and
/// right again to its place. The second is taken modulo BITS by the shift itself.
#[inline(always)]
fn shifts<W: Width>(insn: u32) -> (u32, u32) {
    let (imms, immr) = (bits::<10, 6>(insn), bits::<16, 6>(insn));
    (W::BITS - 1 - imms, immr.wrapping_sub(imms).wrapping_sub(1))
}

fn ubfm<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    if reserved::<W>(insn) {
        return Err(cpu.undefined());
    }
    let (left, right) = shifts::<W>(insn);
    W::get(cpu, rn(insn)).lsl(left).lsr(right).set(cpu, rd(insn));
    Ok(Flow::Next)
}

fn sbfm<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    if reserved::<W>(insn) {
        return Err(cpu.undefined());
    }
    let (left, right) = shifts::<W>(insn);
    W::get(cpu, rn(insn)).lsl(left).asr(right).set(cpu, rd(insn));
    Ok(Flow::Next)
}

fn bfm<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    if reserved::<W>(insn) {
        return Err(cpu.undefined());
    }
    let (left, right) = shifts::<W>(insn);
    let field = (!W::ZERO).lsl(left).lsr(right);
    let moved = W::get(cpu, rn(insn)).ror(bits::<16, 6>(insn));
    (W::get(cpu, rd(insn)) & !field | moved & field).set(cpu, rd(insn));
    Ok(Flow::Next)
}
