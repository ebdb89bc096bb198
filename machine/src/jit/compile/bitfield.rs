//! Moves of constants and bit fields, reversals and counts.

use super::Compiler;
use super::integer::{bits, rd, rm, rn, size_of};
use crate::jit::layout::PC;
use crate::jit::x64::{Alu, Mem, Reg, Shift, Size};
use droste_arch::a64::Encoding;

impl Compiler<'_> {
    pub(super) fn move_wide(&mut self, word: u32) -> bool {
        let (size, d) = (size_of(word), rd(word));
        let shift = 16 * (word >> 21 & 3);
        let imm = u64::from(word >> 5 & 0xffff) << shift;
        if d == 31 || (size == Size::D && shift > 16) {
            return d == 31 && !(size == Size::D && shift > 16);
        }
        match word >> 29 & 3 {
            0 => {
                let to = self.write(d);
                self.asm.mov_imm_keep_flags(to, if size == Size::Q { !imm } else { !imm & 0xffff_ffff });
            }
            2 => {
                let to = self.write(d);
                self.asm.mov_imm_keep_flags(to, imm);
            }
            _ => {
                self.clobber_flags();
                let to = self.read(d);
                self.wrote(d);
                self.asm.mov_imm(Reg::Rax, !(0xffff << shift));
                self.asm.alu(Alu::And, size, to, Reg::Rax);
                if imm != 0 {
                    self.asm.mov_imm(Reg::Rax, imm);
                    self.asm.alu(Alu::Or, size, to, Reg::Rax);
                }
            }
        }
        true
    }

    pub(super) fn bitfield(&mut self, word: u32) -> bool {
        let (size, d, n) = (size_of(word), rd(word), rn(word));
        if (size == Size::D) == (word & 1 << 22 != 0) || (size == Size::D && word & (1 << 21 | 1 << 15) != 0)
        {
            return false;
        }
        let (imms, immr) = ((word >> 10 & 63) as u8, (word >> 16 & 63) as u8);
        let (width, operation) = (bits(size), word >> 29 & 3);
        let signed = operation == 0;
        let extension = match imms {
            7 => Some(Size::B),
            15 => Some(Size::W),
            31 if size == Size::Q => Some(Size::D),
            _ => None,
        };
        if let (0, Some(from), true) = (immr, extension, operation != 1) {
            let source = self.read_zr(n, Reg::Rax);
            if signed {
                self.asm.sign_extend(from, size, Reg::Rax, source);
            } else {
                self.asm.zero_extend(from, Reg::Rax, source);
            }
            self.assign(size, d, Reg::Rax);
            return true;
        }
        let (left, right) = (width - 1 - imms, immr.wrapping_sub(imms).wrapping_sub(1) & (width - 1));
        if operation != 1 && left | right != 0 && d != 31 && n != 31 && self.keeps_flags() {
            let from = self.read(n);
            let to = self.write(d);
            let (left, right) = ((left != 0).then_some(left), (right != 0).then_some(right));
            if let Some(left) = left {
                self.shift_keeping_flags(Shift::Shl, size, to, from, left);
            }
            if let Some(right) = right {
                let from = if left.is_some() { to } else { from };
                self.shift_keeping_flags(if signed { Shift::Sar } else { Shift::Shr }, size, to, from, right);
            }
            return true;
        }
        self.clobber_flags();
        if operation == 1 {
            self.copy(size, Reg::Rax, n);
            let ones = u64::MAX >> (64 - width);
            let field = (ones << left & ones) >> right;
            if immr != 0 {
                self.asm.shift_imm(Shift::Ror, size, Reg::Rax, immr);
            }
            self.asm.mov_imm(Reg::Rcx, field);
            self.asm.alu(Alu::And, size, Reg::Rax, Reg::Rcx);
            self.asm.mov_imm(Reg::Rcx, !field & ones);
            if d != 31 {
                let to = self.read(d);
                self.wrote(d);
                self.asm.alu(Alu::And, size, to, Reg::Rcx);
                self.asm.alu(Alu::Or, size, to, Reg::Rax);
            }
            return true;
        }
        if left | right == 0 {
            self.copy(size, Reg::Rax, n);
            self.assign(size, d, Reg::Rax);
            return true;
        }
        let to = self.copy_to_result(size, d, n);
        if left != 0 {
            self.asm.shift_imm(Shift::Shl, size, to, left);
        }
        if right != 0 {
            self.asm.shift_imm(if signed { Shift::Sar } else { Shift::Shr }, size, to, right);
        }
        true
    }

    pub(super) fn extract(&mut self, word: u32) -> bool {
        let size = size_of(word);
        let amount = (word >> 10 & 63) as u8;
        if (size == Size::D) == (word & 1 << 22 != 0) || amount >= bits(size) {
            return false;
        }
        let (d, n, m) = (rd(word), rn(word), rm(word));
        if n == m && m != 31 && d != 31 && self.source.host.bmi {
            // ROR.
            let from = self.read(m);
            let to = self.write(d);
            self.asm.rorx(size, to, from, amount);
            return true;
        }
        self.clobber_flags();
        self.copy(size, Reg::Rax, rm(word));
        if amount != 0 {
            let high = self.read_zr(rn(word), Reg::Rcx);
            self.asm.shift_double(true, size, Reg::Rax, high, amount);
        }
        self.assign(size, rd(word), Reg::Rax);
        true
    }

    pub(super) fn pc_relative(&mut self, word: u32) -> bool {
        let d = rd(word);
        let low = i64::from(word >> 29 & 3);
        let offset = i64::from((word << 8).cast_signed() >> 13) << 2 | low;
        if d == 31 {
            return true;
        }
        let here = 4 * i64::from(self.index);
        // Distance from the block's start, whose offset in the page is that of its physical address.
        let delta = if word >> 31 == 0 {
            here + offset
        } else {
            let in_page = (self.source.key.pa() & 0xfff).cast_signed();
            (offset << 12) - in_page
        };
        let to = self.write(d);
        match i32::try_from(delta) {
            Ok(delta) => self.asm.lea(Size::Q, to, Mem::new(PC, delta)),
            Err(_) => {
                self.asm.mov_imm_keep_flags(Reg::Rax, delta.cast_unsigned());
                self.asm.lea(Size::Q, to, Mem::indexed(PC, Reg::Rax, 0, 0));
            }
        }
        true
    }

    /// Reversals and counts.
    pub(super) fn one_source(&mut self, encoding: Encoding, word: u32) -> bool {
        let size = size_of(word);
        match encoding {
            Encoding::CLZ_32_dp_1src | Encoding::CLZ_64_dp_1src => {
                self.clobber_flags();
                let n = self.read_zr(rn(word), Reg::Rax);
                self.asm.lzcnt(size, Reg::Rax, n);
            }
            Encoding::REV_32_dp_1src | Encoding::REV_64_dp_1src => {
                self.copy(size, Reg::Rax, rn(word));
                self.asm.bswap(size, Reg::Rax);
            }
            Encoding::REV32_64_dp_1src => {
                self.clobber_flags();
                self.copy(size, Reg::Rax, rn(word));
                self.asm.bswap(size, Reg::Rax);
                self.asm.shift_imm(Shift::Ror, size, Reg::Rax, 32);
            }
            Encoding::RBIT_32_dp_1src | Encoding::RBIT_64_dp_1src => {
                self.clobber_flags();
                self.copy(size, Reg::Rax, rn(word));
                self.asm.bswap(size, Reg::Rax);
                for (mask, shift) in [(0x0f, 4), (0x33, 2), (0x55, 1)] {
                    let mask = (u64::MAX / 255 * mask) & (u64::MAX >> (64 - bits(size)));
                    self.asm.mov_imm(Reg::Rdx, mask);
                    self.asm.mov(size, Reg::Rcx, Reg::Rax);
                    self.asm.shift_imm(Shift::Shr, size, Reg::Rcx, shift);
                    self.asm.alu(Alu::And, size, Reg::Rcx, Reg::Rdx);
                    self.asm.alu(Alu::And, size, Reg::Rax, Reg::Rdx);
                    self.asm.shift_imm(Shift::Shl, size, Reg::Rax, shift);
                    self.asm.alu(Alu::Or, size, Reg::Rax, Reg::Rcx);
                }
            }
            _ => return false,
        }
        self.assign(size, rd(word), Reg::Rax);
        true
    }
}
