//! Out of line: proofs that an operation was exact, for as long as IXC is clear, and that a zero is no tiny result.

use super::Precision::{self, Double, Single};
use super::{Compiler, MODE};
use crate::jit::compile::detours::Detour;
use crate::jit::compile::simd::{T0, T1, T2, T3};
use crate::jit::constants::Constant;
use crate::jit::layout::FP_CAREFUL;
use crate::jit::x64::{Alu, Cond, Label, Reg, Size, Vex, Xmm};

/// What shows that the scalar in T0 is the exact result.
#[derive(Clone, Copy)]
pub(in crate::jit::compile) enum Proof {
    /// The rounding error of the sum of two numbers, which is itself a number.
    Add(Xmm, Xmm),
    Subtract(Xmm, Xmm),
    /// The product again, in a wider format or with one rounding of the difference.
    Multiply(Xmm, Xmm),
    /// The quotient times the divisor.
    Divide(Xmm, Xmm),
    /// The square of the root.
    Root(Xmm),
    /// The result of a conversion to single precision, converted back.
    Narrow(Xmm),
    /// The same of a conversion of an integer.
    FromInteger(Size, Reg),
    /// The same of one to the integer in RAX.
    ToInteger(Size, Xmm),
    /// The operand, which is unchanged.
    Same(Xmm),
    /// Nothing.
    None,
}

/// Exponents above this one, in the sixteen top bits of a double, leave room for a product's error.
const ROOMY: i32 = 0x0800;

