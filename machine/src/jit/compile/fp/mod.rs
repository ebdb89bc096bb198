//! Floating point on the host's FPU, with the results and flags of the architecture.
//!
//! The invariant: generated code never changes MXCSR and never looks at its flags, so Rust code runs under the host's
//! own as everywhere. The host rounds to nearest and flushes nothing, as nearly all guests do; what else the guest may
//! want, or what would set a flag of FPSR, is found by tests and executed by the interpreter's handler out of line:
//!
//! - `Dispatch::fp_careful` says whether FPCR asks for another rounding mode or for flushing, and whether IXC is clear.
//!   It is a byte that Rust code computes on the way into generated code. With IXC set and a plain FPCR an operation
//!   changes no flag and no more than its result, unless
//! - the result is a NaN or infinite (IOC, OFC, DZC, the choice among NaNs, FPCR.DN), or
//! - it may have been tiny before rounding (UFC): the host would see that after rounding only. A sum cannot be: what is
//!   subnormal is exact.
//!
//! An exact operation on integers in floating point is frequent before the first inexact one; while IXC is clear
//! additions, subtractions and products are proved exact out of line before the handler gets them.

mod arith;
mod compare;
mod convert;
mod exact;
mod vector;

use super::simd::T0;
use super::vectors::Width;
use super::{Cache, Compiler, Flags, Slow};
use crate::jit::constants::Constant;
use crate::jit::layout::FP_CAREFUL;
use crate::jit::x64::{Alu, Cond, Label, Reg, Rm, Size, Vex, Xmm};
use droste_arch::a64::{Encoding, Group};

pub(super) use exact::Proof;

/// Bits of `Dispatch::fp_careful`: FPCR asks for what the templates do not do.
const MODE: i32 = 1;

/// Single or double precision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Precision {
    Single,
    Double,
}

use Precision::{Double, Single};

impl Precision {
    /// One of two things.
    pub(super) fn of<T>(self, single: T, double: T) -> T {
        if self == Double { double } else { single }
    }

    fn width(self) -> Width {
        self.of(Width::Single, Width::Double)
    }

    fn size(self) -> Size {
        self.of(Size::D, Size::Q)
    }

    /// log2 of the size in bytes.
    fn log2(self) -> usize {
        self.of(2, 3)
    }
}

/// The precision that the field `ftype` of a scalar instruction gives, if it is single or double.
fn scalar_precision(w: u32) -> Option<Precision> {
    match w >> 22 & 3 {
        0 => Some(Single),
        1 => Some(Double),
        _ => None,
    }
}

/// The part of an instruction that may go to its handler: where from, and what was cached then.
pub(super) struct Retreat {
    entry: Label,
    before: Cache,
    flags: Flags,
}

