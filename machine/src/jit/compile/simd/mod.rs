//! AdvSIMD instructions on integers and bits, and the cryptographic ones: one file per kind of data movement.
//!
//! They cannot fault once FP is known not to trap, and need neither flags nor rounding, so a template is a few host
//! instructions between cached registers. XMM0 to XMM3 are scratch. Reserved field values go to the handler, which
//! knows that they are UNDEFINED.

mod across;
mod copy;
mod crypto;
mod long;
mod misc;
mod permute;
mod same;
mod shift;

pub(super) use copy::{expand_double, expand_single};

use super::vectors::Width;
use super::{Cache, Compiler, Slow};
use crate::jit::layout::FP_TRAPS;
use crate::jit::x64::{Alu, Assembler, Cond, Label, Size, Vex, VexShift, Xmm};
use droste_arch::a64::{Encoding, Group};

pub(super) const T0: Xmm = Xmm(0);
pub(super) const T1: Xmm = Xmm(1);
pub(super) const T2: Xmm = Xmm(2);
pub(super) const T3: Xmm = Xmm(3);

/// Instructions by log2 of the lane size in bytes.
const ADD: [Vex; 4] = [Vex::PADDB, Vex::PADDW, Vex::PADDD, Vex::PADDQ];
const SUB: [Vex; 4] = [Vex::PSUBB, Vex::PSUBW, Vex::PSUBD, Vex::PSUBQ];
const EQUAL: [Vex; 4] = [Vex::PCMPEQB, Vex::PCMPEQW, Vex::PCMPEQD, Vex::PCMPEQQ];
const GREATER: [Vex; 4] = [Vex::PCMPGTB, Vex::PCMPGTW, Vex::PCMPGTD, Vex::PCMPGTQ];
const SIGNED_MAX: [Vex; 3] = [Vex::PMAXSB, Vex::PMAXSW, Vex::PMAXSD];
const SIGNED_MIN: [Vex; 3] = [Vex::PMINSB, Vex::PMINSW, Vex::PMINSD];
const UNSIGNED_MAX: [Vex; 3] = [Vex::PMAXUB, Vex::PMAXUW, Vex::PMAXUD];
const UNSIGNED_MIN: [Vex; 3] = [Vex::PMINUB, Vex::PMINUW, Vex::PMINUD];
/// Shifts by log2 of the lane size, which is not 0.
const SHIFT_LEFT: [VexShift; 4] = [VexShift::PSLLW, VexShift::PSLLW, VexShift::PSLLD, VexShift::PSLLQ];
const SHIFT_RIGHT: [VexShift; 4] = [VexShift::PSRLW, VexShift::PSRLW, VexShift::PSRLD, VexShift::PSRLQ];

pub(super) fn rd(w: u32) -> u8 {
    (w & 31) as u8
}

pub(super) fn rn(w: u32) -> u8 {
    (w >> 5 & 31) as u8
}

pub(super) fn rm(w: u32) -> u8 {
    (w >> 16 & 31) as u8
}

/// Whether the vector is 128 bits long, or a long or narrow form uses the upper half.
pub(super) fn q(w: u32) -> bool {
    w >> 30 & 1 != 0
}

/// log2 of the lane size in bytes.
fn size(w: u32) -> usize {
    (w >> 22 & 3) as usize
}

