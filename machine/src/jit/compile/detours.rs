//! Short ways beside a template: what is rare but does not need the interpreter's handler.

use super::fp::{Precision, Proof};
use super::{Compiler, simd};
use crate::jit::layout::FPSR;
use crate::jit::x64::{Alu, Cond, Fixup, Size, Vex, Xmm};

/// What else is out of line: from a jump, and back behind it unless the instruction is one for the handler.
#[derive(Clone, Copy)]
pub(super) enum Detour {
    /// FPSR.QC is set.
    SetQc,
    /// FPCR is not plain, or IXC is clear and the scalar in XMM0 has to be proved exact.
    Careful(Precision, Proof),
    /// The scalar in XMM0 is not clearly normal: it may be the zero that a zero operand gives.
    Zero(Precision, [Xmm; 2]),
    /// The same after a conversion to single precision.
    ZeroDouble(Xmm),
    /// The same for the lanes of vectors that are ones in XMM3, of which those in a mask count.
    Zeros(Precision, [Xmm; 2], i32),
    /// Where VNCR_EL2's page is has to be looked up.
    SlotPage {
        stores: bool,
    },
    /// XMM0 is to be a combination of two registers.
    And(Xmm, Xmm),
    Or(Xmm, Xmm),
}

/// A detour that a block takes.
pub(super) struct Way {
    from: Fixup,
    back: usize,
    /// Number of the instruction's slow part.
    slow: usize,
    detour: Detour,
}

impl Compiler<'_> {
    /// Jumps to a detour, which belongs to the slow part that the instruction will have.
    pub(super) fn detour(&mut self, cond: Cond, detour: Detour) {
        let from = self.asm.jcc_unbound(cond);
        self.ways.push(Way { from, back: self.asm.offset(), slow: self.slow.len(), detour });
    }

    /// Emits the detours, before the slow parts that some of them end in.
    pub(super) fn take_detours(&mut self) {
        let ways = std::mem::take(&mut self.ways);
        for way in &ways {
            let here = self.asm.offset();
            self.asm.patch(way.from, here);
            let mut slow =
                self.slow.get_mut(way.slow).map(|s| std::mem::take(&mut s.entry)).unwrap_or_default();
            match way.detour {
                Detour::SetQc => self.asm.alu_mem_imm(Alu::Or, Size::D, FPSR, 1 << 27),
                Detour::Careful(p, proof) => self.prove(p, proof, &mut slow),
                Detour::Zero(p, operands) => self.accept_zero(p, operands, way.back, &mut slow),
                Detour::ZeroDouble(n) => self.accept_zero_double(n, &mut slow),
                Detour::Zeros(p, operands, lanes) => self.accept_zeros(p, operands, lanes, &mut slow),
                Detour::SlotPage { stores } => self.find_slot_page(stores, &mut slow),
                Detour::And(n, m) => self.asm.vex(Vex::PAND, simd::T0, n, m),
                Detour::Or(n, m) => self.asm.vex(Vex::POR, simd::T0, n, m),
            }
            self.asm.jmp_offset(way.back);
            if let Some(part) = self.slow.get_mut(way.slow) {
                part.entry = slow;
            }
        }
        self.ways = ways;
    }
}