impl Compiler<'_> {
    /// To the handler if FPCR is not plain, or if IXC is clear and `proof` fails.
    pub(super) fn check_careful(&mut self, p: Precision, proof: Proof) {
        self.asm.alu_mem_imm(Alu::Cmp, Size::B, FP_CAREFUL, 0);
        self.detour(Cond::Ne, Detour::Careful(p, proof));
    }

    /// Emits what `check_careful` jumps to. Goes to `slow` or on.
    pub(in crate::jit::compile) fn prove(&mut self, p: Precision, proof: Proof, slow: &mut Label) {
        self.asm.test_mem_imm(FP_CAREFUL, MODE);
        self.asm.jcc(Cond::Ne, slow);
        let (add, sub) = (p.of(Vex::ADDSS, Vex::ADDSD), p.of(Vex::SUBSS, Vex::SUBSD));
        let compare = p.of(Vex::UCOMISS, Vex::UCOMISD);
        match proof {
            Proof::Add(n, m) => {
                self.asm.vex(sub, T1, T0, n);
                self.asm.vex(sub, T2, T0, T1);
                self.asm.vex(sub, T2, n, T2);
                self.asm.vex(sub, T1, m, T1);
                self.asm.vex(add, T1, T1, T2);
                self.asm.vex(Vex::PXOR, T2, T2, T2);
                self.asm.vex2(compare, T1, T2);
            }
            Proof::Subtract(n, m) => {
                self.asm.vex(sub, T1, T0, n);
                self.asm.vex(sub, T2, T0, T1);
                self.asm.vex(sub, T2, n, T2);
                self.asm.vex(add, T1, m, T1);
                self.asm.vex(sub, T1, T2, T1);
                self.asm.vex(Vex::PXOR, T2, T2, T2);
                self.asm.vex2(compare, T1, T2);
            }
            Proof::Multiply(n, m) => self.prove_product(p, (n, m), T0, slow),
            Proof::Divide(n, m) => self.prove_product(p, (T0, m), n, slow),
            Proof::Root(n) => self.prove_product(p, (T0, T0), n, slow),
            Proof::Narrow(n) => {
                self.asm.vex(Vex::CVTSS2SD, T1, T0, T0);
                self.asm.vex2(Vex::UCOMISD, T1, n);
            }
            Proof::FromInteger(size, reg) => {
                self.asm.vex_to_int(p.size(), size, Reg::Rax, T0);
                self.asm.alu(Alu::Cmp, size, Reg::Rax, reg);
                self.asm.jcc(Cond::Ne, slow);
                return;
            }
            Proof::ToInteger(size, n) => {
                self.asm.vex(Vex::PXOR, T1, T1, T1);
                self.asm.vex_from_int(size, p.size(), T1, T1, Reg::Rax);
                self.asm.vex2(compare, T1, n);
            }
            Proof::Same(n) => self.asm.vex2(compare, T0, n),
            Proof::None => {
                self.asm.jmp(slow);
                return;
            }
        }
        self.asm.jcc(Cond::Ne, slow);
        self.asm.jcc(Cond::P, slow);
    }

    /// Compares the product of two numbers with a third one, which is it but for rounding.
    fn prove_product(&mut self, p: Precision, (a, b): (Xmm, Xmm), product: Xmm, slow: &mut Label) {
        match p {
            Single => {
                // Exact in double precision.
                self.asm.vex(Vex::CVTSS2SD, T1, a, a);
                self.asm.vex(Vex::CVTSS2SD, T2, b, b);
                self.asm.vex(Vex::MULSD, T1, T1, T2);
                self.asm.vex(Vex::CVTSS2SD, T2, product, product);
                self.asm.vex2(Vex::UCOMISD, T1, T2);
            }
            Double if !self.source.host.fma => self.asm.jmp(slow),
            Double => {
                // The error of a product near the smallest numbers may itself be rounded away.
                self.asm.vex_extract(Size::W, Reg::Rax, product, 3);
                self.asm.alu_imm(Alu::And, Size::D, Reg::Rax, 0x7ff0);
                self.asm.alu_imm(Alu::Cmp, Size::D, Reg::Rax, ROOMY);
                self.asm.jcc(Cond::B, slow);
                self.asm.vex_move(T1, product);
                self.asm.vex(Vex::FMSUBSD, T1, a, b);
                self.asm.vex(Vex::PXOR, T2, T2, T2);
                self.asm.vex2(Vex::UCOMISD, T1, T2);
            }
        }
    }

    /// Emits what follows a result in T0 that is not clearly normal: on to `back` if it is the zero that a zero operand
    /// gives, else to `slow`.
    pub(in crate::jit::compile) fn accept_zero(
        &mut self,
        p: Precision,
        operands: [Xmm; 2],
        back: usize,
        slow: &mut Label,
    ) {
        let compare = p.of(Vex::UCOMISS, Vex::UCOMISD);
        self.asm.vex(Vex::PXOR, T1, T1, T1);
        self.asm.vex2(compare, T0, T1);
        self.asm.jcc(Cond::Ne, slow);
        self.asm.jcc(Cond::P, slow);
        // No operand is a NaN then.
        for operand in operands {
            self.asm.vex2(compare, operand, T1);
            self.asm.jcc_offset(Cond::E, back);
        }
        self.asm.jmp(slow);
    }

    /// The same for a zero of single precision that double precision gives. Goes to `slow` or on.
    pub(in crate::jit::compile) fn accept_zero_double(&mut self, n: Xmm, slow: &mut Label) {
        self.asm.vex(Vex::PXOR, T1, T1, T1);
        for (op, value) in [(Vex::UCOMISS, T0), (Vex::UCOMISD, n)] {
            self.asm.vex2(op, value, T1);
            self.asm.jcc(Cond::Ne, slow);
            self.asm.jcc(Cond::P, slow);
        }
    }

    /// The same for vectors, whose lanes that are not clearly normal are ones in T3. Goes to `slow` or on.
    pub(in crate::jit::compile) fn accept_zeros(
        &mut self,
        p: Precision,
        operands: [Xmm; 2],
        lanes: i32,
        slow: &mut Label,
    ) {
        let magnitude = self.constant(p.of(Constant::AbsSingle, Constant::AbsDouble));
        self.asm.vex2(Vex::MOVAPS, T1, magnitude);
        // The second operand may be T2.
        self.asm.vex(Vex::PAND, T2, T1, operands[1]);
        self.asm.vex(Vex::PAND, T1, T1, operands[0]);
        self.asm.vex(p.of(Vex::MINPS, Vex::MINPD), T1, T1, T2);
        let magnitude = self.constant(p.of(Constant::AbsSingle, Constant::AbsDouble));
        self.asm.vex(Vex::PAND, T2, T0, magnitude);
        self.asm.vex(Vex::POR, T1, T1, T2);
        self.asm.vex(Vex::PXOR, T2, T2, T2);
        // Ones where the result and the smaller operand are zero.
        self.asm.vex(p.of(Vex::PCMPEQD, Vex::PCMPEQQ), T1, T1, T2);
        self.asm.vex(Vex::PANDN, T3, T1, T3);
        self.asm.vex_sign_mask(p == Double, Reg::Rax, T3);
        self.asm.test_imm(Size::D, Reg::Rax, lanes);
        self.asm.jcc(Cond::Ne, slow);
    }
}
