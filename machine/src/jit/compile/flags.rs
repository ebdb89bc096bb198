//! NZCV: in the host's flags as long as no other instruction needs those, then saved in the CPU's state, if anybody can
//! still look at it.

use super::Compiler;
use super::effects::are_dead;
use crate::cpu::Nzcv;
use crate::jit::layout::NZCV;
use crate::jit::x64::{Alu, Cond, Mem, Reg, Size};

/// What the host's carry, or the one in the CPU's state, means.
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
    /// In the CPU's state, which is right for others only with the carry inverted.
    Saved(Carry),
    /// In the host's flags.
    Live(Carry),
    /// In both, alike.
    Both(Carry),
}

impl Flags {
    /// In the CPU's state, in the form that everybody knows: where blocks begin and end, and handlers look.
    pub(super) const STATE: Flags = Flags::Saved(Carry::Inverted);

    /// Whether the host's flags have it.
    pub(super) fn are_live(self) -> bool {
        !matches!(self, Flags::Saved(_))
    }
}

/// The byte of the CPU's state that has N, Z and the carry, and which bits they are there.
const HIGH: Mem = NZCV.plus(1);
const N: i32 = (Nzcv::N >> 8).cast_signed();
const Z: i32 = (Nzcv::Z >> 8).cast_signed();
const CARRY: i32 = (Nzcv::NOT_C >> 8).cast_signed();
const V: i32 = Nzcv::V.cast_signed();

/// N, Z, C and V, from bits 3 to 0, as they are saved.
pub(super) fn saved(nzcv: u32, carry: Carry) -> u64 {
    let other = if carry == Carry::Plain { Nzcv::NOT_C } else { 0 };
    u64::from(Nzcv::from_bits(nzcv << 28).stored() ^ other)
}

