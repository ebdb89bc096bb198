//! AdvSIMD shift by immediate.

use super::{ADD, SHIFT_LEFT, SHIFT_RIGHT, T0, T1, T2, q, rd, rn};
use crate::jit::compile::Compiler;
use crate::jit::x64::{Reg, Size, Vex, VexShift, Xmm};
use droste_arch::a64::{Encoding, Group};

/// The lane size that immh gives, as log2 of bytes, and the field; nothing if immh is zero.
fn lane(w: u32) -> Option<(usize, u8)> {
    let imm = (w >> 16 & 0x7f) as u8;
    Some(((imm >> 3).checked_ilog2()? as usize, imm))
}

impl Compiler<'_> {
    pub(super) fn shift_by_immediate(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let Some((size, imm)) = lane(w) else { return false };
        let bits = 8_u8 << size;
        let (right, left) = ((2 * u32::from(bits) - u32::from(imm)) as u8, imm.wrapping_sub(bits));
        let scalar = e.group() == Group::SimdDpAsisdshf;
        let exists = if scalar { size == 3 } else { size < 3 || q(w) };
        match e {
            E::SHL_asimdshf_R | E::SHL_asisdshf_R if exists => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.shift_left(size, n, left);
                self.shifted_result(scalar, w);
            }
            E::USHR_asimdshf_R | E::USHR_asisdshf_R if exists => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.shift_right(false, size, n, right);
                self.shifted_result(scalar, w);
            }
            E::SSHR_asimdshf_R | E::SSHR_asisdshf_R if exists => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.shift_right(true, size, n, right);
                self.shifted_result(scalar, w);
            }
            E::USRA_asimdshf_R | E::USRA_asisdshf_R | E::SSRA_asimdshf_R | E::SSRA_asisdshf_R if exists => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                let signed = matches!(e, E::SSRA_asimdshf_R | E::SSRA_asisdshf_R);
                self.shift_right(signed, size, n, right);
                let d = self.read_vector(rd(w));
                self.asm.vex(ADD[size], T0, T0, d);
                self.shifted_result(scalar, w);
            }
            E::SLI_asimdshf_R | E::SLI_asisdshf_R if exists => {
                self.check_fp();
                let (n, d) = (self.read_vector(rn(w)), self.read_vector(rd(w)));
                self.shift_left(size, n, left);
                self.insert(size, d, u64::MAX >> (64 - bits) << left);
                self.shifted_result(scalar, w);
            }
            E::SRI_asimdshf_R | E::SRI_asisdshf_R if exists => {
                self.check_fp();
                let (n, d) = (self.read_vector(rn(w)), self.read_vector(rd(w)));
                self.shift_right(false, size, n, right);
                self.insert(size, d, (u64::MAX >> (64 - bits)).checked_shr(right.into()).unwrap_or(0));
                self.shifted_result(scalar, w);
            }
            E::SHRN_asimdshf_N if size < 3 => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.asm.vex_shift(SHIFT_RIGHT[size + 1], T1, n, right);
                self.narrow(size, T1);
                self.finish_half(w, T0);
            }
            E::SSHLL_asimdshf_L | E::USHLL_asimdshf_L if size < 3 => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.widen(e == E::SSHLL_asimdshf_L, size, q(w), T0, n);
                self.finish_full(rd(w), |asm, to| match left {
                    0 => asm.vex_move(to, T0),
                    _ => asm.vex_shift(SHIFT_LEFT[size + 1], to, T0, left),
                });
            }
            _ => return false,
        }
        true
    }

    fn shifted_result(&mut self, scalar: bool, w: u32) {
        if scalar {
            self.finish_scalar(rd(w), 3, T0);
        } else {
            self.finish(w, |asm, to| asm.vex_move(to, T0));
        }
    }

    /// All lanes of a scratch register with one value.
    pub(super) fn splat(&mut self, to: Xmm, size: usize, value: u64) {
        let ones = [0x0101_0101_0101_0101, 0x0001_0001_0001_0001, 0x0000_0001_0000_0001, 1_u64][size];
        self.asm.mov_imm_keep_flags(Reg::Rax, value.wrapping_mul(ones));
        self.asm.vex_from_reg(Size::Q, to, Reg::Rax);
        self.asm.vex(Vex::PUNPCKLQDQ, to, to, to);
    }

    /// T0 = `n` shifted left. Clobbers T1.
    fn shift_left(&mut self, size: usize, n: Xmm, by: u8) {
        self.asm.vex_shift(SHIFT_LEFT[size], T0, n, by);
        if size == 0 {
            self.splat(T1, 0, u64::from(0xff_u8 << by));
            self.asm.vex(Vex::PAND, T0, T0, T1);
        }
    }

    /// T0 = `n` shifted right by 1 to the lane size. Clobbers T1 and T2.
    fn shift_right(&mut self, signed: bool, size: usize, n: Xmm, by: u8) {
        match (signed, size) {
            (true, 1) => self.asm.vex_shift(VexShift::PSRAW, T0, n, by),
            (true, 2) => self.asm.vex_shift(VexShift::PSRAD, T0, n, by),
            (_, 0) => {
                self.asm.vex_shift(VexShift::PSRLW, T0, n, by);
                let kept = 0xff_u8.checked_shr(by.into()).unwrap_or(0);
                self.splat(T1, 0, kept.into());
                self.asm.vex(Vex::PAND, T0, T0, T1);
                if signed {
                    // Where the lane is negative, ones above.
                    self.asm.vex(Vex::PXOR, T2, T2, T2);
                    self.asm.vex(Vex::PCMPGTB, T2, T2, n);
                    self.asm.vex(Vex::PANDN, T2, T1, T2);
                    self.asm.vex(Vex::POR, T0, T0, T2);
                }
            }
            (true, _) => {
                self.asm.vex(Vex::PXOR, T2, T2, T2);
                self.asm.vex(Vex::PCMPGTQ, T2, T2, n);
                self.asm.vex_shift(VexShift::PSLLQ, T2, T2, 64 - by);
                self.asm.vex_shift(VexShift::PSRLQ, T0, n, by);
                self.asm.vex(Vex::POR, T0, T0, T2);
            }
            _ => self.asm.vex_shift(SHIFT_RIGHT[size], T0, n, by),
        }
    }

    /// T0 = T0, with the bits of `d` outside of `mask` in each lane. Clobbers T1.
    fn insert(&mut self, size: usize, d: Xmm, mask: u64) {
        let lane = u64::MAX >> (64 - (8 << size));
        self.splat(T1, size, !mask & lane);
        self.asm.vex(Vex::PAND, T1, T1, d);
        self.asm.vex(Vex::POR, T0, T0, T1);
    }
}
