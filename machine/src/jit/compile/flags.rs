//! NZCV: in the host's flags as long as no other instruction needs those, then saved, and converted to the guest's
//! form only where somebody else looks.

use super::Compiler;
use crate::interp::condition_holds;
use crate::jit::layout::{FLAGS, NZCV};
use crate::jit::x64::{Alu, Cond, Reg, Shift, Size};

/// What the host's carry means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Carry {
    /// C.
    Plain,
    /// The opposite of C, as after a subtraction.
    Inverted,
}

/// Where NZCV is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flags {
    /// In the CPU's state.
    Memory,
    /// In the host's flags.
    Live(Carry),
    /// In the place for saved flags.
    Saved(Carry),
}

impl Compiler<'_> {
    /// Saves NZCV before an instruction that changes the host's flags. Clobbers RAX.
    pub(super) fn clobber_flags(&mut self) {
        if let Flags::Live(carry) = self.flags {
            self.asm.load_flags();
            self.asm.set(Cond::O, Reg::Rax);
            self.asm.store(Size::D, FLAGS, Reg::Rax);
            self.flags = Flags::Saved(carry);
        }
    }

    /// Stores NZCV in the CPU's state. Clobbers RAX and the host's flags.
    pub(super) fn store_flags(&mut self, flags: Flags) {
        let carry = match flags {
            Flags::Memory => return,
            Flags::Live(carry) => {
                self.asm.load_flags();
                self.asm.set(Cond::O, Reg::Rax);
                carry
            }
            Flags::Saved(carry) => {
                self.asm.load(Size::D, Reg::Rax, FLAGS);
                carry
            }
        };
        // SF, ZF, CF and OF are bits 15, 14, 8 and 0. The product has them in bits 31 to 28, and nothing carries there.
        self.asm.alu_imm(Alu::And, Size::D, Reg::Rax, 0xc101);
        self.asm.imul_imm(Size::D, Reg::Rax, Reg::Rax, 0x1021_0000);
        self.asm.alu_imm(Alu::And, Size::D, Reg::Rax, 0xf000_0000_u32.cast_signed());
        if carry == Carry::Inverted {
            self.asm.alu_imm(Alu::Xor, Size::D, Reg::Rax, 1 << 29);
        }
        self.asm.store(Size::D, NZCV, Reg::Rax);
    }

    /// Puts NZCV from the CPU's state into the host's flags, with the carry inverted. Clobbers RAX, RCX and RDX.
    pub(super) fn load_flags(&mut self) {
        self.asm.load(Size::D, Reg::Rax, NZCV);
        self.asm.alu_imm(Alu::Xor, Size::D, Reg::Rax, 1 << 29);
        self.asm.mov(Size::D, Reg::Rcx, Reg::Rax);
        self.asm.shift_imm(Shift::Shr, Size::D, Reg::Rcx, 28);
        self.asm.alu_imm(Alu::And, Size::D, Reg::Rcx, 1);
        // N, Z and C to bits 15, 14 and 8; V to bit 0.
        self.asm.mov(Size::D, Reg::Rdx, Reg::Rax);
        self.asm.shift_imm(Shift::Shr, Size::D, Reg::Rax, 16);
        self.asm.alu_imm(Alu::And, Size::D, Reg::Rax, 0xc000);
        self.asm.shift_imm(Shift::Shr, Size::D, Reg::Rdx, 21);
        self.asm.alu_imm(Alu::And, Size::D, Reg::Rdx, 0x100);
        self.asm.alu(Alu::Or, Size::D, Reg::Rax, Reg::Rdx);
        self.asm.alu(Alu::Or, Size::D, Reg::Rax, Reg::Rcx);
        self.restore();
    }

    /// Puts saved flags, which are in EAX, back into the host's.
    fn restore(&mut self) {
        // 1 + 127 overflows, 0 + 127 does not.
        self.asm.alu_imm(Alu::Add, Size::B, Reg::Rax, 127);
        self.asm.store_flags();
    }

    /// Puts constant flags into the host's. Clobbers RAX.
    pub(super) fn set_flags(&mut self, nzcv: u32, carry: Carry) {
        let bit = |n: u32| nzcv >> n & 1;
        let host_carry = bit(1) ^ u32::from(carry == Carry::Inverted);
        self.asm
            .mov_imm_keep_flags(Reg::Rax, u64::from(bit(3) << 15 | bit(2) << 14 | host_carry << 8 | bit(0)));
        self.restore();
    }

    /// Computes a condition; answers the host's for it, or nothing if it always holds. Clobbers RAX and RCX.
    pub(super) fn condition(&mut self, condition: u32) -> Option<Cond> {
        if condition >= 14 {
            return None;
        }
        let mut carry = match self.flags {
            Flags::Memory => {
                let holds = (0..16).filter(|&nzcv| condition_holds(nzcv << 28, condition));
                let set = holds.fold(0, |set, nzcv| set | 1_u64 << nzcv);
                self.asm.load(Size::D, Reg::Rcx, NZCV);
                self.asm.shift_imm(Shift::Shr, Size::D, Reg::Rcx, 28);
                self.asm.mov_imm(Reg::Rax, set);
                self.asm.bit_test_reg(Size::D, Reg::Rax, Reg::Rcx);
                return Some(Cond::B);
            }
            Flags::Live(carry) => carry,
            Flags::Saved(carry) => {
                self.asm.load(Size::D, Reg::Rax, FLAGS);
                self.restore();
                carry
            }
        };
        if carry == Carry::Plain && condition >> 1 == 4 {
            self.asm.complement_carry();
            carry = Carry::Inverted;
        }
        self.flags = Flags::Live(carry);
        let base = match condition >> 1 {
            0 => Cond::E,
            1 if carry == Carry::Inverted => Cond::Ae,
            1 => Cond::B,
            2 => Cond::S,
            3 => Cond::O,
            4 => Cond::A,
            5 => Cond::Ge,
            _ => Cond::G,
        };
        Some(if condition & 1 != 0 { base.invert() } else { base })
    }

    /// Puts C, or its opposite, into the host's carry; the other flags are lost. Clobbers RAX.
    pub(super) fn load_carry(&mut self, wanted: Carry) {
        let have = match self.flags {
            Flags::Memory => {
                self.asm.load(Size::D, Reg::Rax, NZCV);
                self.asm.bit_test(Size::D, Reg::Rax, 29);
                Carry::Plain
            }
            Flags::Live(carry) => carry,
            Flags::Saved(carry) => {
                self.asm.load(Size::D, Reg::Rax, FLAGS);
                self.asm.bit_test(Size::D, Reg::Rax, 8);
                carry
            }
        };
        if have != wanted {
            self.asm.complement_carry();
        }
    }
}
