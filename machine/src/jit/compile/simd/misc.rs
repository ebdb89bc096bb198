//! AdvSIMD two-register miscellaneous, integer.

use super::same::Lane;
use super::{ADD, EQUAL, GREATER, SUB, T0, T1, T2, q, rd, rn, size};
use crate::jit::compile::Compiler;
use crate::jit::constants::Constant;
use crate::jit::x64::{Vex, VexShift, Xmm};
use droste_arch::a64::{Encoding, Group};

/// A comparison with zero.
#[derive(Clone, Copy)]
enum Zero {
    Greater,
    GreaterEqual,
    Equal,
    LessEqual,
    Less,
}

impl Compiler<'_> {
    pub(super) fn two_register_miscellaneous(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        match e {
            E::CMGT_asimdmisc_Z | E::CMGT_asisdmisc_Z => self.compare_zero(Zero::Greater, e, w),
            E::CMGE_asimdmisc_Z | E::CMGE_asisdmisc_Z => self.compare_zero(Zero::GreaterEqual, e, w),
            E::CMEQ_asimdmisc_Z | E::CMEQ_asisdmisc_Z => self.compare_zero(Zero::Equal, e, w),
            E::CMLE_asimdmisc_Z | E::CMLE_asisdmisc_Z => self.compare_zero(Zero::LessEqual, e, w),
            E::CMLT_asimdmisc_Z | E::CMLT_asisdmisc_Z => self.compare_zero(Zero::Less, e, w),
            E::NEG_asimdmisc_R if size(w) < 3 || q(w) => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.asm.vex(Vex::PXOR, T1, T1, T1);
                self.finish(w, |asm, to| asm.vex(SUB[size(w)], to, T1, n));
                true
            }
            E::ABS_asimdmisc_R if size(w) < 3 => {
                let op = [Vex::PABSB, Vex::PABSW, Vex::PABSD][size(w)];
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.finish(w, |asm, to| asm.vex2(op, to, n));
                true
            }
            E::NOT_asimdmisc_R => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.asm.vex(Vex::PCMPEQD, T1, T1, T1);
                self.finish(w, |asm, to| asm.vex(Vex::PXOR, to, n, T1));
                true
            }
            E::CNT_asimdmisc_R if size(w) == 0 => self.by_nibbles(Constant::NibbleCounts, w),
            E::RBIT_asimdmisc_R => self.by_nibbles(Constant::NibbleReversed, w),
            E::REV64_asimdmisc_R if size(w) < 3 => {
                let orders = [Constant::Reverse64Bytes, Constant::Reverse64Words, Constant::Reverse64Doubles];
                self.shuffle(orders[size(w)], w)
            }
            E::REV32_asimdmisc_R if size(w) < 2 => {
                self.shuffle([Constant::Reverse32Bytes, Constant::Reverse32Words][size(w)], w)
            }
            E::REV16_asimdmisc_R if size(w) == 0 => self.shuffle(Constant::Reverse16Bytes, w),
            E::XTN_asimdmisc_N if size(w) < 3 => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.narrow(size(w), n);
                self.finish_half(w, T0);
                true
            }
            E::UADDLP_asimdmisc_P if size(w) < 3 => {
                self.check_fp();
                self.add_neighbours(w);
                self.finish(w, |asm, to| asm.vex_move(to, T0));
                true
            }
            E::UADALP_asimdmisc_P if size(w) < 3 => {
                self.check_fp();
                self.add_neighbours(w);
                let d = self.read_vector(rd(w));
                self.finish(w, |asm, to| asm.vex(ADD[size(w) + 1], to, d, T0));
                true
            }
            E::SADDLP_asimdmisc_P | E::SADALP_asimdmisc_P if size(w) < 2 => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                if size(w) == 0 {
                    let ones = self.constant(Constant::OneBytes);
                    self.asm.vex2(Vex::MOVAPS, T1, ones);
                    self.asm.vex(Vex::PMADDUBSW, T0, T1, n);
                } else {
                    let ones = self.constant(Constant::OneWords);
                    self.asm.vex(Vex::PMADDWD, T0, n, ones);
                }
                if e == E::SADALP_asimdmisc_P {
                    let d = self.read_vector(rd(w));
                    self.finish(w, |asm, to| asm.vex(ADD[size(w) + 1], to, d, T0));
                } else {
                    self.finish(w, |asm, to| asm.vex_move(to, T0));
                }
                true
            }
            E::SHLL_asimdmisc_S if size(w) < 3 => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.widen(false, size(w), q(w), T0, n);
                let by = 8 << size(w);
                self.finish_full(rd(w), |asm, to| asm.vex_shift(super::SHIFT_LEFT[size(w) + 1], to, T0, by));
                true
            }
            _ => false,
        }
    }

    fn compare_zero(&mut self, zero: Zero, e: Encoding, w: u32) -> bool {
        let scalar = e.group() == Group::SimdDpAsisdmisc;
        let size = size(w);
        if (scalar && size != 3) || (!scalar && size == 3 && !q(w)) {
            return false;
        }
        self.check_fp();
        let n = self.read_vector(rn(w));
        self.asm.vex(Vex::PXOR, T2, T2, T2);
        match zero {
            Zero::Greater => self.lanes(Lane::Plain(&GREATER), size, n, T2),
            Zero::GreaterEqual => self.lanes(Lane::SignedGreaterEqual, size, n, T2),
            Zero::Equal => self.lanes(Lane::Plain(&EQUAL), size, n, T2),
            Zero::LessEqual => self.lanes(Lane::SignedGreaterEqual, size, T2, n),
            Zero::Less => self.lanes(Lane::Plain(&GREATER), size, T2, n),
        }
        if scalar {
            self.finish_scalar(rd(w), 3, T0);
        } else {
            self.finish(w, |asm, to| asm.vex_move(to, T0));
        }
        true
    }

    /// The bytes of Vn in a constant order, which stays within doublewords.
    fn shuffle(&mut self, order: Constant, w: u32) -> bool {
        self.check_fp();
        let n = self.read_vector(rn(w));
        let order = self.constant(order);
        self.finish(w, |asm, to| asm.vex(Vex::PSHUFB, to, n, order));
        true
    }

    /// Looks both halves of each byte up in a table; the high half's entry is added, after RBIT's exchange of halves.
    fn by_nibbles(&mut self, table: Constant, w: u32) -> bool {
        self.check_fp();
        let n = self.read_vector(rn(w));
        let low = self.constant(Constant::LowNibbles);
        self.asm.vex2(Vex::MOVAPS, T2, low);
        self.asm.vex(Vex::PAND, T0, n, T2);
        self.asm.vex_shift(VexShift::PSRLW, T1, n, 4);
        self.asm.vex(Vex::PAND, T1, T1, T2);
        let entries = self.constant(table);
        self.asm.vex2(Vex::MOVAPS, T2, entries);
        self.asm.vex(Vex::PSHUFB, T0, T2, T0);
        self.asm.vex(Vex::PSHUFB, T1, T2, T1);
        if table == Constant::NibbleReversed {
            // Entries are below 16, so that nothing moves into the next byte.
            self.asm.vex_shift(VexShift::PSLLW, T0, T0, 4);
        }
        self.finish(w, |asm, to| asm.vex(Vex::PADDB, to, T0, T1));
        true
    }

    /// T0 = the lower halves of the lanes of `16 << size` bits of `n`, in the lower half of the register.
    pub(super) fn narrow(&mut self, size: usize, n: Xmm) {
        if size == 2 {
            self.pack(2, T0, n);
        } else {
            self.clear_upper_halves(size, T0, n);
            self.pack(size, T0, T0);
        }
    }

    /// T0 = the unsigned sums of neighbouring lanes of Vn. Clobbers T1.
    pub(super) fn add_neighbours(&mut self, w: u32) {
        let n = self.read_vector(rn(w));
        let size = size(w);
        if size == 0 {
            let ones = self.constant(Constant::OneBytes);
            self.asm.vex(Vex::PMADDUBSW, T0, n, ones);
            return;
        }
        self.clear_upper_halves(size, T0, n);
        self.asm.vex_shift(super::SHIFT_RIGHT[size + 1], T1, n, 8 << size);
        self.asm.vex(ADD[size + 1], T0, T0, T1);
    }
}
