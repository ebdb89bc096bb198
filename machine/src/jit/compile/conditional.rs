//! Conditional selection and comparison.

use super::Compiler;
use super::flags::{Carry, Flags, saved};
use super::integer::{rd, rm, rn, size_of};
use crate::jit::layout::NZCV;
use crate::jit::x64::{Alu, Cond, Label, Mem, Reg, Size, Unary};
use droste_arch::a64::Group;

impl Compiler<'_> {
    /// CSEL, CSINC, CSINV and CSNEG.
    pub(super) fn select(&mut self, word: u32) -> bool {
        let (size, d, n) = (size_of(word), rd(word), rn(word));
        // Bit 30 inverts and bit 10 increments what is selected where the condition does not hold.
        let (invert, increment) = (word & 1 << 30 != 0, word & 1 << 10 != 0);
        let m = rm(word);
        if n != 31 {
            self.read(n);
        }
        if m != 31 {
            self.read(m);
        }
        let cond = self.condition(word >> 12 & 15);
        let Some(cond) = cond else {
            self.copy(size, Reg::Rax, n);
            self.assign(size, d, Reg::Rax);
            return true;
        };
        // Nothing from here on changes the host's flags.
        if (n, m) == (31, 31) && increment && !invert && d != 31 {
            // CSET.
            self.asm.set(cond.invert(), Reg::Rax);
            let to = self.write(d);
            self.asm.zero_extend(Size::B, to, Reg::Rax);
            return true;
        }
        if !increment && !invert && d != 31 && d != n {
            // CSEL, in place of what is kept where the condition does not hold.
            let taken = self.read_zr(n, Reg::Rcx);
            let to = self.copy_to_result(size, d, m);
            self.asm.cmov(cond, size, to, taken);
            return true;
        }
        if increment && !invert && m != 31 {
            let other = self.read(m);
            self.asm.lea(size, Reg::Rax, Mem::new(other, 1));
        } else {
            self.copy(size, Reg::Rax, m);
            if invert {
                self.asm.unary(Unary::Not, size, Reg::Rax);
            }
            if increment {
                self.asm.lea(size, Reg::Rax, Mem::new(Reg::Rax, 1));
            }
        }
        if d == n && d != 31 {
            // CMOV extends 32 bits whether it moves them or not.
            let to = self.write(d);
            self.asm.cmov(cond.invert(), size, to, Reg::Rax);
            return true;
        }
        let taken = self.read_zr(n, Reg::Rcx);
        self.asm.cmov(cond, size, Reg::Rax, taken);
        self.assign(size, d, Reg::Rax);
        true
    }

    /// CCMP and CCMN.
    pub(super) fn conditional_compare(&mut self, word: u32) -> bool {
        let subtract = word & 1 << 30 != 0;
        let (n, m) = (rn(word), rm(word));
        let immediate = word & 1 << 11 != 0;
        if n != 31 {
            self.read(n);
        }
        if !immediate && m != 31 {
            self.read(m);
        }
        let cond = self.condition(word >> 12 & 15);
        let carry = if subtract { Carry::Inverted } else { Carry::Plain };
        if let Some(cond) = cond
            && word >> 13 & 7 == 1
            && !self.branches_next()
        {
            // A carry is hard to predict.
            self.choose_flags(cond, word, carry);
            return true;
        }
        let (mut other, mut end) = (Label::default(), Label::default());
        if let Some(cond) = cond {
            self.asm.jcc(cond.invert(), &mut other);
        }
        self.compare_integers(word);
        if cond.is_some() {
            self.asm.jmp(&mut end);
            self.asm.bind(&mut other);
            self.set_flags(word & 15, carry);
            self.asm.bind(&mut end);
        }
        self.flags = Flags::Live(carry);
        true
    }

    /// The comparison of CCMP and CCMN. Clobbers RAX and RCX.
    fn compare_integers(&mut self, word: u32) {
        let (size, n, m) = (size_of(word), rn(word), rm(word));
        let subtract = word & 1 << 30 != 0;
        let left = if subtract && n != 31 {
            self.read(n)
        } else {
            self.copy(size, Reg::Rax, n);
            Reg::Rax
        };
        let op = if subtract { Alu::Cmp } else { Alu::Add };
        if word & 1 << 11 != 0 {
            self.asm.alu_imm(op, size, left, i32::from(m));
        } else {
            let right = self.read_zr(m, Reg::Rcx);
            self.asm.alu(op, size, left, right);
        }
    }

    /// Whether the next instruction is a conditional branch, which is predicted anyway.
    fn branches_next(&self) -> bool {
        let next = self.source.ops.get(self.index as usize + 1).and_then(|op| op.encoding);
        next.is_some_and(|encoding| encoding.group() == Group::ControlCondbranch)
    }

    /// CCMP and CCMN without a branch.
    fn choose_flags(&mut self, cond: Cond, word: u32, carry: Carry) {
        self.asm.set(cond, Reg::Rdx);
        self.compare_integers(word);
        self.asm.mov_imm_keep_flags(Reg::Rcx, saved(word & 15, carry));
        self.asm.load_flags();
        self.asm.set(Cond::O, Reg::Rax);
        self.asm.test(Size::B, Reg::Rdx, Reg::Rdx);
        self.asm.cmov(Cond::E, Size::D, Reg::Rax, Reg::Rcx);
        self.asm.store(Size::D, NZCV, Reg::Rax);
        self.flags = Flags::Saved(carry);
    }
}
