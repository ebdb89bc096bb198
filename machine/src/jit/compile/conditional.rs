//! Conditional selection and comparison.

use super::Compiler;
use super::flags::{Carry, Flags};
use super::integer::{rd, rm, rn, size_of};
use crate::jit::x64::{Alu, Label, Mem, Reg, Unary};

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
        let size = size_of(word);
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
        let (mut other, mut end) = (Label::default(), Label::default());
        if let Some(cond) = cond {
            self.asm.jcc(cond.invert(), &mut other);
        }
        self.copy(size, Reg::Rax, n);
        let op = if subtract { Alu::Cmp } else { Alu::Add };
        if immediate {
            self.asm.alu_imm(op, size, Reg::Rax, i32::from(m));
        } else {
            let right = self.read_zr(m, Reg::Rcx);
            self.asm.alu(op, size, Reg::Rax, right);
        }
        if cond.is_some() {
            self.asm.jmp(&mut end);
            self.asm.bind(&mut other);
            self.set_flags(word & 15, carry);
            self.asm.bind(&mut end);
        }
        self.flags = Flags::Live(carry);
        true
    }
}
