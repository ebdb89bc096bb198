//! Where the page of register accesses is that FEAT_NV2 transforms.
//!
//! What decides that, VNCR_EL2, the comparison and the entries of the inline table, is changed outside of generated code
//! only: VNCR_EL2 by generated code too, but at EL2, from which nothing comes back to EL1 but through a call. So the
//! answer of one look-up holds for the accesses after it, across blocks, until something is called
//! ([`SlotPage`](crate::engine::SlotPage)).

use super::layout::{
    ADDEND, CODE, COMPARAND_SHIFT, NV2_WINDOW, OFFSET_MASK, OFFSET_SHIFT, READ, SLOT_CODE, SLOT_LOADS,
    SLOT_STORES, VNCR, WRITE, comparand_id, comparand_mask,
};
use super::x64::{Alu, Assembler, Cond, Mem, Reg, Shift, Size};
use crate::mmu::Route;

/// Emits the look-up for loads, or stores: a function that gives the page's host address in RCX and notes it, with
/// "equal" as condition, or nothing. Changes RSI. Cost: nineteen instructions with its call.
pub(super) fn emit(asm: &mut Assembler<'_>, stores: bool) -> usize {
    let at = asm.offset();
    asm.load(Size::Q, Reg::Rsi, VNCR);
    asm.mov(Size::D, Reg::Rcx, Reg::Rsi);
    asm.shift_imm(Shift::Shr, Size::D, Reg::Rcx, OFFSET_SHIFT);
    asm.alu_imm(Alu::And, Size::D, Reg::Rcx, OFFSET_MASK);
    asm.alu_load(Alu::Add, Size::Q, Reg::Rcx, NV2_WINDOW);
    asm.shift_imm(Shift::Sar, Size::Q, Reg::Rsi, COMPARAND_SHIFT);
    asm.alu_load(Alu::And, Size::Q, Reg::Rsi, comparand_mask(Route::Nv2));
    asm.alu_load(Alu::Xor, Size::Q, Reg::Rsi, comparand_id(Route::Nv2));
    let comparand = if stores { WRITE } else { READ };
    asm.alu_load(Alu::Cmp, Size::Q, Reg::Rsi, Mem::new(Reg::Rcx, comparand));
    let differs = asm.jcc_unbound(Cond::Ne);
    if stores {
        asm.load(Size::Q, Reg::Rsi, Mem::new(Reg::Rcx, CODE));
        asm.store(Size::Q, SLOT_CODE, Reg::Rsi);
    }
    // The page offset of VNCR_EL2 is RES0, so that the sum is the page's address.
    asm.load(Size::Q, Reg::Rcx, Mem::new(Reg::Rcx, ADDEND));
    asm.alu_load(Alu::Add, Size::Q, Reg::Rcx, VNCR);
    asm.store(Size::Q, if stores { SLOT_STORES } else { SLOT_LOADS }, Reg::Rcx);
    asm.alu(Alu::Cmp, Size::D, Reg::Rcx, Reg::Rcx);
    let end = asm.offset();
    asm.patch(differs, end);
    asm.ret();
    at
}
