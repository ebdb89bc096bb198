//! Sums and logical operations.

use super::Compiler;
use super::flags::{Carry, Flags};
use super::registers::SP;
use crate::interp::bitmask;
use crate::jit::x64::{Alu, Mem, Reg, Shift, Size, Unary};

pub(super) fn size_of(word: u32) -> Size {
    if word >> 31 != 0 { Size::Q } else { Size::D }
}

pub(super) fn rd(word: u32) -> u8 {
    (word & 31) as u8
}

pub(super) fn rn(word: u32) -> u8 {
    (word >> 5 & 31) as u8
}

pub(super) fn rm(word: u32) -> u8 {
    (word >> 16 & 31) as u8
}

pub(super) fn bits(size: Size) -> u8 {
    if size == Size::Q { 64 } else { 32 }
}

impl Compiler<'_> {
    /// Copies X`r` or SP to a scratch register.
    fn copy_sp(&mut self, size: Size, to: Reg, r: u8) {
        let from = self.read(r);
        self.asm.mov(size, to, from);
    }

    pub(super) fn add_immediate(&mut self, word: u32) -> bool {
        let (size, d, n) = (size_of(word), rd(word), rn(word));
        let subtract = word & 1 << 30 != 0;
        let imm = ((word >> 10 & 0xfff) << (12 * (word >> 22 & 1))).cast_signed();
        if word & 1 << 29 == 0 {
            let from = self.read(n);
            let sp_checked = self.sp_checked;
            let to = self.write(d);
            self.sp_checked |= sp_checked && (d, n) == (SP, SP) && imm % 16 == 0;
            self.asm.lea(size, to, Mem::new(from, if subtract { -imm } else { imm }));
            return true;
        }
        let op = if subtract { Alu::Sub } else { Alu::Add };
        if d == 31 && subtract {
            let from = self.read(n);
            self.asm.alu_imm(Alu::Cmp, size, from, imm);
        } else if d == n && d != SP {
            let to = self.read(d);
            self.wrote(d);
            self.asm.alu_imm(op, size, to, imm);
        } else if d == 31 {
            self.copy_sp(size, Reg::Rax, n);
            self.asm.alu_imm(op, size, Reg::Rax, imm);
        } else {
            let from = self.read(n);
            let to = self.write(d);
            self.asm.mov(size, to, from);
            self.asm.alu_imm(op, size, to, imm);
        }
        self.flags = Flags::Live(if subtract { Carry::Inverted } else { Carry::Plain });
        true
    }

    /// The shifted Rm in a register: its own or RCX. Changes the host's flags if it shifts.
    fn shifted(&mut self, size: Size, word: u32) -> Reg {
        let (m, amount) = (rm(word), (word >> 10 & 63) as u8);
        if amount == 0 {
            return self.read_zr(m, Reg::Rcx);
        }
        let op = [Shift::Shl, Shift::Shr, Shift::Sar, Shift::Ror][(word >> 22 & 3) as usize];
        if op == Shift::Ror && self.source.host.bmi && m != 31 {
            let from = self.read(m);
            self.asm.rorx(size, Reg::Rcx, from, amount);
            return Reg::Rcx;
        }
        self.copy(size, Reg::Rcx, m);
        self.asm.shift_imm(op, size, Reg::Rcx, amount);
        Reg::Rcx
    }

    /// Shifts by an amount that is not zero and leaves the flags alone. Clobbers RAX.
    pub(super) fn shift_keeping_flags(&mut self, op: Shift, size: Size, to: Reg, from: Reg, amount: u8) {
        self.asm.mov_imm_keep_flags(Reg::Rax, amount.into());
        self.asm.shift_reg(op, size, to, from, Reg::Rax);
    }

    /// Rd = Rn +- Rm, shifted, that leaves the flags alone; Rd is not 31.
    fn add_keeping_flags(&mut self, size: Size, word: u32) {
        let (d, n, m, amount) = (rd(word), rn(word), rm(word), (word >> 10 & 63) as u8);
        let mut operand = self.read_zr(m, Reg::Rcx);
        if amount != 0 {
            let op = [Shift::Shl, Shift::Shr, Shift::Sar][(word >> 22 & 3) as usize];
            self.shift_keeping_flags(op, size, Reg::Rcx, operand, amount);
            operand = Reg::Rcx;
        }
        let left = (n != 31).then(|| self.read(n));
        let subtract = word & 1 << 30 != 0;
        if subtract {
            if operand != Reg::Rcx {
                self.asm.mov(size, Reg::Rcx, operand);
            }
            self.asm.unary(Unary::Not, size, Reg::Rcx);
            operand = Reg::Rcx;
        }
        let to = self.write(d);
        match left {
            Some(left) => self.asm.lea(size, to, Mem::indexed(left, operand, 0, subtract.into())),
            None => self.asm.lea(size, to, Mem::new(operand, subtract.into())),
        }
    }

    pub(super) fn add_shifted(&mut self, word: u32) -> bool {
        let size = size_of(word);
        if word >> 22 & 3 == 3 || (size == Size::D && word & 1 << 15 != 0) {
            return false;
        }
        let (subtract, flags) = (word & 1 << 30 != 0, word & 1 << 29 != 0);
        // The kind and the amount of the shift: what LEA has is LSL by up to three.
        let scale = word >> 10 & 63 | (word >> 22 & 3) << 6;
        let (d, n, m) = (rd(word), rn(word), rm(word));
        if !flags && !subtract && scale <= 3 && n != 31 && m != 31 && d != 31 {
            let (a, b) = (self.read(n), self.read(m));
            let to = self.write(d);
            self.asm.lea(size, to, Mem::indexed(a, b, scale as u8, 0));
            return true;
        }
        if !flags && d != 31 && self.keeps_flags() {
            self.add_keeping_flags(size, word);
            return true;
        }
        if !flags {
            self.clobber_flags();
        }
        let operand = self.shifted(size, word);
        self.add_operand(word, operand, n, false);
        true
    }

    /// Rd = Rn +- `operand`, which is a cached register or RCX.
    fn add_operand(&mut self, word: u32, operand: Reg, n: u8, with_sp: bool) {
        let (size, d) = (size_of(word), rd(word));
        let (subtract, flags) = (word & 1 << 30 != 0, word & 1 << 29 != 0);
        let op = if subtract { Alu::Sub } else { Alu::Add };
        let to_sp = with_sp && !flags;
        if d == 31 && flags && subtract && (n != 31 || with_sp) {
            let left = self.read(n);
            self.asm.alu(Alu::Cmp, size, left, operand);
        } else if (n != 31 || with_sp) && (d != 31 || to_sp) {
            let left = self.read(n);
            self.operate(op, size, d, left, operand);
        } else {
            if with_sp {
                self.copy_sp(size, Reg::Rax, n);
            } else {
                self.copy(size, Reg::Rax, n);
            }
            self.asm.alu(op, size, Reg::Rax, operand);
            self.assign(size, d, Reg::Rax);
        }
        if flags {
            self.flags = Flags::Live(if subtract { Carry::Inverted } else { Carry::Plain });
        }
    }

    pub(super) fn add_extended(&mut self, word: u32) -> bool {
        let amount = (word >> 10 & 7) as u8;
        if amount > 4 || word >> 22 & 3 != 0 {
            return false;
        }
        if word & 1 << 29 == 0 {
            self.clobber_flags();
        }
        let m = self.read_zr(rm(word), Reg::Rcx);
        self.extend(Reg::Rcx, m, word >> 13 & 7);
        if amount != 0 {
            self.asm.shift_imm(Shift::Shl, Size::Q, Reg::Rcx, amount);
        }
        self.add_operand(word, Reg::Rcx, rn(word), true);
        true
    }

    /// ExtendReg without the shift.
    fn extend(&mut self, to: Reg, from: Reg, option: u32) {
        match option {
            0 => self.asm.zero_extend(Size::B, to, from),
            1 => self.asm.zero_extend(Size::W, to, from),
            2 => self.asm.mov(Size::D, to, from),
            4 => self.asm.sign_extend(Size::B, Size::Q, to, from),
            5 => self.asm.sign_extend(Size::W, Size::Q, to, from),
            6 => self.asm.sign_extend(Size::D, Size::Q, to, from),
            _ => self.asm.mov(Size::Q, to, from),
        }
    }

    pub(super) fn add_carry(&mut self, word: u32) -> bool {
        let size = size_of(word);
        let (subtract, flags) = (word & 1 << 30 != 0, word & 1 << 29 != 0);
        if !flags {
            self.clobber_flags();
        }
        let m = self.read_zr(rm(word), Reg::Rcx);
        let carry = if subtract { Carry::Inverted } else { Carry::Plain };
        self.load_carry(carry);
        self.operate_zr(if subtract { Alu::Sbb } else { Alu::Adc }, size, rd(word), rn(word), m);
        if flags {
            self.flags = Flags::Live(carry);
        }
        true
    }

    pub(super) fn logical_immediate(&mut self, word: u32) -> bool {
        let Some(mask) = bitmask(word) else { return false };
        let (size, d, n) = (size_of(word), rd(word), rn(word));
        let mask = if size == Size::Q { mask } else { mask & 0xffff_ffff };
        let operation = word >> 29 & 3;
        if operation == 1 && n == 31 {
            let to = self.write(d);
            self.asm.mov_imm_keep_flags(to, mask);
            return true;
        }
        if operation != 3 {
            self.clobber_flags();
        }
        // 31 is SP as the result of what sets no flags.
        let to = match (d == SP && operation != 3, d == 31 && operation == 3) {
            (false, false) => self.copy_to_result(size, d, n),
            _ => {
                self.copy(size, Reg::Rax, n);
                Reg::Rax
            }
        };
        let op = [Alu::And, Alu::Or, Alu::Xor, Alu::And][operation as usize];
        let short = if size == Size::Q {
            i32::try_from(mask.cast_signed()).ok()
        } else {
            Some((mask as u32).cast_signed())
        };
        match short {
            Some(imm) => self.asm.alu_imm(op, size, to, imm),
            None => {
                self.asm.mov_imm_keep_flags(Reg::Rcx, mask);
                self.asm.alu(op, size, to, Reg::Rcx);
            }
        }
        if operation == 3 {
            self.flags = Flags::Live(Carry::Plain);
        } else if d == SP {
            let sp = self.write(d);
            self.asm.mov(size, sp, to);
        }
        true
    }

    pub(super) fn logical_shifted(&mut self, word: u32) -> bool {
        let size = size_of(word);
        if size == Size::D && word & 1 << 15 != 0 {
            return false;
        }
        let (d, n, m) = (rd(word), rn(word), rm(word));
        let (operation, invert) = (word >> 29 & 3, word & 1 << 21 != 0);
        let no_shift = word >> 10 & 63 == 0;
        if operation == 1 && n == 31 && no_shift {
            // MOV and MVN.
            if invert {
                let to = self.copy_to_result(size, d, m);
                self.asm.unary(Unary::Not, size, to);
            } else {
                let from = self.read_zr(m, Reg::Rcx);
                self.assign(size, d, from);
            }
            return true;
        }
        if operation != 3 {
            self.clobber_flags();
        }
        let mut operand = self.shifted(size, word);
        if invert && matches!(operation, 0 | 3) && d != 31 && n != 31 && self.source.host.bmi {
            let left = self.read(n);
            let to = self.write(d);
            self.asm.andn(size, to, operand, left);
            if operation == 3 {
                self.flags = Flags::Live(Carry::Plain);
            }
            return true;
        }
        if invert {
            self.asm.mov(size, Reg::Rcx, operand);
            self.asm.unary(Unary::Not, size, Reg::Rcx);
            operand = Reg::Rcx;
        }
        let op = [Alu::And, Alu::Or, Alu::Xor, Alu::And][operation as usize];
        if operation == 3 && d == 31 && n != 31 {
            let left = self.read(n);
            self.asm.test(size, left, operand);
        } else {
            self.operate_zr(op, size, d, n, operand);
        }
        if operation == 3 {
            self.flags = Flags::Live(Carry::Plain);
        }
        true
    }
}
