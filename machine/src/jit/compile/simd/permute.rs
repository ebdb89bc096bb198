//! AdvSIMD permute, extract and table lookup.

use super::{T0, T1, T2, T3, q, rm, rn, size};
use crate::jit::compile::Compiler;
use crate::jit::constants::Constant;
use crate::jit::x64::{Vex, VexShift, Xmm};
use droste_arch::a64::Encoding;

const LOW: [Vex; 4] = [Vex::PUNPCKLBW, Vex::PUNPCKLWD, Vex::PUNPCKLDQ, Vex::PUNPCKLQDQ];
const HIGH: [Vex; 4] = [Vex::PUNPCKHBW, Vex::PUNPCKHWD, Vex::PUNPCKHDQ, Vex::PUNPCKHQDQ];

impl Compiler<'_> {
    pub(super) fn permute(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let size = size(w);
        let exists = size < 3 || q(w);
        match e {
            E::ZIP1_asimdperm_only if exists => {
                self.check_fp();
                let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
                self.finish(w, |asm, to| asm.vex(LOW[size], to, n, m));
            }
            E::ZIP2_asimdperm_only if exists => {
                self.check_fp();
                let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
                if q(w) {
                    self.finish(w, |asm, to| asm.vex(HIGH[size], to, n, m));
                } else {
                    self.asm.vex(LOW[size], T0, n, m);
                    self.finish(w, |asm, to| asm.vex_shift(VexShift::PSRLDQ, to, T0, 8));
                }
            }
            E::UZP1_asimdperm_only | E::UZP2_asimdperm_only if exists => {
                self.check_fp();
                let (mut n, mut m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
                if !q(w) {
                    self.asm.vex(Vex::PUNPCKLQDQ, T2, n, m);
                    (n, m) = (T2, T2);
                }
                self.unzip(u8::from(e == E::UZP2_asimdperm_only), size, T0, T1, n, m);
                self.finish(w, |asm, to| asm.vex_move(to, T0));
            }
            E::TRN1_asimdperm_only | E::TRN2_asimdperm_only if exists => {
                self.check_fp();
                let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
                self.transpose(e == E::TRN2_asimdperm_only, size, n, m);
                self.finish(w, |asm, to| asm.vex_move(to, T0));
            }
            E::EXT_asimdext_only => {
                let position = (w >> 11 & 15) as u8;
                if !q(w) && position >= 8 {
                    return false;
                }
                self.check_fp();
                let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
                if q(w) {
                    self.finish(w, |asm, to| asm.vex_imm(Vex::PALIGNR, to, m, n, position));
                } else {
                    self.asm.vex(Vex::PUNPCKLQDQ, T0, n, m);
                    self.finish(w, |asm, to| asm.vex_shift(VexShift::PSRLDQ, to, T0, position));
                }
            }
            E::TBL_asimdtbl_L1_1 | E::TBL_asimdtbl_L2_2 | E::TBL_asimdtbl_L3_3 | E::TBL_asimdtbl_L4_4 => {
                self.look_up_bytes(w)
            }
            _ => return false,
        }
        true
    }

    /// `to` = the even (`part` 0) or odd lanes of `a`, then of `b`; neither is `to` nor `scratch`.
    pub(in crate::jit::compile) fn unzip(
        &mut self,
        part: u8,
        size: usize,
        to: Xmm,
        scratch: Xmm,
        a: Xmm,
        b: Xmm,
    ) {
        match (size, part) {
            (3, 0) => self.asm.vex(Vex::PUNPCKLQDQ, to, a, b),
            (3, _) => self.asm.vex(Vex::PUNPCKHQDQ, to, a, b),
            (2, 0) => self.asm.vex_imm(Vex::SHUFPS, to, a, b, 0b10_00_10_00),
            (2, _) => self.asm.vex_imm(Vex::SHUFPS, to, a, b, 0b11_01_11_01),
            _ => {
                for (half, from) in [(to, a), (scratch, b)] {
                    if part == 0 {
                        self.clear_upper_halves(size, half, from);
                    } else {
                        self.asm.vex_shift(super::SHIFT_RIGHT[size + 1], half, from, 8 << size);
                    }
                }
                let pack = if size == 0 { Vex::PACKUSWB } else { Vex::PACKUSDW };
                self.asm.vex(pack, to, to, scratch);
            }
        }
    }

    /// T0 = the even or odd lanes of `n` in its even lanes, those of `m` in its odd lanes. Clobbers T1.
    fn transpose(&mut self, odd: bool, size: usize, n: Xmm, m: Xmm) {
        if size == 3 {
            self.asm.vex(if odd { Vex::PUNPCKHQDQ } else { Vex::PUNPCKLQDQ }, T0, n, m);
            return;
        }
        let (left, right, bits) = (super::SHIFT_LEFT[size + 1], super::SHIFT_RIGHT[size + 1], 8_u8 << size);
        if odd {
            self.asm.vex_shift(right, T0, n, bits);
            self.asm.vex_shift(right, T1, m, bits);
            self.asm.vex_shift(left, T1, T1, bits);
        } else {
            self.clear_upper_halves(size, T0, n);
            self.asm.vex_shift(left, T1, m, bits);
        }
        self.asm.vex(Vex::POR, T0, T0, T1);
    }

    /// TBL: PSHUFB gives zero for indices with the top bit set, so those out of range get it by saturation.
    fn look_up_bytes(&mut self, w: u32) {
        self.check_fp();
        let count = (w >> 13 & 3) as u8 + 1;
        let indices = self.read_vector(rm(w));
        for i in 0..count {
            let table = self.read_vector((rn(w) + i) & 31);
            let from = if i == 0 {
                indices
            } else {
                let sixteen = self.constant(Constant::SixteenBytes);
                self.asm.vex(Vex::PSUBB, T3, if i == 1 { indices } else { T3 }, sixteen);
                T3
            };
            let limit = self.constant(Constant::TableLimit);
            self.asm.vex(Vex::PADDUSB, T1, from, limit);
            if i == 0 {
                self.asm.vex(Vex::PSHUFB, T0, table, T1);
            } else {
                self.asm.vex(Vex::PSHUFB, T1, table, T1);
                self.asm.vex(Vex::POR, T0, T0, T1);
            }
        }
        self.finish(w, |asm, to| asm.vex_move(to, T0));
    }
}
