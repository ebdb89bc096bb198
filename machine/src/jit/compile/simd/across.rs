//! AdvSIMD across lanes, and scalar pairwise ADDP.

use super::{ADD, SIGNED_MAX, SIGNED_MIN, T0, T1, UNSIGNED_MAX, UNSIGNED_MIN, q, rd, rn, size};
use crate::jit::compile::Compiler;
use crate::jit::x64::{Vex, VexShift};
use droste_arch::a64::Encoding;

impl Compiler<'_> {
    pub(super) fn across_lanes(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let size = size(w);
        if e == E::ADDP_asisdpair_only && size == 3 {
            self.check_fp();
            let n = self.read_vector(rn(w));
            self.asm.vex_shift(VexShift::PSRLDQ, T0, n, 8);
            self.asm.vex(Vex::PADDQ, T0, T0, n);
            self.finish_scalar(rd(w), 3, T0);
            return true;
        }
        if size == 3 || (size == 2 && !q(w)) {
            return false;
        }
        let op = match e {
            E::ADDV_asimdall_only => ADD[size],
            E::SMAXV_asimdall_only => SIGNED_MAX[size],
            E::SMINV_asimdall_only => SIGNED_MIN[size],
            E::UMAXV_asimdall_only => UNSIGNED_MAX[size],
            E::UMINV_asimdall_only => UNSIGNED_MIN[size],
            E::UADDLV_asimdall_only => return self.add_long(w),
            _ => return false,
        };
        self.check_fp();
        let mut from = self.read_vector(rn(w));
        if size == 0 && e == E::ADDV_asimdall_only {
            self.sum_bytes(w);
            self.finish_scalar(rd(w), 0, T0);
            return true;
        }
        // Halves onto halves, until one lane is left.
        let mut bytes: u8 = if q(w) { 8 } else { 4 };
        while bytes >= 1 << size {
            self.asm.vex_shift(VexShift::PSRLDQ, T1, from, bytes);
            self.asm.vex(op, T0, from, T1);
            from = T0;
            bytes /= 2;
        }
        self.finish_scalar(rd(w), size, T0);
        true
    }

    /// T0 = the sum of the bytes of Vn. Clobbers T1.
    fn sum_bytes(&mut self, w: u32) {
        let n = self.read_vector(rn(w));
        self.asm.vex(Vex::PXOR, T1, T1, T1);
        self.asm.vex(Vex::PSADBW, T0, n, T1);
        if q(w) {
            self.asm.vex_shift(VexShift::PSRLDQ, T1, T0, 8);
            self.asm.vex(Vex::PADDD, T0, T0, T1);
        }
    }

    /// UADDLV.
    fn add_long(&mut self, w: u32) -> bool {
        self.check_fp();
        match size(w) {
            0 => {
                self.sum_bytes(w);
                self.finish_scalar(rd(w), 1, T0);
            }
            1 => {
                self.add_neighbours(w);
                for bytes in if q(w) { [8, 4].as_slice() } else { &[4] } {
                    self.asm.vex_shift(VexShift::PSRLDQ, T1, T0, *bytes);
                    self.asm.vex(Vex::PADDD, T0, T0, T1);
                }
                self.finish_scalar(rd(w), 2, T0);
            }
            _ => {
                self.add_neighbours(w);
                self.asm.vex_shift(VexShift::PSRLDQ, T1, T0, 8);
                self.asm.vex(Vex::PADDQ, T0, T0, T1);
                self.finish_scalar(rd(w), 3, T0);
            }
        }
        true
    }
}
