//! Scalar arithmetic.

use super::Precision::{self, Double, Single};
use super::{Proof, scalar_precision};
use crate::jit::compile::Compiler;
use crate::jit::compile::detours::Detour;
use crate::jit::compile::simd::{T0, T1, rd, rm, rn};
use crate::jit::constants::Constant;
use crate::jit::x64::{Cond, Vex, Xmm};
use droste_arch::a64::Encoding;

/// Arithmetic on two numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// FNMUL.
    NegatedMultiply,
}

/// What is done with the product and the addend, as the host names it.
const FUSED: [[Vex; 2]; 4] = [
    [Vex::FMADDSS, Vex::FMADDSD],
    [Vex::FNMADDSS, Vex::FNMADDSD],
    [Vex::FNMSUBSS, Vex::FNMSUBSD],
    [Vex::FMSUBSS, Vex::FMSUBSD],
];

impl Compiler<'_> {
    pub(super) fn float_two_sources(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let Some(p) = scalar_precision(w) else { return false };
        let binary = match e {
            E::FADD_S_floatdp2 | E::FADD_D_floatdp2 => Binary::Add,
            E::FSUB_S_floatdp2 | E::FSUB_D_floatdp2 => Binary::Subtract,
            E::FMUL_S_floatdp2 | E::FMUL_D_floatdp2 => Binary::Multiply,
            E::FDIV_S_floatdp2 | E::FDIV_D_floatdp2 => Binary::Divide,
            E::FNMUL_S_floatdp2 | E::FNMUL_D_floatdp2 => Binary::NegatedMultiply,
            E::FMAX_S_floatdp2 | E::FMAX_D_floatdp2 | E::FMAXNM_S_floatdp2 | E::FMAXNM_D_floatdp2 => {
                self.extremum(p, true, w);
                return true;
            }
            E::FMIN_S_floatdp2 | E::FMIN_D_floatdp2 | E::FMINNM_S_floatdp2 | E::FMINNM_D_floatdp2 => {
                self.extremum(p, false, w);
                return true;
            }
            _ => return false,
        };
        self.check_fp();
        let m = self.read_vector(rm(w));
        self.binary(p, binary, m, w);
        true
    }

    /// Vd = Vn and `m`, whose lowest lane counts: a cached register or T3.
    pub(super) fn binary(&mut self, p: Precision, binary: Binary, m: Xmm, w: u32) {
        self.clobber_flags();
        let n = self.read_vector(rn(w));
        self.prepare_vector(rd(w));
        let mut retreat = self.retreat();
        let left = self.narrowed(p, rn(w), n, T1);
        let (op, proof) = match binary {
            Binary::Add => (p.of(Vex::ADDSS, Vex::ADDSD), Proof::Add(n, m)),
            Binary::Subtract => (p.of(Vex::SUBSS, Vex::SUBSD), Proof::Subtract(n, m)),
            Binary::Multiply => (p.of(Vex::MULSS, Vex::MULSD), Proof::Multiply(n, m)),
            Binary::NegatedMultiply => (p.of(Vex::MULSS, Vex::MULSD), Proof::Multiply(n, m)),
            Binary::Divide => (p.of(Vex::DIVSS, Vex::DIVSD), Proof::Divide(n, m)),
        };
        self.asm.vex(op, T0, left, m);
        self.check_careful(p, proof);
        match binary {
            Binary::Add | Binary::Subtract => self.check_finite(p, &mut retreat),
            Binary::Multiply | Binary::NegatedMultiply => self.check_normal(p, [n, m]),
            Binary::Divide => self.check_normal(p, [n, n]),
        }
        let to = self.write_vector(rd(w), p.width());
        if binary == Binary::NegatedMultiply {
            self.negate(p, to, T0);
        } else {
            self.asm.vex_move(to, T0);
        }
        self.rejoin(retreat);
    }

    /// To the handler unless the scalar in T0 is finite and cannot have been tiny.
    fn check_normal(&mut self, p: Precision, operands: [Xmm; 2]) {
        self.test_normal(p);
        self.detour(Cond::Ae, Detour::Zero(p, operands));
    }

    /// `to` = `from`, whose upper lanes are zero, with the sign of the lowest lane inverted.
    fn negate(&mut self, p: Precision, to: Xmm, from: Xmm) {
        let sign = self.constant(p.of(Constant::SignSingle, Constant::SignDouble));
        self.asm.vex(Vex::PXOR, T1, from, sign);
        match p {
            Double => self.asm.vex2(Vex::MOVQ, to, T1),
            Single => self.asm.vex_imm(Vex::INSERTPS, to, T1, T1, 0b1110),
        }
    }

    /// FMIN, FMAX and, since NaNs go to the handler, FMINNM and FMAXNM.
    fn extremum(&mut self, p: Precision, max: bool, w: u32) {
        self.check_fp();
        self.clobber_flags();
        let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        self.prepare_vector(rd(w));
        let mut retreat = self.retreat();
        self.check_mode(&mut retreat);
        self.asm.vex2(p.of(Vex::UCOMISS, Vex::UCOMISD), n, m);
        self.asm.jcc(Cond::P, &mut retreat.entry);
        let op = if max { p.of(Vex::MAXSS, Vex::MAXSD) } else { p.of(Vex::MINSS, Vex::MINSD) };
        let left = self.narrowed(p, rn(w), n, T1);
        self.asm.vex(op, T0, left, m);
        // Equal numbers differ in the sign of zero at most: both signs together give the smaller zero.
        self.detour(Cond::E, if max { Detour::And(n, m) } else { Detour::Or(n, m) });
        self.finish_scalar(rd(w), p.log2(), T0);
        self.rejoin(retreat);
    }

    /// FMADD, FMSUB, FNMADD and FNMSUB.
    pub(super) fn float_three_sources(&mut self, w: u32) -> bool {
        let Some(p) = scalar_precision(w).filter(|_| self.source.host.fma) else { return false };
        // Bit 21 negates the product's sum, bit 15 the product.
        let operation = match (w >> 21 & 1, w >> 15 & 1) {
            (0, 0) => 0,
            (0, _) => 1,
            (_, 0) => 2,
            _ => 3,
        };
        self.check_fp();
        let m = self.read_vector(rm(w));
        self.fused(p, operation, m, (w >> 10 & 31) as u8, w);
        true
    }

    /// Vd = V`a` and the product of Vn and `m`, as a row of [`FUSED`].
    pub(super) fn fused(&mut self, p: Precision, operation: usize, m: Xmm, a: u8, w: u32) {
        self.clobber_flags();
        let (n, addend) = (self.read_vector(rn(w)), self.read_vector(a));
        self.prepare_vector(rd(w));
        let retreat = self.retreat();
        let known = self.narrowed(p, a, addend, T0);
        self.asm.vex_move(T0, known);
        let [single, double] = FUSED[operation];
        self.asm.vex(p.of(single, double), T0, n, m);
        self.check_careful(p, Proof::None);
        self.check_normal(p, [n, m]);
        let to = self.write_vector(rd(w), p.width());
        self.asm.vex_move(to, T0);
        self.rejoin(retreat);
    }

    pub(super) fn float_one_source(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let Some(p) = scalar_precision(w) else { return false };
        match e {
            E::FMOV_S_floatdp1 | E::FMOV_D_floatdp1 => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.finish_scalar(rd(w), p.log2(), n);
            }
            E::FABS_S_floatdp1 | E::FABS_D_floatdp1 => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                let mask = self.constant(p.of(Constant::AbsScalarSingle, Constant::AbsScalarDouble));
                let to = self.write_vector(rd(w), p.width());
                self.asm.vex(Vex::PAND, to, n, mask);
            }
            E::FNEG_S_floatdp1 | E::FNEG_D_floatdp1 => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                let to = self.write_vector(rd(w), p.width());
                self.negate(p, to, n);
            }
            E::FSQRT_S_floatdp1 | E::FSQRT_D_floatdp1 => self.square_root(p, w),
            E::FRINTN_S_floatdp1 | E::FRINTN_D_floatdp1 => self.round(p, 0, false, w),
            E::FRINTM_S_floatdp1 | E::FRINTM_D_floatdp1 => self.round(p, 1, false, w),
            E::FRINTP_S_floatdp1 | E::FRINTP_D_floatdp1 => self.round(p, 2, false, w),
            E::FRINTZ_S_floatdp1 | E::FRINTZ_D_floatdp1 => self.round(p, 3, false, w),
            // The rounding mode of FPCR is to nearest here.
            E::FRINTI_S_floatdp1 | E::FRINTI_D_floatdp1 => self.round(p, 0, false, w),
            E::FRINTX_S_floatdp1 | E::FRINTX_D_floatdp1 => self.round(p, 0, true, w),
            E::FCVT_DS_floatdp1 => self.widen_float(w),
            E::FCVT_SD_floatdp1 => self.narrow_float(w),
            _ => return false,
        }
        true
    }

    /// Only the square root of a number below zero is a NaN; no root is tiny or too large.
    fn square_root(&mut self, p: Precision, w: u32) {
        self.check_fp();
        self.clobber_flags();
        let n = self.read_vector(rn(w));
        self.prepare_vector(rd(w));
        let mut retreat = self.retreat();
        let narrow = self.narrowed(p, rn(w), n, T1);
        self.asm.vex(p.of(Vex::SQRTSS, Vex::SQRTSD), T0, narrow, n);
        self.check_careful(p, Proof::Root(n));
        self.check_number(p, &mut retreat);
        let to = self.write_vector(rd(w), p.width());
        self.asm.vex_move(to, T0);
        self.rejoin(retreat);
    }

    /// FRINT with a rounding mode as the host numbers them; `exact` sets IXC.
    fn round(&mut self, p: Precision, mode: u8, exact: bool, w: u32) {
        self.check_fp();
        self.clobber_flags();
        let n = self.read_vector(rn(w));
        self.prepare_vector(rd(w));
        let mut retreat = self.retreat();
        let narrow = self.narrowed(p, rn(w), n, T1);
        self.asm.vex_imm(p.of(Vex::ROUNDSS, Vex::ROUNDSD), T0, narrow, n, 8 | mode);
        if exact {
            self.check_careful(p, Proof::Same(n));
        } else {
            self.check_mode(&mut retreat);
        }
        self.check_number(p, &mut retreat);
        let to = self.write_vector(rd(w), p.width());
        self.asm.vex_move(to, T0);
        self.rejoin(retreat);
    }

    /// FCVT from single to double precision: exact but for NaNs.
    fn widen_float(&mut self, w: u32) {
        self.check_fp();
        self.clobber_flags();
        let n = self.read_vector(rn(w));
        self.prepare_vector(rd(w));
        let mut retreat = self.retreat();
        self.check_mode(&mut retreat);
        self.asm.vex(Vex::PXOR, T0, T0, T0);
        self.asm.vex(Vex::CVTSS2SD, T0, T0, n);
        self.check_number(Double, &mut retreat);
        let to = self.write_vector(rd(w), Double.width());
        self.asm.vex_move(to, T0);
        self.rejoin(retreat);
    }

    /// FCVT from double to single precision.
    fn narrow_float(&mut self, w: u32) {
        self.check_fp();
        self.clobber_flags();
        let n = self.read_vector(rn(w));
        self.prepare_vector(rd(w));
        let retreat = self.retreat();
        self.asm.vex(Vex::PXOR, T0, T0, T0);
        self.asm.vex(Vex::CVTSD2SS, T0, T0, n);
        self.check_careful(Single, Proof::Narrow(n));
        self.test_normal(Single);
        self.detour(Cond::Ae, Detour::ZeroDouble(n));
        let to = self.write_vector(rd(w), Single.width());
        self.asm.vex_move(to, T0);
        self.rejoin(retreat);
    }
}
