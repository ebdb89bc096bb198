//! Data processing, register.

pub(crate) mod addsub_carry;
pub(crate) mod addsub_ext;
pub(crate) mod addsub_shift;
pub(crate) mod condcmp;
pub(crate) mod condsel;
pub(crate) mod dp_1src;
pub(crate) mod dp_2src;
pub(crate) mod dp_3src;
pub(crate) mod flags;
pub(crate) mod log_shift;

use super::operand::{Width, bits, rm};
use crate::cpu::Vcpu;

/// Returns Rm shifted by the fields `shift` and `imm6` (ShiftReg). The callers refuse reserved amounts.
#[inline(always)]
fn shifted<W: Width>(cpu: &Vcpu, insn: u32) -> W {
    let value = W::get(cpu, rm(insn));
    if insn & 0x00c0_fc00 == 0 {
        return value;
    }
    let amount = bits::<10, 6>(insn);
    match bits::<22, 2>(insn) {
        0 => value.lsl(amount),
        1 => value.lsr(amount),
        2 => value.asr(amount),
        _ => value.ror(amount),
    }
}

/// Returns whether `imm6` is a shift amount that a 32-bit register does not have.
#[inline(always)]
fn reserved_amount<W: Width>(insn: u32) -> bool {
    W::BITS == 32 && insn & 1 << 15 != 0
}
