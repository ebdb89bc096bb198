//! Accesses to registers that FEAT_NV2 makes accesses to the page at VNCR_EL2: a load or store at the host address that
//! an access before has found. The first one since generated code was entered, or has called something, looks it up as
//! a load or store does, under the comparison and in the window of EL2's regime ([`slots`](crate::jit::slots)).

use super::detours::Detour;
use super::{CodeWrite, Compiler};
use crate::jit::layout::{SLOT_CODE, SLOT_LOADS, SLOT_STORES, VNCR};
use crate::jit::x64::{Alu, Cond, Label, Mem, Reg, Size};

const SLOT_BYTES: i32 = 8;

impl Compiler<'_> {
    /// Loads a slot to a register, or nowhere. Cost: four instructions, two loads that hit.
    pub(super) fn load_slot(&mut self, offset: u16, to: Option<Reg>) {
        self.slot_page(false);
        self.asm.load(Size::Q, to.unwrap_or(Reg::Rax), Mem::new(Reg::Rcx, offset.into()));
    }

    /// Stores a register, or zero, to a slot. Cost: seven instructions, three loads that hit.
    pub(super) fn store_slot(&mut self, offset: u16, from: Option<Reg>) {
        self.slot_page(true);
        let slot = Mem::new(Reg::Rcx, offset.into());
        match from {
            Some(from) => self.asm.store(Size::Q, slot, from),
            None => self.asm.store_imm(Size::Q, slot, 0),
        }
        self.asm.load(Size::Q, Reg::Rsi, SLOT_CODE);
        self.asm.alu_mem_imm(Alu::Cmp, Size::B, Mem::new(Reg::Rsi, 0), 0);
        let from = self.asm.jcc_unbound(Cond::Ne);
        self.code_writes.push(CodeWrite { from, first: slot, len: SLOT_BYTES, back: self.asm.offset() });
    }

    /// The guest address of a slot in RCX.
    pub(super) fn slot_address(&mut self, offset: u16) {
        self.asm.load(Size::Q, Reg::Rcx, VNCR);
        self.asm.lea(Size::Q, Reg::Rcx, Mem::new(Reg::Rcx, offset.into()));
    }

    /// The host address of the page in RCX. The instruction has a slow part, for where there is none.
    fn slot_page(&mut self, stores: bool) {
        self.asm.load(Size::Q, Reg::Rcx, if stores { SLOT_STORES } else { SLOT_LOADS });
        self.asm.test(Size::Q, Reg::Rcx, Reg::Rcx);
        self.detour(Cond::E, Detour::SlotPage { stores });
    }

    /// Looks the page up, or goes to `slow`.
    pub(super) fn find_slot_page(&mut self, stores: bool, slow: &mut Label) {
        let stub = self.outside(self.stubs.slot_pages[usize::from(stores)]);
        self.asm.call_offset(stub);
        self.asm.jcc(Cond::Ne, slow);
    }
}
