//! AdvSIMD three different (long, wide and narrowing forms), and vector by element, integer.

use super::{ADD, SHIFT_RIGHT, SIGNED_MAX, SIGNED_MIN, SUB, T0, T1, T2, q, rd, rm, rn, size};
use crate::jit::compile::Compiler;
use crate::jit::x64::Vex;
use droste_arch::a64::Encoding;

/// What is done to widened lanes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wide {
    Add,
    Subtract,
    Multiply,
    Difference,
}

impl Compiler<'_> {
    pub(super) fn three_different(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        use Wide::{Add, Difference, Multiply, Subtract};
        let size = size(w);
        let (signed, wide, then) = match e {
            E::PMULL_asimddiff_L => return self.polynomial_multiply(w),
            E::SADDW_asimddiff_W | E::UADDW_asimddiff_W | E::SSUBW_asimddiff_W | E::USUBW_asimddiff_W => {
                return self.add_wide(e, w);
            }
            E::ADDHN_asimddiff_N | E::SUBHN_asimddiff_N => return self.high_half(e, w),
            E::SADDL_asimddiff_L => (true, Add, None),
            E::UADDL_asimddiff_L => (false, Add, None),
            E::SSUBL_asimddiff_L => (true, Subtract, None),
            E::USUBL_asimddiff_L => (false, Subtract, None),
            E::SMULL_asimddiff_L => (true, Multiply, None),
            E::UMULL_asimddiff_L => (false, Multiply, None),
            E::SMLAL_asimddiff_L => (true, Multiply, Some(&ADD)),
            E::UMLAL_asimddiff_L => (false, Multiply, Some(&ADD)),
            E::SMLSL_asimddiff_L => (true, Multiply, Some(&SUB)),
            E::UMLSL_asimddiff_L => (false, Multiply, Some(&SUB)),
            E::SABDL_asimddiff_L => (true, Difference, None),
            E::UABDL_asimddiff_L => (false, Difference, None),
            E::SABAL_asimddiff_L => (true, Difference, Some(&ADD)),
            E::UABAL_asimddiff_L => (false, Difference, Some(&ADD)),
            _ => return false,
        };
        if size == 3 || (wide == Difference && size == 2) {
            return false;
        }
        self.check_fp();
        let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        self.widen(signed, size, q(w), T0, n);
        self.widen(signed, size, q(w), T1, m);
        self.widened(signed, wide, size + 1);
        self.finish_long(then, size + 1, w);
        true
    }

    /// T0 = an operation on T0 and T1, whose lanes were widened to `8 << size` bits. Clobbers T1 and T2.
    fn widened(&mut self, signed: bool, wide: Wide, size: usize) {
        match wide {
            Wide::Add => self.asm.vex(ADD[size], T0, T0, T1),
            Wide::Subtract => self.asm.vex(SUB[size], T0, T0, T1),
            Wide::Multiply => {
                let doubles = if signed { Vex::PMULDQ } else { Vex::PMULUDQ };
                self.asm.vex([Vex::PMULLW, Vex::PMULLW, Vex::PMULLD, doubles][size], T0, T0, T1);
            }
            Wide::Difference => {
                // Widened lanes are in the order of signed numbers either way.
                self.asm.vex(SIGNED_MAX[size], T2, T0, T1);
                self.asm.vex(SIGNED_MIN[size], T1, T0, T1);
                self.asm.vex(SUB[size], T0, T2, T1);
            }
        }
    }

    /// Writes T0, or what it makes of Vd.
    fn finish_long(&mut self, then: Option<&[Vex; 4]>, size: usize, w: u32) {
        match then {
            None => self.finish_full(rd(w), |asm, to| asm.vex_move(to, T0)),
            Some(list) => {
                let d = self.read_vector(rd(w));
                self.finish_full(rd(w), |asm, to| asm.vex(list[size], to, d, T0));
            }
        }
    }

    fn add_wide(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let size = size(w);
        if size == 3 {
            return false;
        }
        self.check_fp();
        let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        let signed = matches!(e, E::SADDW_asimddiff_W | E::SSUBW_asimddiff_W);
        self.widen(signed, size, q(w), T1, m);
        let add = matches!(e, E::SADDW_asimddiff_W | E::UADDW_asimddiff_W);
        let op = if add { ADD } else { SUB }[size + 1];
        self.finish_full(rd(w), |asm, to| asm.vex(op, to, n, T1));
        true
    }

    /// ADDHN and SUBHN.
    fn high_half(&mut self, e: Encoding, w: u32) -> bool {
        let size = size(w);
        if size == 3 {
            return false;
        }
        self.check_fp();
        let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        let op = if e == Encoding::ADDHN_asimddiff_N { ADD } else { SUB }[size + 1];
        self.asm.vex(op, T0, n, m);
        self.asm.vex_shift(SHIFT_RIGHT[size + 1], T0, T0, 8 << size);
        self.pack(size, T0, T0);
        self.finish_half(w, T0);
        true
    }

    /// PMULL of doublewords.
    fn polynomial_multiply(&mut self, w: u32) -> bool {
        if size(w) != 3 || !self.source.host.carryless || !self.source.has_pmull {
            return false;
        }
        self.check_fp();
        let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        let halves = if q(w) { 0x11 } else { 0 };
        self.finish_full(rd(w), |asm, to| asm.vex_imm(Vex::PCLMULQDQ, to, n, m, halves));
        true
    }

    /// Integer instructions of a vector and an element.
    pub(super) fn by_element(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let size = size(w);
        let bit = |n: u32| (w >> n & 1) as u8;
        let (register, index) = match size {
            1 => (rm(w) & 15, bit(11) << 2 | bit(21) << 1 | bit(20)),
            2 => (rm(w), bit(11) << 1 | bit(21)),
            _ => return false,
        };
        let (signed, then) = match e {
            E::MUL_asimdelem_R | E::MLA_asimdelem_R | E::MLS_asimdelem_R => {
                self.check_fp();
                let m = self.read_vector(register);
                self.splat_element(T2, size, m, index);
                self.multiply_lanes(e, size, T2, w);
                return true;
            }
            E::SMULL_asimdelem_L => (true, None),
            E::UMULL_asimdelem_L => (false, None),
            E::SMLAL_asimdelem_L => (true, Some(&ADD)),
            E::UMLAL_asimdelem_L => (false, Some(&ADD)),
            E::SMLSL_asimdelem_L => (true, Some(&SUB)),
            E::UMLSL_asimdelem_L => (false, Some(&SUB)),
            _ => return false,
        };
        self.check_fp();
        let (n, m) = (self.read_vector(rn(w)), self.read_vector(register));
        self.splat_element(T2, size, m, index);
        self.widen(signed, size, false, T1, T2);
        self.widen(signed, size, q(w), T0, n);
        self.widened(signed, Wide::Multiply, size + 1);
        self.finish_long(then, size + 1, w);
        true
    }
}
