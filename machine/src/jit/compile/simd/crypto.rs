//! Cryptographic instructions, on the host's own.

use super::{T0, T1, T2, T3, rd, rm, rn};
use crate::jit::compile::Compiler;
use crate::jit::x64::{Vex, Xmm};
use droste_arch::a64::Encoding;

/// The words of a register in the opposite order.
const REVERSED: u8 = 0b00_01_10_11;

impl Compiler<'_> {
    pub(super) fn cryptography(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let host = self.source.host;
        match e {
            E::AESE_B_cryptoaes | E::AESD_B_cryptoaes if host.aes => {
                let last = if e == E::AESE_B_cryptoaes { Vex::AESENCLAST } else { Vex::AESDECLAST };
                self.check_fp();
                let (n, d) = (self.read_vector(rn(w)), self.read_vector(rd(w)));
                self.asm.vex(Vex::PXOR, T0, n, d);
                self.asm.vex(Vex::PXOR, T1, T1, T1);
                self.finish_full(rd(w), |asm, to| asm.vex(last, to, T0, T1));
            }
            E::AESMC_B_cryptoaes if host.aes => {
                // The inverse of a last round, then a round: MixColumns remains.
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.asm.vex(Vex::PXOR, T1, T1, T1);
                self.asm.vex(Vex::AESDECLAST, T0, n, T1);
                self.finish_full(rd(w), |asm, to| asm.vex(Vex::AESENC, to, T0, T1));
            }
            E::AESIMC_B_cryptoaes if host.aes => {
                self.check_fp();
                let n = self.read_vector(rn(w));
                self.finish_full(rd(w), |asm, to| asm.vex2(Vex::AESIMC, to, n));
            }
            E::SHA256H_QQV_cryptosha3 if host.sha => {
                self.check_fp();
                let (d, n) = (self.read_vector(rd(w)), self.read_vector(rn(w)));
                self.sha256_four_rounds(d, n, rm(w));
                // ABEF is T1, CDGH is T2: A, B, C and D are the upper halves.
                self.asm.vex(Vex::PUNPCKHQDQ, T2, T2, T1);
                self.finish_full(rd(w), |asm, to| asm.vex2_imm(Vex::PSHUFD, to, T2, REVERSED));
            }
            E::SHA256H2_QQV_cryptosha3 if host.sha => {
                self.check_fp();
                let (d, n) = (self.read_vector(rd(w)), self.read_vector(rn(w)));
                self.sha256_four_rounds(n, d, rm(w));
                self.asm.vex(Vex::PUNPCKLQDQ, T2, T2, T1);
                self.finish_full(rd(w), |asm, to| asm.vex2_imm(Vex::PSHUFD, to, T2, REVERSED));
            }
            E::SHA256SU0_VV_cryptosha2 if host.sha => {
                self.check_fp();
                let (n, d) = (self.read_vector(rn(w)), self.read_vector(rd(w)));
                self.asm.vex_move(T0, d);
                self.asm.sha256_message1(T0, n);
                self.finish_full(rd(w), |asm, to| asm.vex_move(to, T0));
            }
            E::SHA256SU1_VVV_cryptosha3 if host.sha => {
                self.check_fp();
                let [n, m, d] = [rn(w), rm(w), rd(w)].map(|r| self.read_vector(r));
                self.asm.vex_imm(Vex::PALIGNR, T0, m, n, 4);
                self.asm.vex(Vex::PADDD, T0, T0, d);
                self.asm.sha256_message2(T0, m);
                self.finish_full(rd(w), |asm, to| asm.vex_move(to, T0));
            }
            E::EOR3_VVV16_crypto4 | E::BCAX_VVV16_crypto4 => {
                self.check_fp();
                let [n, m, a] = [rn(w), rm(w), (w >> 10 & 31) as u8].map(|r| self.read_vector(r));
                let op = if e == E::EOR3_VVV16_crypto4 { Vex::PXOR } else { Vex::PANDN };
                self.asm.vex(op, T0, a, m);
                self.finish_full(rd(w), |asm, to| asm.vex(Vex::PXOR, to, T0, n));
            }
            _ => return false,
        }
        true
    }

    /// Four rounds of SHA-256 in the host's arrangement of the state, where each register holds two words of each half,
    /// the first of them on top: T1 and T2 become the new ABEF and CDGH. Clobbers T0 and T3.
    fn sha256_four_rounds(&mut self, abcd: Xmm, efgh: Xmm, schedule: u8) {
        let schedule = self.read_vector(schedule);
        self.asm.vex2_imm(Vex::PSHUFD, T1, abcd, REVERSED);
        self.asm.vex2_imm(Vex::PSHUFD, T3, efgh, REVERSED);
        self.asm.vex(Vex::PUNPCKLQDQ, T2, T3, T1);
        self.asm.vex(Vex::PUNPCKHQDQ, T1, T3, T1);
        // The implied operand has two words.
        self.asm.vex_move(T0, schedule);
        self.asm.vex_move(T3, T1);
        self.asm.sha256_rounds(T2, T1);
        // Now T2 is the new ABEF, and the old one in T3 the new CDGH.
        self.asm.vex2_imm(Vex::PSHUFD, T0, T0, 0xee);
        self.asm.sha256_rounds(T3, T2);
        self.asm.vex_move(T1, T3);
    }
}