impl Compiler<'_> {
    /// Makes way for an instruction that changes the host's flags: saves NZCV unless nobody looks at it any more. Clobbers
    /// RAX.
    pub(super) fn clobber_flags(&mut self) {
        match self.flags {
            Flags::Saved(_) => {}
            Flags::Both(carry) => self.flags = Flags::Saved(carry),
            Flags::Live(carry) => {
                if !self.flags_are_dead() {
                    self.save();
                }
                self.flags = Flags::Saved(carry);
            }
        }
    }

    /// Whether NZCV as it is before the current instruction is not looked at, by it or by any after it.
    fn flags_are_dead(&self) -> bool {
        are_dead(&self.source.ops[self.index as usize..])
    }

    /// Whether the host's flags have NZCV and it should stay there: a form of the current instruction that leaves the flags
    /// alone is worth more instructions.
    pub(super) fn keeps_flags(&self) -> bool {
        matches!(self.flags, Flags::Live(_)) && self.source.host.bmi && !self.flags_are_dead()
    }

    /// Puts the host's flags into the CPU's state, as they are. Clobbers RAX.
    fn save(&mut self) {
        self.asm.load_flags();
        self.asm.set(Cond::O, Reg::Rax);
        self.asm.store(Size::D, NZCV, Reg::Rax);
    }

    /// Puts NZCV into the CPU's state, in the form that everybody knows. Clobbers RAX and the host's flags.
    pub(super) fn store_flags(&mut self, flags: Flags) {
        match flags {
            Flags::Saved(Carry::Inverted) | Flags::Both(Carry::Inverted) => {}
            Flags::Saved(Carry::Plain) | Flags::Both(Carry::Plain) => {
                self.asm.alu_mem_imm(Alu::Xor, Size::B, HIGH, CARRY);
            }
            Flags::Live(carry) => {
                if carry == Carry::Plain {
                    self.asm.complement_carry();
                }
                self.save();
            }
        }
    }

    /// Puts NZCV, which a handler has left alone since [`Compiler::store_flags`], back into the form that it was saved in.
    pub(super) fn keep_saved(&mut self, flags: Flags) {
        if flags == Flags::Saved(Carry::Plain) {
            self.asm.alu_mem_imm(Alu::Xor, Size::B, HIGH, CARRY);
        }
    }

    /// Puts NZCV from the CPU's state into the host's flags. Clobbers RAX.
    pub(super) fn load_flags(&mut self) {
        self.asm.load(Size::D, Reg::Rax, NZCV);
        self.restore();
    }

    /// NZCV as the register has it, from the CPU's state in the form that everybody knows. Changes the host's flags.
    pub(super) fn nzcv_bits(&mut self, to: Reg) {
        self.asm.load(Size::D, to, NZCV);
        self.asm.alu_imm(Alu::And, Size::D, to, Nzcv::STORED.cast_signed());
        self.asm.imul_imm(Size::D, to, to, Nzcv::TO_BITS.cast_signed());
        self.asm.alu_imm(Alu::And, Size::D, to, Nzcv::MASK.cast_signed());
        self.asm.alu_imm(Alu::Xor, Size::D, to, Nzcv::C.cast_signed());
    }

    /// Puts saved flags, which are in EAX, into the host's.
    fn restore(&mut self) {
        // 1 + 127 overflows, 0 + 127 does not.
        self.asm.alu_imm(Alu::Add, Size::B, Reg::Rax, 127);
        self.asm.store_flags();
    }

    /// Puts constant flags into the host's. Clobbers RAX.
    pub(super) fn set_flags(&mut self, nzcv: u32, carry: Carry) {
        self.asm.mov_imm_keep_flags(Reg::Rax, saved(nzcv, carry));
        self.restore();
    }

    /// Computes a condition; answers the host's for it, or nothing if it always holds. Clobbers RAX.
    pub(super) fn condition(&mut self, condition: u32) -> Option<Cond> {
        if condition >= 14 {
            return None;
        }
        let holds = match self.flags {
            Flags::Saved(carry) => match self.saved_condition(condition & 14, carry) {
                Some(holds) => holds,
                None => {
                    self.load_flags();
                    self.flags = Flags::Both(carry);
                    self.live_condition(condition & 14, carry)
                }
            },
            Flags::Live(carry) | Flags::Both(carry) => self.live_condition(condition & 14, carry),
        };
        Some(if condition & 1 != 0 { holds.invert() } else { holds })
    }

    /// An even condition of the host's flags.
    fn live_condition(&mut self, condition: u32, mut carry: Carry) -> Cond {
        if carry == Carry::Plain && condition >> 1 == 4 {
            self.asm.complement_carry();
            carry = Carry::Inverted;
            self.flags = Flags::Live(carry);
        }
        match condition >> 1 {
            0 => Cond::E,
            1 if carry == Carry::Inverted => Cond::Ae,
            1 => Cond::B,
            2 => Cond::S,
            3 => Cond::O,
            4 => Cond::A,
            5 => Cond::Ge,
            _ => Cond::G,
        }
    }

    /// An even condition of saved flags, if one instruction can test it where they are.
    fn saved_condition(&mut self, condition: u32, carry: Carry) -> Option<Cond> {
        let (place, bits, holds) = match condition >> 1 {
            0 => (HIGH, Z, Cond::Ne),
            1 if carry == Carry::Inverted => (HIGH, CARRY, Cond::E),
            1 => (HIGH, CARRY, Cond::Ne),
            2 => (HIGH, N, Cond::Ne),
            3 => (NZCV, V, Cond::Ne),
            4 if carry == Carry::Inverted => (HIGH, CARRY | Z, Cond::E),
            _ => return None,
        };
        self.asm.test_mem_imm(Size::B, place, bits);
        Some(holds)
    }

    /// Puts C, or its opposite, into the host's carry; the other flags are lost.
    pub(super) fn load_carry(&mut self, wanted: Carry) {
        let (Flags::Saved(have) | Flags::Live(have) | Flags::Both(have)) = self.flags;
        if !self.flags.are_live() {
            self.asm.bit_test_mem(Size::D, NZCV, Nzcv::NOT_C.trailing_zeros() as u8);
        }
        if have != wanted {
            self.asm.complement_carry();
        }
    }
}