impl Compiler<'_> {
    /// Emits a floating-point instruction, if it has a template and the host what that needs.
    pub(super) fn float(&mut self, e: Encoding, w: u32) -> bool {
        if !self.source.host.vectors {
            return false;
        }
        match e.group() {
            Group::SimdDpFloatdp1 => self.float_one_source(e, w),
            Group::SimdDpFloatdp2 => self.float_two_sources(e, w),
            Group::SimdDpFloatdp3 => self.float_three_sources(w),
            Group::SimdDpFloatimm => self.float_immediate(w),
            Group::SimdDpFloatcmp => self.float_compare(e, w),
            Group::SimdDpFloatccmp => self.float_conditional_compare(w),
            Group::SimdDpFloatsel => self.float_select(w),
            Group::SimdDpFloat2int => self.float_and_integer(e, w),
            Group::SimdDpAsimdsame => self.float_vectors(e, w),
            Group::SimdDpAsimdmisc => self.float_vector(e, w),
            Group::SimdDpAsimdelem | Group::SimdDpAsisdelem => self.float_by_element(e, w),
            Group::SimdDpAsisdmisc | Group::SimdDpAsisdpair => self.float_scalar_forms(e, w),
            _ => false,
        }
    }

    /// Begins the part of an instruction that can go to the handler: everything that it reads is in registers by now,
    /// its destination is prepared, and the host's flags are free.
    fn retreat(&mut self) -> Retreat {
        debug_assert!(!self.flags.are_live(), "the host's flags are free");
        Retreat { entry: Label::default(), before: self.cache, flags: self.flags }
    }

    /// Ends it: the destination has its value. The handler goes on here.
    fn rejoin(&mut self, retreat: Retreat) {
        self.slow.push(Slow {
            entry: retreat.entry,
            index: self.index,
            before: retreat.before,
            flags: retreat.flags,
            after: self.cache,
            back: self.asm.offset(),
            access: None,
        });
    }

    /// To the handler if FPCR asks for rounding or flushing that the host does not do.
    fn check_mode(&mut self, retreat: &mut Retreat) {
        self.asm.test_mem_imm(Size::B, FP_CAREFUL, MODE);
        self.asm.jcc(Cond::Ne, &mut retreat.entry);
    }

    /// `from` with zeros above its lowest lane: itself if they are known, else a copy in `scratch`.
    fn narrowed(&mut self, p: Precision, r: u8, from: Xmm, scratch: Xmm) -> Xmm {
        let known = self.cache.vectors.width(r);
        if known == Width::Single || known == p.width() {
            return from;
        }
        match p {
            Double => self.asm.vex2(Vex::MOVQ, scratch, from),
            Single => self.asm.vex_imm(Vex::INSERTPS, scratch, from, from, 0b1110),
        }
        scratch
    }

    /// To the handler if the scalar in T0 is a NaN or infinite. Clobbers RAX.
    fn check_finite(&mut self, p: Precision, retreat: &mut Retreat) {
        match p {
            Double => {
                self.asm.vex_extract(Size::W, Reg::Rax, T0, 3);
                self.asm.alu_imm(Alu::And, Size::D, Reg::Rax, 0x7ff0);
                self.asm.alu_imm(Alu::Cmp, Size::D, Reg::Rax, 0x7ff0);
            }
            Single => {
                self.asm.vex_to_reg(Size::D, Reg::Rax, T0);
                self.asm.alu_imm(Alu::And, Size::D, Reg::Rax, 0x7f80_0000);
                self.asm.alu_imm(Alu::Cmp, Size::D, Reg::Rax, 0x7f80_0000);
            }
        }
        self.asm.jcc(Cond::E, &mut retreat.entry);
    }

    /// Sets the host's "above or equal" unless the scalar in T0 is finite and clearly normal. Clobbers RAX.
    fn test_normal(&mut self, p: Precision) {
        match p {
            Double => {
                // Sign, exponent and four bits of fraction.
                self.asm.vex_extract(Size::W, Reg::Rax, T0, 3);
                self.asm.alu_imm(Alu::And, Size::D, Reg::Rax, 0x7fff);
                self.asm.alu_imm(Alu::Sub, Size::D, Reg::Rax, 0x20);
                self.asm.alu_imm(Alu::Cmp, Size::D, Reg::Rax, 0x7ff0 - 0x20);
            }
            Single => {
                self.asm.vex_to_reg(Size::D, Reg::Rax, T0);
                self.asm.alu_imm(Alu::And, Size::D, Reg::Rax, 0x7fff_ffff);
                self.asm.alu_imm(Alu::Sub, Size::D, Reg::Rax, 0x0100_0000);
                self.asm.alu_imm(Alu::Cmp, Size::D, Reg::Rax, 0x7f80_0000 - 0x0100_0000);
            }
        }
    }

    /// To the handler if the scalar in T0 is a NaN.
    fn check_number(&mut self, p: Precision, retreat: &mut Retreat) {
        self.asm.vex2(p.of(Vex::UCOMISS, Vex::UCOMISD), T0, T0);
        self.asm.jcc(Cond::P, &mut retreat.entry);
    }

    /// A constant as an operand.
    pub(super) fn constant(&self, constant: Constant) -> Rm {
        Rm::Code(self.outside(self.stubs.constants + 16 * constant as usize))
    }

    /// FMOV (scalar, immediate).
    fn float_immediate(&mut self, w: u32) -> bool {
        let Some(p) = scalar_precision(w) else { return false };
        let imm8 = w >> 13 & 0xff;
        let value = match p {
            Single => super::simd::expand_single(imm8),
            Double => super::simd::expand_double(imm8),
        };
        self.check_fp();
        self.asm.mov_imm_keep_flags(Reg::Rax, value);
        let to = self.write_vector(super::simd::rd(w), p.width());
        self.asm.vex_from_reg(p.size(), to, Reg::Rax);
        true
    }
}
