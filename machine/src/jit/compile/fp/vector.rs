//! Vector forms, by element forms, and the scalar forms of the AdvSIMD groups.

use super::Precision::{self, Double, Single};
use super::arith::Binary;
use super::{Proof, Retreat};
use crate::jit::compile::Compiler;
use crate::jit::compile::detours::Detour;
use crate::jit::compile::simd::{T0, T1, T2, T3, q, rd, rm, rn};
use crate::jit::compile::vectors::Width;
use crate::jit::constants::Constant;
use crate::jit::x64::{Cond, Reg, Size, Vex, VexShift, Xmm};
use droste_arch::a64::{Encoding, Group};

/// Single and double forms of an instruction.
type Pair = [Vex; 2];

const ADD: Pair = [Vex::ADDPS, Vex::ADDPD];
const SUB: Pair = [Vex::SUBPS, Vex::SUBPD];
const MUL: Pair = [Vex::MULPS, Vex::MULPD];
const DIV: Pair = [Vex::DIVPS, Vex::DIVPD];
const COMPARE: Pair = [Vex::CMPPS, Vex::CMPPD];

/// Predicates of the host's comparisons: ordered, and quiet or not, which nobody sees.
const EQUAL: u8 = 0;
const LESS: u8 = 1;
const LESS_EQUAL: u8 = 2;
const UNORDERED: u8 = 3;

fn at(pair: &Pair, p: Precision) -> Vex {
    pair[usize::from(p == Double)]
}

/// The precision that `sz` gives.
fn precision(w: u32) -> Precision {
    if w >> 22 & 1 != 0 { Double } else { Single }
}

/// Whether the arrangement `sz:Q` exists; 1D does not.
fn arranged(w: u32) -> bool {
    precision(w) == Single || q(w)
}

/// The lanes that count, as bits.
fn lanes(w: u32) -> i32 {
    match (precision(w), q(w)) {
        (Single, true) => 15,
        _ => 3,
    }
}