impl Compiler<'_> {
    /// Emits an AdvSIMD instruction on integers, if it has a template and the host what that needs.
    pub(super) fn simd(&mut self, e: Encoding, w: u32) -> bool {
        if !self.source.host.vectors {
            return false;
        }
        match e.group() {
            Group::SimdDpAsimdsame | Group::SimdDpAsisdsame => self.three_same(e, w),
            Group::SimdDpAsimdmisc | Group::SimdDpAsisdmisc => self.two_register_miscellaneous(e, w),
            Group::SimdDpAsimdshf | Group::SimdDpAsisdshf => self.shift_by_immediate(e, w),
            Group::SimdDpAsimdperm | Group::SimdDpAsimdext | Group::SimdDpAsimdtbl => self.permute(e, w),
            Group::SimdDpAsimdins | Group::SimdDpAsisdone => self.copy_elements(e, w),
            Group::SimdDpAsimdimm => self.modified_immediate(e, w),
            Group::SimdDpAsimdall | Group::SimdDpAsisdpair => self.across_lanes(e, w),
            Group::SimdDpAsimddiff => self.three_different(e, w),
            Group::SimdDpAsimdelem => self.by_element(e, w),
            Group::SimdDpCryptoaes
            | Group::SimdDpCryptosha2
            | Group::SimdDpCryptosha3
            | Group::SimdDpCrypto4 => self.cryptography(e, w),
            _ => false,
        }
    }

    /// Leaves to the handler if FP and AdvSIMD instructions trap, unless that is known already.
    pub(super) fn check_fp(&mut self) {
        if self.fp_checked {
            return;
        }
        self.clobber_flags();
        let mut entry = Label::default();
        self.asm.alu_mem_imm(Alu::Cmp, Size::B, FP_TRAPS, 0);
        self.asm.jcc(Cond::Ne, &mut entry);
        // The handler raises the exception, so nothing comes back.
        self.slow.push(Slow {
            entry,
            index: self.index,
            before: self.cache,
            flags: self.flags,
            after: Cache::default(),
            back: self.asm.offset(),
        });
        self.fp_checked = true;
    }

    /// Writes a vector of 64 or 128 bits, as the bit Q says. `last` is one instruction that writes the register it gets
    /// and reads others first.
    fn finish(&mut self, w: u32, last: impl FnOnce(&mut Assembler<'_>, Xmm)) {
        if q(w) {
            self.finish_full(rd(w), last);
        } else {
            last(&mut self.asm, T0);
            self.finish_scalar(rd(w), 3, T0);
        }
    }

    /// Writes a whole register by one instruction.
    fn finish_full(&mut self, d: u8, last: impl FnOnce(&mut Assembler<'_>, Xmm)) {
        let to = self.write_vector(d, Width::Full);
        last(&mut self.asm, to);
    }

    /// Writes the lowest lane of `8 << size` bits, and zeros above.
    pub(super) fn finish_scalar(&mut self, d: u8, size: usize, from: Xmm) {
        let to = self.write_vector(d, if size == 3 { Width::Double } else { Width::Single });
        match size {
            3 => self.asm.vex2(Vex::MOVQ, to, from),
            2 => self.asm.vex_imm(Vex::INSERTPS, to, from, from, 0b1110),
            _ => {
                let part = [Size::B, Size::W][size];
                self.asm.vex_extract(part, super::Reg::Rax, from, 0);
                self.asm.vex_from_reg(Size::D, to, super::Reg::Rax);
            }
        }
    }

    /// Writes the low half of `from` to the upper half of Vd (the `2` forms), or to the lower with zeros above.
    fn finish_half(&mut self, w: u32, from: Xmm) {
        if q(w) {
            let d = self.read_vector(rd(w));
            self.finish_full(rd(w), |asm, to| asm.vex(Vex::PUNPCKLQDQ, to, d, from));
        } else {
            self.finish_scalar(rd(w), 3, from);
        }
    }

    /// Inverts `to`; clobbers `scratch`.
    fn invert(&mut self, to: Xmm, scratch: Xmm) {
        self.asm.vex(Vex::PCMPEQD, scratch, scratch, scratch);
        self.asm.vex(Vex::PXOR, to, to, scratch);
    }

    /// Clears the upper half of lanes of `16 << size` bits.
    fn clear_upper_halves(&mut self, size: usize, to: Xmm, from: Xmm) {
        let by = 8 << size;
        self.asm.vex_shift(SHIFT_LEFT[size + 1], to, from, by);
        self.asm.vex_shift(SHIFT_RIGHT[size + 1], to, to, by);
    }

    /// Narrows lanes of `16 << size` bits, whose upper halves are clear, into the lower half of `to`.
    fn pack(&mut self, size: usize, to: Xmm, from: Xmm) {
        match size {
            0 => self.asm.vex(Vex::PACKUSWB, to, from, from),
            1 => self.asm.vex(Vex::PACKUSDW, to, from, from),
            _ => self.asm.vex2_imm(Vex::PSHUFD, to, from, 0b00_00_10_00),
        }
    }

    /// Widens the lower or upper half of `from`, which is not `to`, from lanes of `8 << size` bits.
    fn widen(&mut self, signed: bool, size: usize, upper: bool, to: Xmm, from: Xmm) {
        let op = match (signed, size) {
            (true, 0) => Vex::PMOVSXBW,
            (true, 1) => Vex::PMOVSXWD,
            (true, _) => Vex::PMOVSXDQ,
            (false, 0) => Vex::PMOVZXBW,
            (false, 1) => Vex::PMOVZXWD,
            (false, _) => Vex::PMOVZXDQ,
        };
        if upper {
            self.asm.vex_shift(VexShift::PSRLDQ, to, from, 8);
            self.asm.vex2(op, to, to);
        } else {
            self.asm.vex2(op, to, from);
        }
    }
}
