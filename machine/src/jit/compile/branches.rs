//! Branches.

use super::{Compiler, SideExit, is_authenticated, is_register_branch};
use crate::jit::layout::{BTYPE, PC, STATE_PC};
use crate::jit::runtime::JUMP;
use crate::jit::stubs::{BranchType, look_up};
use crate::jit::x64::{Alu, Cond, Mem, Reg, Size};

/// The signed field of `width` bits from bit `low` on, times four.
fn offset(word: u32, low: u32, width: u32) -> i64 {
    let field = (word << (32 - low - width)).cast_signed() >> (32 - width);
    i64::from(field) * 4
}

impl Compiler<'_> {
    fn here(&self) -> i64 {
        4 * i64::from(self.index)
    }

    /// B and BL.
    pub(super) fn branch_immediate(&mut self, word: u32) -> bool {
        if word >> 31 != 0 {
            self.link_register();
        }
        self.leave_block(self.index + 1, self.here() + offset(word, 0, 26));
        true
    }

    /// Writes X30.
    fn link_register(&mut self) {
        let lr = self.write(30);
        self.asm.lea(Size::Q, lr, Mem::new(PC, self.here() as i32 + 4));
    }

    fn side_exit(&mut self, cond: Cond, distance: i64) {
        let exit = SideExit {
            from: self.asm.jcc_unbound(cond),
            cache: self.cache,
            flags: self.flags,
            retired: self.index + 1,
            delta: self.here() + distance,
        };
        self.note_jump(exit.delta, &exit.cache);
        self.exits.push(exit);
    }

    /// B.cond.
    pub(super) fn branch_conditional(&mut self, word: u32) -> bool {
        match self.condition(word & 15) {
            Some(cond) => self.side_exit(cond, offset(word, 5, 19)),
            None => {
                // Always: still a conditional branch to the interpreter, whose block goes on after it.
                self.clobber_flags();
                self.asm.alu(Alu::Cmp, Size::D, Reg::Rax, Reg::Rax);
                self.side_exit(Cond::E, offset(word, 5, 19));
            }
        }
        true
    }

    /// CBZ and CBNZ.
    pub(super) fn compare_and_branch(&mut self, word: u32) -> bool {
        self.clobber_flags();
        let size = if word >> 31 != 0 { Size::Q } else { Size::D };
        let reg = self.read_zr((word & 31) as u8, Reg::Rax);
        self.asm.test(size, reg, reg);
        self.side_exit(if word & 1 << 24 != 0 { Cond::Ne } else { Cond::E }, offset(word, 5, 19));
        true
    }

    /// TBZ and TBNZ.
    pub(super) fn test_and_branch(&mut self, word: u32) -> bool {
        self.clobber_flags();
        let bit = (word >> 31 << 5 | word >> 19 & 31) as u8;
        let reg = self.read_zr((word & 31) as u8, Reg::Rax);
        self.asm.bit_test(Size::Q, reg, bit);
        self.side_exit(if word & 1 << 24 != 0 { Cond::B } else { Cond::Ae }, offset(word, 5, 14));
        true
    }

    /// Branches to a register, through the branch cache.
    pub(super) fn branch_register(&mut self, word: u32) -> bool {
        if !is_register_branch(word) {
            return false;
        }
        let target = (word >> 5 & 31) as u8;
        let operation = word >> 21 & 0xf;
        let retired = self.index + 1;
        // Authentication may fail.
        if is_authenticated(word) || target == 31 {
            self.prepare_helper(self.handler_stub(self.index));
            self.asm.alu_imm(Alu::Cmp, Size::D, Reg::Rax, JUMP.cast_signed());
            let failure = self.asm.jcc_unbound(Cond::Ne);
            self.failures.push((failure, retired));
            self.spend(retired);
            self.asm.load(Size::Q, PC, STATE_PC);
            let [leave, branch] = [self.stubs.leave, self.stubs.branch].map(|stub| self.outside(stub));
            self.asm.jcc_offset(Cond::Le, leave);
            self.asm.jmp_offset(branch);
            return true;
        }
        self.copy(Size::Q, Reg::Rcx, target);
        if operation == 1 {
            self.link_register();
        }
        let flags = self.flags;
        self.store_flags(flags);
        self.flush();
        let btype = self.branch_type(operation, target);
        if btype != 0 {
            self.asm.store_imm(Size::B, BTYPE, i32::from(btype));
        }
        self.spend(retired);
        self.asm.mov(Size::Q, PC, Reg::Rcx);
        let [leave, branch] =
            [self.stubs.leave_indirect, self.stubs.branch_indirect].map(|stub| self.outside(stub));
        self.asm.jcc_offset(Cond::Le, leave);
        // What the cache knows is aligned, and canonical even where a top byte would be ignored.
        for miss in look_up(&mut self.asm, BranchType::Known(btype)) {
            self.asm.patch(miss, branch);
        }
        true
    }

    /// PSTATE.BTYPE after BR, BLR and RET (BTypeNext): a BR is marked more strictly in a guarded page, which is part of
    /// the block's key.
    fn branch_type(&self, operation: u32, target: u8) -> u8 {
        match operation {
            _ if !self.source.has_bti => 0,
            0 if self.source.key.is_guarded() && !matches!(target, 16 | 17) => 0b11,
            0 => 0b01,
            1 => 0b10,
            _ => 0,
        }
    }
}
