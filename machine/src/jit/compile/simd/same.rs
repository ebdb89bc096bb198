//! AdvSIMD three same, integer: arithmetic, comparisons, logic, pairs of neighbours.

use super::{
    ADD, EQUAL, GREATER, SIGNED_MAX, SIGNED_MIN, SUB, T0, T1, T2, T3, UNSIGNED_MAX, UNSIGNED_MIN, q, rd, rm,
    rn, size,
};
use crate::jit::compile::Compiler;
use crate::jit::compile::detours::Detour;
use crate::jit::constants::Constant;
use crate::jit::x64::{Cond, Vex, VexShift, Xmm};
use droste_arch::a64::{Encoding, Group};

/// What is done to each lane of Vn and Vm.
#[derive(Clone, Copy)]
pub(super) enum Lane {
    /// One instruction per lane size; further sizes have none.
    Plain(&'static [Vex]),
    Multiply,
    SignedGreaterEqual,
    UnsignedGreater,
    UnsignedGreaterEqual,
    Test,
    SignedDifference,
    UnsignedDifference,
}

/// What becomes of the result.
#[derive(Clone, Copy)]
enum Then {
    Store,
    /// Added to Vd.
    Add,
    /// Subtracted from Vd.
    Subtract,
}

impl Lane {
    fn exists(self, size: usize) -> bool {
        match self {
            Lane::Plain(list) => size < list.len(),
            Lane::Multiply | Lane::SignedDifference | Lane::UnsignedDifference => size < 3,
            _ => true,
        }
    }
}

impl Compiler<'_> {
    pub(super) fn three_same(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        use Lane::{
            Multiply, Plain, SignedDifference, SignedGreaterEqual, Test, UnsignedDifference, UnsignedGreater,
            UnsignedGreaterEqual,
        };
        let (lane, then) = match e {
            E::ADD_asimdsame_only | E::ADD_asisdsame_only => (Plain(&ADD), Then::Store),
            E::SUB_asimdsame_only | E::SUB_asisdsame_only => (Plain(&SUB), Then::Store),
            E::CMEQ_asimdsame_only | E::CMEQ_asisdsame_only => (Plain(&EQUAL), Then::Store),
            E::CMGT_asimdsame_only | E::CMGT_asisdsame_only => (Plain(&GREATER), Then::Store),
            E::CMGE_asimdsame_only | E::CMGE_asisdsame_only => (SignedGreaterEqual, Then::Store),
            E::CMHI_asimdsame_only | E::CMHI_asisdsame_only => (UnsignedGreater, Then::Store),
            E::CMHS_asimdsame_only | E::CMHS_asisdsame_only => (UnsignedGreaterEqual, Then::Store),
            E::CMTST_asimdsame_only | E::CMTST_asisdsame_only => (Test, Then::Store),
            E::SMAX_asimdsame_only => (Plain(&SIGNED_MAX), Then::Store),
            E::SMIN_asimdsame_only => (Plain(&SIGNED_MIN), Then::Store),
            E::UMAX_asimdsame_only => (Plain(&UNSIGNED_MAX), Then::Store),
            E::UMIN_asimdsame_only => (Plain(&UNSIGNED_MIN), Then::Store),
            E::URHADD_asimdsame_only => (Plain(&[Vex::PAVGB, Vex::PAVGW]), Then::Store),
            E::SABD_asimdsame_only => (SignedDifference, Then::Store),
            E::UABD_asimdsame_only => (UnsignedDifference, Then::Store),
            E::SABA_asimdsame_only => (SignedDifference, Then::Add),
            E::UABA_asimdsame_only => (UnsignedDifference, Then::Add),
            E::MUL_asimdsame_only => (Multiply, Then::Store),
            E::MLA_asimdsame_only => (Multiply, Then::Add),
            E::MLS_asimdsame_only => (Multiply, Then::Subtract),
            E::ADDP_asimdsame_only => return self.pairwise(&ADD, w),
            E::SMAXP_asimdsame_only => return self.pairwise(&SIGNED_MAX, w),
            E::SMINP_asimdsame_only => return self.pairwise(&SIGNED_MIN, w),
            E::UMAXP_asimdsame_only => return self.pairwise(&UNSIGNED_MAX, w),
            E::UMINP_asimdsame_only => return self.pairwise(&UNSIGNED_MIN, w),
            E::SQADD_asimdsame_only => return self.saturating([Vex::PADDSB, Vex::PADDSW], &ADD, w),
            E::UQADD_asimdsame_only => return self.saturating([Vex::PADDUSB, Vex::PADDUSW], &ADD, w),
            E::SQSUB_asimdsame_only => return self.saturating([Vex::PSUBSB, Vex::PSUBSW], &SUB, w),
            E::UQSUB_asimdsame_only => return self.saturating([Vex::PSUBUSB, Vex::PSUBUSW], &SUB, w),
            _ => return self.logical(e, w),
        };
        let scalar = e.group() == Group::SimdDpAsisdsame;
        let size = size(w);
        // The scalar forms that are here have doublewords only, and in vectors they fill whole registers.
        if !lane.exists(size) || (scalar && size != 3) || (!scalar && size == 3 && !q(w)) {
            return false;
        }
        self.check_fp();
        let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        match (lane, then) {
            (Lane::Plain(list), Then::Store) if !scalar => {
                self.finish(w, |asm, to| asm.vex(list[size], to, n, m));
                return true;
            }
            _ => self.lanes(lane, size, n, m),
        }
        if scalar {
            self.finish_scalar(rd(w), 3, T0);
            return true;
        }
        self.accumulate(then, size, w);
        true
    }

