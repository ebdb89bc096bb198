//! Multiplication, division and variable shifts.

use super::Compiler;
use super::integer::{rd, rm, rn, size_of};
use crate::jit::x64::{Alu, Cond, Label, Mem, Reg, Shift, Size, Unary};
use droste_arch::a64::Encoding;

impl Compiler<'_> {
    pub(super) fn multiply(&mut self, encoding: Encoding, word: u32) -> bool {
        let ra = (word >> 10 & 31) as u8;
        let subtract = word & 1 << 15 != 0;
        let size = size_of(word);
        match encoding {
            Encoding::MADD_32A_dp_3src
            | Encoding::MSUB_32A_dp_3src
            | Encoding::MADD_64A_dp_3src
            | Encoding::MSUB_64A_dp_3src => {
                if ra == 31 && !subtract && !self.keeps_flags() {
                    self.product(size, word);
                    return true;
                }
                self.multiply_to_rax(size, word, subtract);
            }
            Encoding::SMADDL_64WA_dp_3src
            | Encoding::SMSUBL_64WA_dp_3src
            | Encoding::UMADDL_64WA_dp_3src
            | Encoding::UMSUBL_64WA_dp_3src => {
                let signed = word & 1 << 23 == 0;
                let keeps = !subtract && self.keeps_flags();
                if !keeps {
                    self.clobber_flags();
                }
                for (to, from) in [(Reg::Rdx, rn(word)), (Reg::Rcx, rm(word))] {
                    match (signed, from) {
                        (true, 0..31) => {
                            let from = self.read(from);
                            self.asm.sign_extend(Size::D, Size::Q, to, from);
                        }
                        _ => self.copy(Size::D, to, from),
                    }
                }
                if keeps {
                    self.asm.mulx(Reg::Rdx, Reg::Rax, Reg::Rcx);
                } else {
                    self.asm.mov(Size::Q, Reg::Rax, Reg::Rdx);
                    self.asm.imul(Size::Q, Reg::Rax, Reg::Rcx);
                }
            }
            Encoding::UMULH_64_dp_3src if self.source.host.bmi => {
                self.copy(Size::Q, Reg::Rdx, rn(word));
                let m = self.read_zr(rm(word), Reg::Rcx);
                let high = if rd(word) == 31 { Reg::Rdx } else { self.write(rd(word)) };
                self.asm.mulx(high, Reg::Rax, m);
                return true;
            }
            Encoding::SMULH_64_dp_3src | Encoding::UMULH_64_dp_3src => {
                self.clobber_flags();
                self.copy(Size::Q, Reg::Rax, rn(word));
                let m = self.read_zr(rm(word), Reg::Rcx);
                let op = if word & 1 << 23 == 0 { Unary::Imul } else { Unary::Mul };
                self.asm.unary(op, Size::Q, m);
                self.assign(Size::Q, rd(word), Reg::Rdx);
                return true;
            }
            _ => return false,
        }
        if subtract {
            self.copy(size, Reg::Rcx, ra);
            self.asm.alu(Alu::Sub, size, Reg::Rcx, Reg::Rax);
            self.assign(size, rd(word), Reg::Rcx);
        } else {
            match (ra, rd(word)) {
                (_, 31) => {}
                (31, d) => self.assign(size, d, Reg::Rax),
                (_, d) => {
                    let addend = self.read(ra);
                    let to = self.write(d);
                    self.asm.lea(size, to, Mem::indexed(Reg::Rax, addend, 0, 0));
                }
            }
        }
        true
    }

    /// Rd = Rn * Rm.
    fn product(&mut self, size: Size, word: u32) {
        self.clobber_flags();
        let (d, n, m) = (rd(word), rn(word), rm(word));
        let (n, m) = if d == m { (m, n) } else { (n, m) };
        let factor = self.read_zr(m, Reg::Rcx);
        let to = self.copy_to_result(size, d, n);
        self.asm.imul(size, to, factor);
    }

    /// RAX = Rn * Rm, by an instruction that leaves the flags alone where what follows does, too.
    fn multiply_to_rax(&mut self, size: Size, word: u32, subtract: bool) {
        if !subtract && self.keeps_flags() {
            self.copy(Size::Q, Reg::Rdx, rn(word));
            let m = self.read_zr(rm(word), Reg::Rcx);
            self.asm.mulx(Reg::Rdx, Reg::Rax, m);
            return;
        }
        self.clobber_flags();
        self.copy(size, Reg::Rax, rn(word));
        let m = self.read_zr(rm(word), Reg::Rcx);
        self.asm.imul(size, Reg::Rax, m);
    }

    /// CRC32C of 1 to 8 bytes; the host's instruction has the same polynomial and order of bits.
    fn checksum(&mut self, bytes: Size, word: u32) -> bool {
        if !self.source.host.crc32 {
            return false;
        }
        self.copy(Size::D, Reg::Rax, rn(word));
        let data = self.read_zr(rm(word), Reg::Rcx);
        self.asm.crc32(bytes, Reg::Rax, data);
        self.assign(Size::D, rd(word), Reg::Rax);
        true
    }

    pub(super) fn two_sources(&mut self, encoding: Encoding, word: u32) -> bool {
        let size = size_of(word);
        let shift = match encoding {
            Encoding::LSLV_32_dp_2src | Encoding::LSLV_64_dp_2src => Shift::Shl,
            Encoding::LSRV_32_dp_2src | Encoding::LSRV_64_dp_2src => Shift::Shr,
            Encoding::ASRV_32_dp_2src | Encoding::ASRV_64_dp_2src => Shift::Sar,
            Encoding::RORV_32_dp_2src | Encoding::RORV_64_dp_2src => Shift::Ror,
            Encoding::UDIV_32_dp_2src | Encoding::UDIV_64_dp_2src => return self.divide(size, false, word),
            Encoding::SDIV_32_dp_2src | Encoding::SDIV_64_dp_2src => return self.divide(size, true, word),
            Encoding::CRC32CB_32C_dp_2src => return self.checksum(Size::B, word),
            Encoding::CRC32CH_32C_dp_2src => return self.checksum(Size::W, word),
            Encoding::CRC32CW_32C_dp_2src => return self.checksum(Size::D, word),
            Encoding::CRC32CX_64C_dp_2src => return self.checksum(Size::Q, word),
            _ => return false,
        };
        self.clobber_flags();
        self.copy(size, Reg::Rax, rn(word));
        self.copy(size, Reg::Rcx, rm(word));
        self.asm.shift_cl(shift, size, Reg::Rax);
        self.assign(size, rd(word), Reg::Rax);
        true
    }

    /// Division by zero gives zero, and the minimum by -1 itself; the host traps both.
    fn divide(&mut self, size: Size, signed: bool, word: u32) -> bool {
        self.clobber_flags();
        self.copy(size, Reg::Rax, rn(word));
        self.copy(size, Reg::Rcx, rm(word));
        let (mut zero, mut minus_one, mut end) = (Label::default(), Label::default(), Label::default());
        self.asm.test(size, Reg::Rcx, Reg::Rcx);
        self.asm.jcc(Cond::E, &mut zero);
        if signed {
            self.asm.alu_imm(Alu::Cmp, size, Reg::Rcx, -1);
            self.asm.jcc(Cond::E, &mut minus_one);
            self.asm.sign_to_rdx(size);
            self.asm.unary(Unary::Idiv, size, Reg::Rcx);
        } else {
            self.asm.mov_imm(Reg::Rdx, 0);
            self.asm.unary(Unary::Div, size, Reg::Rcx);
        }
        self.asm.jmp(&mut end);
        self.asm.bind(&mut zero);
        self.asm.mov_imm(Reg::Rax, 0);
        if signed {
            self.asm.bind(&mut minus_one);
            // Also of zero, where it changes nothing.
            self.asm.unary(Unary::Neg, size, Reg::Rax);
        }
        self.asm.bind(&mut end);
        self.assign(size, rd(word), Reg::Rax);
        true
    }
}