impl Compiler<'_> {
    /// Two vectors of the same arrangement.
    pub(super) fn float_vectors(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        if !arranged(w) {
            return false;
        }
        match e {
            E::FADD_asimdsame_only => self.vector_arithmetic(&ADD, rm(w), w),
            E::FSUB_asimdsame_only => self.vector_arithmetic(&SUB, rm(w), w),
            E::FMUL_asimdsame_only => self.vector_arithmetic(&MUL, rm(w), w),
            E::FDIV_asimdsame_only => self.vector_arithmetic(&DIV, rm(w), w),
            E::FADDP_asimdsame_only => self.vector_add_pairs(w),
            E::FMLA_asimdsame_only | E::FMLS_asimdsame_only if self.source.host.fma => {
                self.check_fp();
                let m = self.read_vector(rm(w));
                self.vector_fused(e == E::FMLS_asimdsame_only, m, w);
            }
            E::FCMEQ_asimdsame_only => self.vector_compare(EQUAL, false, w),
            E::FCMGE_asimdsame_only => self.vector_compare(LESS_EQUAL, true, w),
            E::FCMGT_asimdsame_only => self.vector_compare(LESS, true, w),
            E::FMAX_asimdsame_only | E::FMAXNM_asimdsame_only => self.vector_extremum(true, w),
            E::FMIN_asimdsame_only | E::FMINNM_asimdsame_only => self.vector_extremum(false, w),
            _ => return false,
        }
        true
    }

    /// An operand of which only the lanes that count are used: the others as zero in `scratch`, if there are any.
    fn counted(&mut self, r: u8, from: Xmm, scratch: Xmm, w: u32) -> Xmm {
        if q(w) || self.cache.vectors.width(r) != Width::Full {
            return from;
        }
        self.asm.vex2(Vex::MOVQ, scratch, from);
        scratch
    }

    /// Writes T0, whose upper half is zero if the vector is short.
    fn finish_vector(&mut self, retreat: Retreat, w: u32) {
        let to = self.write_vector(rd(w), if q(w) { Width::Full } else { Width::Double });
        self.asm.vex_move(to, T0);
        self.rejoin(retreat);
    }

    fn vector_arithmetic(&mut self, op: &Pair, m: u8, w: u32) {
        self.check_fp();
        let second = self.read_vector(m);
        let right = self.counted(m, second, T2, w);
        self.vector_operation(op, right, w);
    }

    /// Vd = Vn and `m`, whose lanes that do not count are zero.
    fn vector_operation(&mut self, op: &Pair, m: Xmm, w: u32) {
        let p = precision(w);
        self.clobber_flags();
        let n = self.read_vector(rn(w));
        self.prepare_vector(rd(w));
        let mut retreat = self.retreat();
        let left = self.counted(rn(w), n, T1, w);
        self.asm.vex(at(op, p), T0, left, m);
        if op == &DIV && !q(w) {
            // Zero by zero in the lanes that do not count.
            self.asm.vex2(Vex::MOVQ, T0, T0);
        }
        self.check_careful(p, Proof::None);
        if op == &ADD || op == &SUB {
            self.check_vector_finite(p, &mut retreat);
        } else {
            self.check_vector_normal(p, if op == &DIV { None } else { Some([n, m]) }, &mut retreat, w);
        }
        self.finish_vector(retreat, w);
    }

    /// To the handler if a lane of T0 is a NaN or infinite. Clobbers T3.
    fn check_vector_finite(&mut self, p: Precision, retreat: &mut Retreat) {
        let name = p.of(Constant::ExponentSingle, Constant::ExponentDouble);
        let field = self.constant(name);
        self.asm.vex(Vex::PAND, T3, T0, field);
        let field = self.constant(name);
        self.asm.vex(p.of(Vex::PCMPEQD, Vex::PCMPEQQ), T3, T3, field);
        self.asm.vex2(Vex::PTEST, T3, T3);
        self.asm.jcc(Cond::Ne, &mut retreat.entry);
    }

    /// To the handler unless the lanes of T0 that count are finite and cannot have been tiny. With the operands of a
    /// product, zeros that they explain are accepted. Clobbers T3 and RAX; T2 may hold an operand.
    fn check_vector_normal(
        &mut self,
        p: Precision,
        operands: Option<[Xmm; 2]>,
        retreat: &mut Retreat,
        w: u32,
    ) {
        let magnitude = self.constant(p.of(Constant::AbsSingle, Constant::AbsDouble));
        self.asm.vex(Vex::PAND, T3, T0, magnitude);
        let bias = self.constant(p.of(Constant::RangeAddSingle, Constant::RangeAddDouble));
        self.asm.vex(p.of(Vex::PADDD, Vex::PADDQ), T3, T3, bias);
        let limit = self.constant(p.of(Constant::RangeLimitSingle, Constant::RangeLimitDouble));
        self.asm.vex(p.of(Vex::PCMPGTD, Vex::PCMPGTQ), T3, T3, limit);
        self.asm.vex_sign_mask(p == Double, Reg::Rax, T3);
        self.asm.test_imm(Size::D, Reg::Rax, lanes(w));
        match operands {
            Some(operands) => self.detour(Cond::Ne, Detour::Zeros(p, operands, lanes(w))),
            None => self.asm.jcc(Cond::Ne, &mut retreat.entry),
        }
    }

    fn vector_add_pairs(&mut self, w: u32) {
        let p = precision(w);
        self.check_fp();
        self.clobber_flags();
        let (mut n, mut m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        self.prepare_vector(rd(w));
        let mut retreat = self.retreat();
        if !q(w) {
            self.asm.vex(Vex::PUNPCKLQDQ, T2, n, m);
            (n, m) = (T2, T2);
        }
        self.unzip(0, p.log2(), T0, T3, n, m);
        self.unzip(1, p.log2(), T1, T3, n, m);
        if !q(w) {
            self.asm.vex2(Vex::MOVQ, T0, T0);
            self.asm.vex2(Vex::MOVQ, T1, T1);
        }
        self.asm.vex(at(&ADD, p), T0, T0, T1);
        self.check_careful(p, Proof::None);
        self.check_vector_finite(p, &mut retreat);
        self.finish_vector(retreat, w);
    }

    /// FMLA and FMLS.
    fn vector_fused(&mut self, subtract: bool, m: Xmm, w: u32) {
        let p = precision(w);
        self.clobber_flags();
        let (n, d) = (self.read_vector(rn(w)), self.read_vector(rd(w)));
        let mut retreat = self.retreat();
        self.asm.vex_move(T0, d);
        let op = if subtract { [Vex::FNMADDS, Vex::FNMADDD] } else { [Vex::FMADDS, Vex::FMADDD] };
        self.asm.vex(at(&op, p), T0, n, m);
        self.check_careful(p, Proof::None);
        self.check_vector_normal(p, Some([n, m]), &mut retreat, w);
        if !q(w) {
            self.asm.vex2(Vex::MOVQ, T0, T0);
        }
        self.finish_vector(retreat, w);
    }

    /// FCMEQ, FCMGE and FCMGT; NaNs go to the handler, which knows which of them raise IOC.
    fn vector_compare(&mut self, predicate: u8, swapped: bool, w: u32) {
        let p = precision(w);
        self.check_fp();
        self.clobber_flags();
        let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        self.prepare_vector(rd(w));
        let mut retreat = self.retreat();
        self.check_mode(&mut retreat);
        self.check_ordered(p, n, m, &mut retreat, w);
        let (a, b) = if swapped { (m, n) } else { (n, m) };
        self.asm.vex_imm(at(&COMPARE, p), T0, a, b, predicate);
        if !q(w) {
            self.asm.vex2(Vex::MOVQ, T0, T0);
        }
        self.finish_vector(retreat, w);
    }

    /// To the handler if a lane that counts has a NaN operand. Clobbers T3 and RAX.
    fn check_ordered(&mut self, p: Precision, n: Xmm, m: Xmm, retreat: &mut Retreat, w: u32) {
        self.asm.vex_imm(at(&COMPARE, p), T3, n, m, UNORDERED);
        self.asm.vex_sign_mask(p == Double, Reg::Rax, T3);
        self.asm.test_imm(Size::D, Reg::Rax, lanes(w));
        self.asm.jcc(Cond::Ne, &mut retreat.entry);
    }

    fn vector_extremum(&mut self, max: bool, w: u32) {
        let p = precision(w);
        self.check_fp();
        self.clobber_flags();
        let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        self.prepare_vector(rd(w));
        let mut retreat = self.retreat();
        self.check_mode(&mut retreat);
        self.check_ordered(p, n, m, &mut retreat, w);
        // Equal numbers differ in the sign of zero at most: both signs together give the smaller zero.
        self.asm.vex_imm(at(&COMPARE, p), T1, n, m, EQUAL);
        self.asm.vex(if max { Vex::PAND } else { Vex::POR }, T2, n, m);
        let op = if max { [Vex::MAXPS, Vex::MAXPD] } else { [Vex::MINPS, Vex::MINPD] };
        self.asm.vex(at(&op, p), T0, n, m);
        self.asm.vex(Vex::PAND, T2, T1, T2);
        self.asm.vex(Vex::PANDN, T0, T1, T0);
        self.asm.vex(Vex::POR, T0, T0, T2);
        if !q(w) {
            self.asm.vex2(Vex::MOVQ, T0, T0);
        }
        self.finish_vector(retreat, w);
    }

    /// One vector.
    pub(super) fn float_vector(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let p = precision(w);
        if !arranged(w) {
            return false;
        }
        match e {
            E::FABS_asimdmisc_R | E::FNEG_asimdmisc_R => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                let (op, name) = if e == E::FABS_asimdmisc_R {
                    (Vex::PAND, p.of(Constant::AbsSingle, Constant::AbsDouble))
                } else {
                    (Vex::PXOR, p.of(Constant::SignSingle, Constant::SignDouble))
                };
                let operand = self.constant(name);
                if q(w) {
                    let to = self.write_vector(rd(w), Width::Full);
                    self.asm.vex(op, to, n, operand);
                } else {
                    self.asm.vex(op, T0, n, operand);
                    self.finish_scalar(rd(w), 3, T0);
                }
            }
            E::FSQRT_asimdmisc_R => {
                self.check_fp();
                self.clobber_flags();
                let n = self.read_vector(rn(w));
                self.prepare_vector(rd(w));
                let mut retreat = self.retreat();
                let n = self.counted(rn(w), n, T1, w);
                self.asm.vex2(p.of(Vex::SQRTPS, Vex::SQRTPD), T0, n);
                self.check_careful(p, Proof::None);
                self.check_ordered(p, T0, T0, &mut retreat, w);
                self.finish_vector(retreat, w);
            }
            E::FRINTN_asimdmisc_R => self.vector_round(0, w),
            E::FRINTM_asimdmisc_R => self.vector_round(1, w),
            E::FRINTP_asimdmisc_R => self.vector_round(2, w),
            E::FRINTZ_asimdmisc_R => self.vector_round(3, w),
            E::SCVTF_asimdmisc_R if p == Single => {
                self.check_fp();
                self.clobber_flags();
                let n = self.read_vector(rn(w));
                self.prepare_vector(rd(w));
                let retreat = self.retreat();
                let n = self.counted(rn(w), n, T1, w);
                self.asm.vex2(Vex::CVTDQ2PS, T0, n);
                self.check_careful(p, Proof::None);
                self.finish_vector(retreat, w);
            }
            E::FCVTZS_asimdmisc_R if p == Single => {
                self.check_fp();
                self.clobber_flags();
                let n = self.read_vector(rn(w));
                self.prepare_vector(rd(w));
                let mut retreat = self.retreat();
                let n = self.counted(rn(w), n, T1, w);
                self.asm.vex2(Vex::CVTTPS2DQ, T0, n);
                self.check_careful(p, Proof::None);
                // Out of range and NaN give the smallest integer.
                let smallest = self.constant(Constant::SignSingle);
                self.asm.vex(Vex::PCMPEQD, T3, T0, smallest);
                self.asm.vex2(Vex::PTEST, T3, T3);
                self.asm.jcc(Cond::Ne, &mut retreat.entry);
                self.finish_vector(retreat, w);
            }
            _ => return false,
        }
        true
    }

    fn vector_round(&mut self, mode: u8, w: u32) {
        let p = precision(w);
        self.check_fp();
        self.clobber_flags();
        let n = self.read_vector(rn(w));
        self.prepare_vector(rd(w));
        let mut retreat = self.retreat();
        self.check_mode(&mut retreat);
        let n = self.counted(rn(w), n, T1, w);
        self.asm.vex2_imm(p.of(Vex::ROUNDPS, Vex::ROUNDPD), T0, n, 8 | mode);
        self.check_ordered(p, T0, T0, &mut retreat, w);
        self.finish_vector(retreat, w);
    }

    /// FMUL, FMLA and FMLS by element, on vectors and scalars.
    pub(super) fn float_by_element(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let p = precision(w);
        let bit = |n: u32| (w >> n & 1) as u8;
        let index = match (p, bit(21)) {
            (Single, l) => bit(11) << 1 | l,
            (Double, 0) => bit(11),
            (Double, _) => return false,
        };
        let scalar = e.group() == Group::SimdDpAsisdelem;
        let is_fused = match e {
            E::FMUL_asimdelem_R_SD | E::FMUL_asisdelem_R_SD => false,
            E::FMLA_asimdelem_R_SD
            | E::FMLS_asimdelem_R_SD
            | E::FMLA_asisdelem_R_SD
            | E::FMLS_asisdelem_R_SD
                if self.source.host.fma =>
            {
                true
            }
            _ => return false,
        };
        let subtract = matches!(e, E::FMLS_asimdelem_R_SD | E::FMLS_asisdelem_R_SD);
        if !scalar && !arranged(w) {
            return false;
        }
        self.check_fp();
        let m = self.read_vector(rm(w));
        self.splat_element(if scalar { T3 } else { T2 }, p.log2(), m, index);
        match (scalar, is_fused) {
            (true, true) => self.fused(p, usize::from(subtract), T3, rd(w), w),
            (true, false) => self.binary(p, Binary::Multiply, T3, w),
            (false, true) => self.vector_fused(subtract, T2, w),
            (false, false) => {
                if !q(w) {
                    self.asm.vex2(Vex::MOVQ, T2, T2);
                }
                self.vector_operation(&MUL, T2, w);
            }
        }
        true
    }

    /// Scalar forms of the AdvSIMD groups.
    pub(super) fn float_scalar_forms(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let p = precision(w);
        match e {
            E::SCVTF_asisdmisc_R => self.convert_scalar(p, false, w),
            E::UCVTF_asisdmisc_R => self.convert_scalar(p, true, w),
            E::FCVTZS_asisdmisc_R => return self.scalar_to_integer(p, false, w),
            E::FADDP_asisdpair_only_SD => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.asm.vex_shift(VexShift::PSRLDQ, T3, n, 1 << p.log2());
                self.binary(p, Binary::Add, T3, w);
            }
            _ => return false,
        }
        true
    }
}