    /// Stores, adds or subtracts T0.
    fn accumulate(&mut self, then: Then, size: usize, w: u32) {
        match then {
            Then::Store => self.finish(w, |asm, to| asm.vex_move(to, T0)),
            Then::Add => {
                let d = self.read_vector(rd(w));
                self.finish(w, |asm, to| asm.vex(ADD[size], to, d, T0));
            }
            Then::Subtract => {
                let d = self.read_vector(rd(w));
                self.finish(w, |asm, to| asm.vex(SUB[size], to, d, T0));
            }
        }
    }

    /// The same as MUL, MLA and MLS, with Vm in a scratch register: lanes of 16 or 32 bits.
    pub(super) fn multiply_lanes(&mut self, e: Encoding, size: usize, m: Xmm, w: u32) {
        let n = self.read_vector(rn(w));
        self.lanes(Lane::Multiply, size, n, m);
        let then = match e {
            Encoding::MLA_asimdelem_R => Then::Add,
            Encoding::MLS_asimdelem_R => Then::Subtract,
            _ => Then::Store,
        };
        self.accumulate(then, size, w);
    }

    /// T0 from `n` and `m`, which are not T0 nor T1. Clobbers T1 and T3.
    pub(super) fn lanes(&mut self, lane: Lane, size: usize, n: Xmm, m: Xmm) {
        match lane {
            Lane::Plain(list) => self.asm.vex(list[size], T0, n, m),
            Lane::Multiply if size == 0 => {
                // The odd bytes as words, then the even ones.
                self.asm.vex_shift(VexShift::PSRLW, T0, n, 8);
                self.asm.vex_shift(VexShift::PSRLW, T1, m, 8);
                self.asm.vex(Vex::PMULLW, T1, T0, T1);
                self.asm.vex_shift(VexShift::PSLLW, T1, T1, 8);
                self.asm.vex(Vex::PMULLW, T0, n, m);
                self.clear_upper_halves(0, T0, T0);
                self.asm.vex(Vex::POR, T0, T0, T1);
            }
            Lane::Multiply => {
                self.asm.vex(if size == 1 { Vex::PMULLW } else { Vex::PMULLD }, T0, n, m);
            }
            Lane::SignedGreaterEqual if size == 3 => {
                self.asm.vex(Vex::PCMPGTQ, T0, m, n);
                self.invert(T0, T1);
            }
            Lane::SignedGreaterEqual => {
                self.asm.vex(SIGNED_MIN[size], T0, n, m);
                self.asm.vex(EQUAL[size], T0, T0, m);
            }
            Lane::UnsignedGreater | Lane::UnsignedGreaterEqual if size == 3 => {
                // The order of unsigned numbers is that of signed ones with the top bit inverted.
                let top = self.constant(Constant::SignDouble);
                self.asm.vex(Vex::PXOR, T0, n, top);
                let top = self.constant(Constant::SignDouble);
                self.asm.vex(Vex::PXOR, T1, m, top);
                if matches!(lane, Lane::UnsignedGreater) {
                    self.asm.vex(Vex::PCMPGTQ, T0, T0, T1);
                } else {
                    self.asm.vex(Vex::PCMPGTQ, T0, T1, T0);
                    self.invert(T0, T1);
                }
            }
            Lane::UnsignedGreaterEqual => {
                self.asm.vex(UNSIGNED_MIN[size], T0, n, m);
                self.asm.vex(EQUAL[size], T0, T0, m);
            }
            Lane::UnsignedGreater => {
                self.asm.vex(UNSIGNED_MIN[size], T0, n, m);
                self.asm.vex(EQUAL[size], T0, T0, n);
                self.invert(T0, T1);
            }
            Lane::Test => {
                self.asm.vex(Vex::PAND, T0, n, m);
                self.asm.vex(Vex::PXOR, T1, T1, T1);
                self.asm.vex(EQUAL[size], T0, T0, T1);
                self.invert(T0, T1);
            }
            Lane::SignedDifference | Lane::UnsignedDifference => {
                let (max, min) = match lane {
                    Lane::SignedDifference => (SIGNED_MAX, SIGNED_MIN),
                    _ => (UNSIGNED_MAX, UNSIGNED_MIN),
                };
                self.asm.vex(max[size], T0, n, m);
                self.asm.vex(min[size], T1, n, m);
                self.asm.vex(SUB[size], T0, T0, T1);
            }
        }
    }

