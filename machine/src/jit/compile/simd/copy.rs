//! AdvSIMD copy and modified immediate.

use super::{T0, T1, q, rd, rn};
use crate::jit::compile::Compiler;
use crate::jit::compile::vectors::Width;
use crate::jit::x64::{Reg, Size, Vex, VexShift, Xmm};
use droste_arch::a64::Encoding;

const SIZES: [Size; 4] = [Size::B, Size::W, Size::D, Size::Q];

/// Size and index that imm5 names; the size is the position of its lowest set bit.
fn size_and_index(w: u32) -> Option<(usize, u8)> {
    let imm5 = w >> 16 & 31;
    let size = imm5.trailing_zeros();
    (size < 4).then(|| (size as usize, (imm5 >> (size + 1)) as u8))
}

impl Compiler<'_> {
    /// DUP, INS, SMOV and UMOV.
    pub(super) fn copy_elements(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let Some((size, index)) = size_and_index(w) else { return false };
        match e {
            E::DUP_asimdins_DV_v if size < 3 || q(w) => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.splat_element(T0, size, n, index);
                self.finish(w, |asm, to| asm.vex_move(to, T0));
            }
            E::DUP_asimdins_DR_r if size < 3 || q(w) => {
                self.check_fp();
                let n = self.read_zr(rn(w), Reg::Rax);
                self.asm.vex_from_reg(if size == 3 { Size::Q } else { Size::D }, T1, n);
                self.splat_element(T0, size, T1, 0);
                self.finish(w, |asm, to| asm.vex_move(to, T0));
            }
            E::DUP_asisdone_only => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                if index == 0 {
                    self.finish_scalar(rd(w), size, n);
                } else {
                    self.asm.vex_shift(VexShift::PSRLDQ, T0, n, index << size);
                    self.finish_scalar(rd(w), size, T0);
                }
            }
            E::INS_asimdins_IR_r => {
                self.check_fp();
                let n = self.read_zr(rn(w), Reg::Rax);
                let d = self.read_vector(rd(w));
                self.finish_full(rd(w), |asm, to| asm.vex_insert(SIZES[size], to, d, n, index));
            }
            E::INS_asimdins_IV_v => {
                let from = (w >> 11 & 15) as u8 >> size;
                self.check_fp();
                let (n, d) = (self.read_vector(rn(w)), self.read_vector(rd(w)));
                if size == 2 {
                    let lanes = from << 6 | index << 4;
                    self.finish_full(rd(w), |asm, to| asm.vex_imm(Vex::INSERTPS, to, d, n, lanes));
                } else {
                    self.asm.vex_extract(SIZES[size], Reg::Rax, n, from);
                    self.finish_full(rd(w), |asm, to| asm.vex_insert(SIZES[size], to, d, Reg::Rax, index));
                }
            }
            E::UMOV_asimdins_W_w if size < 3 => self.move_element(size, index, w),
            E::UMOV_asimdins_X_x if size == 3 => self.move_element(size, index, w),
            E::SMOV_asimdins_W_w if size < 2 => self.move_signed(Size::D, size, index, w),
            E::SMOV_asimdins_X_x if size < 3 => self.move_signed(Size::Q, size, index, w),
            _ => return false,
        }
        true
    }

    fn move_element(&mut self, size: usize, index: u8, w: u32) {
        self.check_fp();
        let n = self.read_vector(rn(w));
        if rd(w) != 31 {
            let to = self.write(rd(w));
            self.asm.vex_extract(SIZES[size], to, n, index);
        }
    }

    fn move_signed(&mut self, to_size: Size, size: usize, index: u8, w: u32) {
        self.check_fp();
        let n = self.read_vector(rn(w));
        if rd(w) != 31 {
            let to = self.write(rd(w));
            self.asm.vex_extract(SIZES[size], Reg::Rax, n, index);
            self.asm.sign_extend(SIZES[size], to_size, to, Reg::Rax);
        }
    }

    /// All lanes of `to` = lane `index` of `from`, which is another register.
    pub(in crate::jit::compile) fn splat_element(&mut self, to: Xmm, size: usize, from: Xmm, index: u8) {
        match size {
            3 => self.asm.vex2_imm(Vex::PSHUFD, to, from, if index == 0 { 0x44 } else { 0xee }),
            2 => self.asm.vex2_imm(Vex::PSHUFD, to, from, index * 0x55),
            _ => {
                let op = if size == 0 { Vex::PBROADCASTB } else { Vex::PBROADCASTW };
                if index == 0 {
                    self.asm.vex2(op, to, from);
                } else {
                    self.asm.vex_shift(VexShift::PSRLDQ, to, from, index << size);
                    self.asm.vex2(op, to, to);
                }
            }
        }
    }

    /// MOVI, MVNI, ORR, BIC and FMOV of an immediate.
    pub(super) fn modified_immediate(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let imm8 = (w >> 16 & 7) << 5 | (w >> 5 & 31);
        let value = match e {
            E::MOVI_asimdimm_D_ds | E::MOVI_asimdimm_D2_d => {
                (0..8).fold(0, |d, bit| d | if imm8 >> bit & 1 != 0 { 0xff << (8 * bit) } else { 0 })
            }
            E::FMOV_asimdimm_S_s => {
                let single = expand_single(imm8);
                single << 32 | single
            }
            E::FMOV_asimdimm_D2_d => expand_double(imm8),
            E::MVNI_asimdimm_L_sl | E::MVNI_asimdimm_L_hl | E::MVNI_asimdimm_M_sm => !expand(w, imm8),
            E::MOVI_asimdimm_L_sl
            | E::MOVI_asimdimm_L_hl
            | E::MOVI_asimdimm_M_sm
            | E::MOVI_asimdimm_N_b
            | E::ORR_asimdimm_L_sl
            | E::ORR_asimdimm_L_hl
            | E::BIC_asimdimm_L_sl
            | E::BIC_asimdimm_L_hl => expand(w, imm8),
            _ => return false,
        };
        self.check_fp();
        match e {
            E::ORR_asimdimm_L_sl | E::ORR_asimdimm_L_hl => {
                let d = self.read_vector(rd(w));
                self.splat(T1, 3, value);
                self.finish(w, |asm, to| asm.vex(Vex::POR, to, T1, d));
            }
            E::BIC_asimdimm_L_sl | E::BIC_asimdimm_L_hl => {
                let d = self.read_vector(rd(w));
                self.splat(T1, 3, value);
                self.finish(w, |asm, to| asm.vex(Vex::PANDN, to, T1, d));
            }
            _ if value == 0 => {
                let to = self.write_vector(rd(w), Width::Single);
                self.asm.vex(Vex::PXOR, to, to, to);
            }
            _ if value == u64::MAX && q(w) => {
                self.finish_full(rd(w), |asm, to| asm.vex(Vex::PCMPEQD, to, to, to));
            }
            _ => {
                self.asm.mov_imm_keep_flags(Reg::Rax, value);
                let to = self.write_vector(rd(w), if q(w) { Width::Full } else { Width::Double });
                self.asm.vex_from_reg(Size::Q, to, Reg::Rax);
                if q(w) {
                    self.asm.vex(Vex::PUNPCKLQDQ, to, to, to);
                }
            }
        }
        true
    }
}

/// AdvSIMDExpandImm for lanes of up to 32 bits.
fn expand(w: u32, imm: u32) -> u64 {
    let cmode = w >> 12 & 15;
    let word = match cmode {
        0..=7 => imm << (8 * (cmode >> 1)),
        8..=11 => (imm << (8 * (cmode >> 1 & 1))) * 0x1_0001,
        12 => imm << 8 | 0xff,
        13 => imm << 16 | 0xffff,
        _ => imm * 0x0101_0101,
    };
    u64::from(word) << 32 | u64::from(word)
}

/// VFPExpandImm for single precision.
pub(in crate::jit::compile) fn expand_single(imm8: u32) -> u64 {
    let exponent = if imm8 >> 6 & 1 != 0 { 0x3e00_0000 } else { 0x4000_0000 };
    u64::from((imm8 >> 7) << 31 | exponent | (imm8 & 0x3f) << 19)
}

/// VFPExpandImm for double precision.
pub(in crate::jit::compile) fn expand_double(imm8: u32) -> u64 {
    let exponent = if imm8 >> 6 & 1 != 0 { 0x3fc0 << 48 } else { 0x4000 << 48 };
    u64::from(imm8 >> 7) << 63 | exponent | u64::from(imm8 & 0x3f) << 48
}
