//! Accesses to registers that FEAT_NV2 makes accesses to the page at VNCR_EL2: a look into the inline table like that of
//! a load, under the comparison and in the window of EL2's regime.

use super::{CodeWrite, Compiler};
use crate::jit::layout::{
    ADDEND, CODE, COMPARAND_SHIFT, NV2_WINDOW, OFFSET_MASK, OFFSET_SHIFT, READ, VNCR, WRITE, comparand_id,
    comparand_mask,
};
use crate::jit::x64::{Alu, Cond, Label, Mem, Reg, Shift, Size};
use crate::mmu::Route;

const SLOT_BYTES: i32 = 8;

impl Compiler<'_> {
    /// Loads a slot to a register, or nowhere. Cost: thirteen instructions, seven loads that hit.
    pub(super) fn load_slot(&mut self, offset: u16, to: Option<Reg>, slow: &mut Label) {
        self.slot_page(READ, slow);
        self.asm.load(Size::Q, to.unwrap_or(Reg::Rax), Mem::new(Reg::Rsi, offset.into()));
    }

    /// Stores a register, or zero, to a slot.
    pub(super) fn store_slot(&mut self, offset: u16, from: Option<Reg>, slow: &mut Label) {
        self.slot_page(WRITE, slow);
        let slot = Mem::new(Reg::Rsi, offset.into());
        match from {
            Some(from) => self.asm.store(Size::Q, slot, from),
            None => self.asm.store_imm(Size::Q, slot, 0),
        }
        self.asm.alu_mem_imm(Alu::Cmp, Size::B, Mem::new(Reg::Rcx, 0), 0);
        let from = self.asm.jcc_unbound(Cond::Ne);
        self.code_writes.push(CodeWrite { from, first: slot, len: SLOT_BYTES, back: self.asm.offset() });
    }

    /// The guest address of a slot in RCX.
    pub(super) fn slot_address(&mut self, offset: u16) {
        self.asm.load(Size::Q, Reg::Rcx, VNCR);
        self.asm.lea(Size::Q, Reg::Rcx, Mem::new(Reg::Rcx, offset.into()));
    }

    /// The host address of the page in RSI and, if `comparand` is that of writes, that of its code mark in RCX. The page
    /// offset of VNCR_EL2 is RES0, so the sum needs no mask.
    fn slot_page(&mut self, comparand: i32, slow: &mut Label) {
        let asm = &mut self.asm;
        asm.load(Size::Q, Reg::Rsi, VNCR);
        asm.mov(Size::D, Reg::Rcx, Reg::Rsi);
        asm.shift_imm(Shift::Shr, Size::D, Reg::Rcx, OFFSET_SHIFT);
        asm.alu_imm(Alu::And, Size::D, Reg::Rcx, OFFSET_MASK);
        asm.alu_load(Alu::Add, Size::Q, Reg::Rcx, NV2_WINDOW);
        asm.shift_imm(Shift::Sar, Size::Q, Reg::Rsi, COMPARAND_SHIFT);
        asm.alu_load(Alu::And, Size::Q, Reg::Rsi, comparand_mask(Route::Nv2));
        asm.alu_load(Alu::Xor, Size::Q, Reg::Rsi, comparand_id(Route::Nv2));
        asm.alu_load(Alu::Cmp, Size::Q, Reg::Rsi, Mem::new(Reg::Rcx, comparand));
        asm.jcc(Cond::Ne, slow);
        asm.load(Size::Q, Reg::Rsi, Mem::new(Reg::Rcx, ADDEND));
        asm.alu_load(Alu::Add, Size::Q, Reg::Rsi, VNCR);
        if comparand == WRITE {
            asm.load(Size::Q, Reg::Rcx, Mem::new(Reg::Rcx, CODE));
        }
    }
}