    /// Combines neighbouring lanes of Vn, then of Vm.
    fn pairwise(&mut self, list: &[Vex], w: u32) -> bool {
        let size = size(w);
        if size >= list.len() || (size == 3 && !q(w)) {
            return false;
        }
        self.check_fp();
        let (mut n, mut m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        if !q(w) {
            self.asm.vex(Vex::PUNPCKLQDQ, T2, n, m);
            (n, m) = (T2, T2);
        }
        self.unzip(0, size, T0, T1, n, m);
        self.unzip(1, size, T1, T3, n, m);
        self.finish(w, |asm, to| asm.vex(list[size], to, T0, T1));
        true
    }

    /// SQADD and its like on bytes and halfwords: a lane has saturated if it differs from the plain result.
    fn saturating(&mut self, ops: [Vex; 2], plain: &[Vex; 4], w: u32) -> bool {
        let size = size(w);
        let Some(&op) = ops.get(size) else { return false };
        self.check_fp();
        self.clobber_flags();
        let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        self.asm.vex(plain[size], T1, n, m);
        self.asm.vex(op, T2, n, m);
        self.asm.vex(Vex::PXOR, T1, T1, T2);
        if !q(w) {
            self.asm.vex2(Vex::MOVQ, T1, T1);
        }
        self.asm.vex2(Vex::PTEST, T1, T1);
        self.detour(Cond::Ne, Detour::SetQc);
        self.finish(w, |asm, to| asm.vex_move(to, T2));
        true
    }

    fn logical(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let plain = match e {
            E::AND_asimdsame_only => Some((Vex::PAND, false)),
            E::BIC_asimdsame_only => Some((Vex::PANDN, true)),
            E::ORR_asimdsame_only => Some((Vex::POR, false)),
            E::EOR_asimdsame_only => Some((Vex::PXOR, false)),
            E::ORN_asimdsame_only | E::BSL_asimdsame_only | E::BIT_asimdsame_only | E::BIF_asimdsame_only => {
                None
            }
            _ => return false,
        };
        self.check_fp();
        let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        if let Some((op, swapped)) = plain {
            if e == E::ORR_asimdsame_only && rn(w) == rm(w) {
                self.finish(w, |asm, to| asm.vex2(Vex::MOVAPS, to, n));
            } else {
                let (a, b) = if swapped { (m, n) } else { (n, m) };
                self.finish(w, |asm, to| asm.vex(op, to, a, b));
            }
            return true;
        }
        if e == E::ORN_asimdsame_only {
            self.asm.vex(Vex::PCMPEQD, T0, T0, T0);
            self.asm.vex(Vex::PXOR, T0, T0, m);
            self.finish(w, |asm, to| asm.vex(Vex::POR, to, T0, n));
            return true;
        }
        let d = self.read_vector(rd(w));
        // The bits of the first operand where the mask is set, else those of the second.
        let (mask, set, clear) = match e {
            E::BSL_asimdsame_only => (d, n, m),
            E::BIT_asimdsame_only => (m, n, d),
            _ => (m, d, n),
        };
        self.asm.vex(Vex::PAND, T0, mask, set);
        self.asm.vex(Vex::PANDN, T1, mask, clear);
        self.finish(w, |asm, to| asm.vex(Vex::POR, to, T0, T1));
        true
    }
}
