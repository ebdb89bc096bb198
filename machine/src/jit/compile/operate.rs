//! Operations of three registers on a host that has two: in place of the result where that is possible, and by way of
//! RAX where it would overwrite an operand.

use super::Compiler;
use crate::jit::x64::{Alu, Reg, Size};

impl Compiler<'_> {
    /// Rd = `left` `op` `operand`, both in registers of the cache or, the latter, in RCX. Leaves the flags of the operation.
    /// Cost: one instruction where Rd is `left`, else two, or three where it is the operand of what does not commute.
    pub(super) fn operate(&mut self, op: Alu, size: Size, d: u8, left: Reg, operand: Reg) {
        let to = self.write(d);
        if to == left {
            return self.asm.alu(op, size, to, operand);
        }
        let commutes = !matches!(op, Alu::Sub | Alu::Sbb);
        match to == operand {
            true if commutes => self.asm.alu(op, size, to, left),
            true => {
                self.asm.mov(size, Reg::Rax, left);
                self.asm.alu(op, size, Reg::Rax, operand);
                self.asm.mov(size, to, Reg::Rax);
            }
            false => {
                self.asm.mov(size, to, left);
                self.asm.alu(op, size, to, operand);
            }
        }
    }

    /// The same where 31 is zero, as `n` and as `d`.
    pub(super) fn operate_zr(&mut self, op: Alu, size: Size, d: u8, n: u8, operand: Reg) {
        if d != 31 && n != 31 {
            let left = self.read(n);
            return self.operate(op, size, d, left, operand);
        }
        self.copy(size, Reg::Rax, n);
        self.asm.alu(op, size, Reg::Rax, operand);
        self.assign(size, d, Reg::Rax);
    }

    /// X`n` in the register of X`d`, to be worked on there with an instruction of this size; 31 is zero, and as `d` RAX.
    pub(super) fn copy_to_result(&mut self, size: Size, d: u8, n: u8) -> Reg {
        if d == 31 {
            self.copy(size, Reg::Rax, n);
            return Reg::Rax;
        }
        let from = (n != 31).then(|| self.read(n));
        let to = self.write(d);
        match from {
            Some(from) if from == to => {}
            Some(from) => self.asm.mov(size, to, from),
            None => self.asm.mov_imm_keep_flags(to, 0),
        }
        to
    }
}
