//! Comparisons and selection.

use super::Precision;
use super::{MODE, Retreat, scalar_precision};
use crate::jit::compile::flags::{Carry, Flags};
use crate::jit::compile::simd::{T2, rd, rm, rn};
use crate::jit::compile::{Compiler, Slow};
use crate::jit::layout::FP_CAREFUL;
use crate::jit::x64::{Alu, Cond, Label, Reg, Size, Vex, Xmm};
use droste_arch::a64::Encoding;

impl Compiler<'_> {
    /// FCMP and FCMPE: a NaN goes to the handler, so that they are the same here.
    pub(super) fn float_compare(&mut self, e: Encoding, w: u32) -> bool {
        use Encoding as E;
        let Some(p) = scalar_precision(w) else { return false };
        let zero = match e {
            E::FCMP_S_floatcmp | E::FCMPE_S_floatcmp | E::FCMP_D_floatcmp | E::FCMPE_D_floatcmp => false,
            E::FCMP_SZ_floatcmp | E::FCMPE_SZ_floatcmp | E::FCMP_DZ_floatcmp | E::FCMPE_DZ_floatcmp => true,
            _ => return false,
        };
        self.check_fp();
        self.clobber_flags();
        let n = self.read_vector(rn(w));
        let m = if zero {
            self.asm.vex(Vex::PXOR, T2, T2, T2);
            T2
        } else {
            self.read_vector(rm(w))
        };
        let mut retreat = self.retreat();
        self.compare(p, n, m, &mut retreat);
        self.rejoin_with_flags(retreat);
        true
    }

    /// The host's flags from two numbers, in the form that a subtraction leaves. Clobbers RAX and RCX.
    fn compare(&mut self, p: Precision, n: Xmm, m: Xmm, retreat: &mut Retreat) {
        self.asm.test_mem_imm(Size::B, FP_CAREFUL, MODE);
        self.asm.jcc(Cond::Ne, &mut retreat.entry);
        self.asm.vex2(p.of(Vex::UCOMISS, Vex::UCOMISD), n, m);
        self.asm.jcc(Cond::P, &mut retreat.entry);
        // 1 - 0, 0 - 0 or 0 - 1: N, Z and no carry as after a subtraction of integers that order alike.
        self.asm.set(Cond::A, Reg::Rax);
        self.asm.set(Cond::B, Reg::Rcx);
        self.asm.alu(Alu::Cmp, Size::B, Reg::Rax, Reg::Rcx);
    }

    /// As `rejoin`, where the instruction leaves NZCV in the host's flags.
    fn rejoin_with_flags(&mut self, retreat: Retreat) {
        self.flags = Flags::Live(Carry::Inverted);
        self.slow_flags.push(Slow {
            entry: retreat.entry,
            index: self.index,
            before: retreat.before,
            flags: retreat.flags,
            after: self.cache,
            back: self.asm.offset(),
            access: None,
        });
    }

    /// FCCMP and FCCMPE.
    pub(super) fn float_conditional_compare(&mut self, w: u32) -> bool {
        let Some(p) = scalar_precision(w) else { return false };
        self.check_fp();
        // The handler wants the flags that the condition is about.
        self.clobber_flags();
        let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        let mut retreat = self.retreat();
        let (mut other, mut end) = (Label::default(), Label::default());
        let cond = self.condition(w >> 12 & 15);
        if let Some(cond) = cond {
            self.asm.jcc(cond.invert(), &mut other);
        }
        self.compare(p, n, m, &mut retreat);
        if cond.is_some() {
            self.asm.jmp(&mut end);
            self.asm.bind(&mut other);
            self.set_flags(w & 15, Carry::Inverted);
            self.asm.bind(&mut end);
        }
        self.rejoin_with_flags(retreat);
        true
    }

    /// FCSEL.
    pub(super) fn float_select(&mut self, w: u32) -> bool {
        let Some(p) = scalar_precision(w) else { return false };
        self.check_fp();
        let (n, m) = (self.read_vector(rn(w)), self.read_vector(rm(w)));
        let to = self.write_vector(rd(w), p.width());
        let Some(cond) = self.condition(w >> 12 & 15) else {
            self.asm.vex_to_reg(p.size(), Reg::Rax, n);
            self.asm.vex_from_reg(p.size(), to, Reg::Rax);
            return true;
        };
        // Nothing from here on changes the host's flags.
        self.asm.vex_to_reg(p.size(), Reg::Rax, m);
        self.asm.vex_to_reg(p.size(), Reg::Rcx, n);
        self.asm.cmov(cond, p.size(), Reg::Rax, Reg::Rcx);
        self.asm.vex_from_reg(p.size(), to, Reg::Rax);
        true
    }
}
