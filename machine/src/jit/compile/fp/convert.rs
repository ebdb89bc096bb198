//! Between floating point and integers, and between the register files.

use super::{Precision, Proof, scalar_precision};
use crate::jit::compile::Compiler;
use crate::jit::compile::simd::{T0, T1, rd, rn};
use crate::jit::compile::vectors::Width;
use crate::jit::x64::{Alu, Cond, Reg, Size, Vex};
use droste_arch::a64::Encoding;

/// Rounding modes as the host numbers them.
const NEAREST: u8 = 0;
const DOWN: u8 = 1;
const UP: u8 = 2;
const ZERO: u8 = 3;

impl Compiler<'_> {
    pub(super) fn float_and_integer(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let integer = if w >> 31 != 0 { Size::Q } else { Size::D };
        match e {
            E::FMOV_32S_float2int | E::FMOV_64D_float2int => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                if rd(w) != 31 {
                    let to = self.write(rd(w));
                    self.asm.vex_to_reg(integer, to, n);
                }
                return true;
            }
            E::FMOV_64VX_float2int => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                if rd(w) != 31 {
                    let to = self.write(rd(w));
                    self.asm.vex_extract(Size::Q, to, n, 1);
                }
                return true;
            }
            E::FMOV_S32_float2int | E::FMOV_D64_float2int => {
                self.check_fp();
                let n = self.read_zr(rn(w), Reg::Rax);
                let width = if integer == Size::Q { Width::Double } else { Width::Single };
                let to = self.write_vector(rd(w), width);
                self.asm.vex_from_reg(integer, to, n);
                return true;
            }
            E::FMOV_V64I_float2int => {
                self.check_fp();
                let n = self.read_zr(rn(w), Reg::Rax);
                let d = self.read_vector(rd(w));
                self.wrote_vector(rd(w), Width::Full);
                self.asm.vex_insert(Size::Q, d, d, n, 1);
                return true;
            }
            _ => {}
        }
        let Some(p) = scalar_precision(w) else { return false };
        // Bits 20:19 are rmode, 18:16 opcode.
        match (w >> 19 & 3, w >> 16 & 7) {
            (0, 2) => self.convert_integer(p, integer, false, w),
            (0, 3) => self.convert_integer(p, integer, true, w),
            (0, 0) => self.float_to_integer(p, integer, false, NEAREST, w),
            (0, 1) => self.float_to_integer(p, integer, true, NEAREST, w),
            (1, 0) => self.float_to_integer(p, integer, false, UP, w),
            (1, 1) => self.float_to_integer(p, integer, true, UP, w),
            (2, 0) => self.float_to_integer(p, integer, false, DOWN, w),
            (2, 1) => self.float_to_integer(p, integer, true, DOWN, w),
            (3, 0) => self.float_to_integer(p, integer, false, ZERO, w),
            (3, 1) => self.float_to_integer(p, integer, true, ZERO, w),
            _ => return false,
        }
        true
    }

    /// SCVTF and UCVTF.
    fn convert_integer(&mut self, p: Precision, integer: Size, unsigned: bool, w: u32) {
        self.check_fp();
        self.clobber_flags();
        let n = self.read_zr(rn(w), Reg::Rcx);
        self.convert_register(p, integer, unsigned, n, w);
    }

    /// Vd from a general register, of which 32 or 64 bits count. Clobbers RAX and RCX.
    fn convert_register(&mut self, p: Precision, integer: Size, unsigned: bool, n: Reg, w: u32) {
        self.prepare_vector(rd(w));
        let mut retreat = self.retreat();
        let (mut from, mut n) = (integer, n);
        if unsigned && integer == Size::D {
            // As a signed number of 64 bits.
            self.asm.mov(Size::D, Reg::Rcx, n);
            (from, n) = (Size::Q, Reg::Rcx);
        } else if unsigned {
            self.asm.test(Size::Q, n, n);
            self.asm.jcc(Cond::S, &mut retreat.entry);
        }
        self.asm.vex(Vex::PXOR, T0, T0, T0);
        self.asm.vex_from_int(from, p.size(), T0, T0, n);
        if p == Precision::Single || integer == Size::Q {
            self.check_careful(p, Proof::FromInteger(from, n));
        }
        let to = self.write_vector(rd(w), p.width());
        self.asm.vex_move(to, T0);
        self.rejoin(retreat);
    }

    /// FCVT to an integer, with a rounding mode.
    fn float_to_integer(&mut self, p: Precision, integer: Size, unsigned: bool, mode: u8, w: u32) {
        self.check_fp();
        self.clobber_flags();
        let n = self.read_vector(rn(w));
        if rd(w) != 31 {
            self.prepare(rd(w));
        }
        let mut retreat = self.retreat();
        let mut from = n;
        if mode != ZERO {
            self.asm.vex_imm(p.of(Vex::ROUNDSS, Vex::ROUNDSD), T1, n, n, 8 | mode);
            from = T1;
        }
        let wide = if unsigned { Size::Q } else { integer };
        self.asm.vex_to_int(p.size(), wide, Reg::Rax, from);
        self.check_careful(p, Proof::ToInteger(wide, n));
        // Out of range and NaN give the smallest integer.
        match (unsigned, integer) {
            (false, _) => {
                self.asm.alu_imm(Alu::Cmp, integer, Reg::Rax, 1);
                self.asm.jcc(Cond::O, &mut retreat.entry);
            }
            (true, Size::D) => {
                self.asm.mov(Size::D, Reg::Rcx, Reg::Rax);
                self.asm.alu(Alu::Cmp, Size::Q, Reg::Rcx, Reg::Rax);
                self.asm.jcc(Cond::Ne, &mut retreat.entry);
            }
            (true, _) => {
                self.asm.test(Size::Q, Reg::Rax, Reg::Rax);
                self.asm.jcc(Cond::S, &mut retreat.entry);
            }
        }
        self.assign(integer, rd(w), Reg::Rax);
        self.rejoin(retreat);
    }

    /// SCVTF and UCVTF of a scalar in a vector register.
    pub(super) fn convert_scalar(&mut self, p: Precision, unsigned: bool, w: u32) {
        self.check_fp();
        self.clobber_flags();
        let n = self.read_vector(rn(w));
        self.asm.vex_to_reg(p.size(), Reg::Rcx, n);
        self.convert_register(p, p.size(), unsigned, Reg::Rcx, w);
    }

    /// FCVTZS and FCVTZU of a scalar to a vector register.
    pub(super) fn scalar_to_integer(&mut self, p: Precision, unsigned: bool, w: u32) -> bool {
        if unsigned {
            return false;
        }
        self.check_fp();
        self.clobber_flags();
        let n = self.read_vector(rn(w));
        self.prepare_vector(rd(w));
        let mut retreat = self.retreat();
        self.asm.vex_to_int(p.size(), p.size(), Reg::Rax, n);
        self.check_careful(p, Proof::ToInteger(p.size(), n));
        self.asm.alu_imm(Alu::Cmp, p.size(), Reg::Rax, 1);
        self.asm.jcc(Cond::O, &mut retreat.entry);
        let to = self.write_vector(rd(w), p.width());
        self.asm.vex_from_reg(p.size(), to, Reg::Rax);
        self.rejoin(retreat);
        true
    }
}
