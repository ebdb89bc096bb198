//! System registers and masks of interrupts: what the access rules decide when code is compiled is tested again when it
//! runs, and left to the interpreter's handler where the answers differ.

use super::integer::rd;
use super::registers::SP;
use super::{Accessed, Compiler, SideExit, Slow};
use crate::interp;
use crate::jit::layout::{BTYPE, DAIF, HCR, NZCV, PC, SEEN_CODE, SEEN_PINS, STATE_PC, state};
use crate::jit::runtime::handler_address;
use crate::jit::x64::{Alu, Cond, Label, Mem, Reg, Shift, Size, Unary};
use crate::sysreg::{Effect, Guard, View, plan};
use droste_arch::fields::hcr_el2;
use droste_arch::sysreg::reserved::Masks;

/// HCR_EL2.VI, VF and VSE.
const VIRTUAL: u64 = hcr_el2::VI.mask() | hcr_el2::VF.mask() | hcr_el2::VSE.mask();
/// PSTATE.D among the interrupt masks.
const D: i32 = crate::cpu::PState::D as i32;

/// Whether it is MRS rather than MSR.
fn is_read(word: u32) -> bool {
    word >> 21 & 1 != 0
}

impl Compiler<'_> {
    /// Whether the current instruction has no effect.
    pub(super) fn does_nothing(&self) -> bool {
        interp::does_nothing(self.source.ops[self.index as usize].handler)
    }

    /// ISB: registers have taken effect when they were written, so that what is left is code that others have changed.
    pub(super) fn synchronise(&mut self) -> bool {
        let flags = self.flags;
        self.land();
        self.store_flags(flags);
        self.flush();
        let mut changed = Label::default();
        let epoch = self.source.cpu.machine.ram.code_epoch_address();
        self.asm.mov_imm(Reg::Rax, epoch);
        self.asm.load(Size::Q, Reg::Rax, Mem::new(Reg::Rax, 0));
        self.asm.alu_load(Alu::Cmp, Size::Q, Reg::Rax, SEEN_CODE);
        self.asm.jcc(Cond::Ne, &mut changed);
        let (retired, delta) = (self.index + 1, self.behind());
        self.go_to(retired, delta);
        self.asm.bind(&mut changed);
        self.leave_generated(retired, delta);
        self.ended = true;
        true
    }

    /// An instruction that takes an exception or returns from one, by its handler and what ends the block in one call.
    pub(super) fn change_level(&mut self) -> bool {
        if self.lands(self.index) {
            return false;
        }
        let flags = self.flags;
        self.store_flags(flags);
        self.flush();
        let op = self.source.ops[self.index as usize];
        self.asm.lea(Size::Q, Reg::Rax, Mem::new(PC, 4 * self.index.cast_signed()));
        self.asm.store(Size::Q, STATE_PC, Reg::Rax);
        self.asm.mov_imm(Reg::Rsi, u64::from(op.word));
        self.asm.mov_imm(Reg::Rdx, u64::from(self.index + 1));
        self.asm.mov_imm(Reg::Rcx, handler_address(op.handler));
        let stub = self.outside(self.stubs.call_last);
        self.asm.jmp_offset(stub);
        self.ended = true;
        true
    }

    /// MRS and MSR (register). Cost of a plain register: a compare of the Exception level, one or two instructions a
    /// test of its rules, and a move.
    pub(super) fn move_system(&mut self, word: u32) -> bool {
        let Some(plan) = plan(self.source.cpu, word) else { return false };
        self.clobber_flags();
        let t = rd(word);
        let source = match plan.effect {
            Effect::Read(view) => {
                if state(view.offset) == NZCV {
                    let flags = self.flags;
                    self.store_flags(flags);
                    self.flags = super::Flags::STATE;
                }
                (t != SP).then(|| self.prepare(t))
            }
            Effect::Zero => (t != SP).then(|| self.prepare(t)),
            Effect::Write(..) | Effect::Daif => (t != SP).then(|| self.read(t)),
            Effect::Slot(_) if is_read(word) => (t != SP).then(|| self.prepare(t)),
            Effect::Slot(_) => (t != SP).then(|| self.read(t)),
            Effect::Nothing => None,
        };
        let before = self.cache;
        let mut slow = Label::default();
        let level = self.source.key.level();
        let mut is_guarded = false;
        for guard in plan.guards.iter().filter(|guard| !guard.is_known(level)) {
            self.same_answer(guard, &mut slow);
            is_guarded = true;
        }
        match (plan.effect, source) {
            (Effect::Read(view), Some(to)) => {
                if state(view.offset) == NZCV {
                    self.nzcv_bits(to);
                } else {
                    self.load_view(to, view);
                }
                self.wrote(t);
            }
            (Effect::Zero, Some(to)) => {
                self.asm.mov_imm(to, 0);
                self.wrote(t);
            }
            (Effect::Write(view, masks), from) => self.store_view(view, masks, from),
            (Effect::Daif, from) => self.write_daif(from, &mut slow),
            (Effect::Slot(offset), to) if is_read(word) => {
                self.load_slot(offset, to);
                if to.is_some() {
                    self.wrote(t);
                }
            }
            (Effect::Slot(offset), from) => self.store_slot(offset, from),
            _ => {}
        }
        if is_guarded {
            self.guarded.push(self.index);
        } else if !matches!(plan.effect, Effect::Slot(_) | Effect::Daif) {
            return true;
        }
        self.finish_slow(slow, before);
        if let (Effect::Slot(offset), Some(slow)) = (plan.effect, self.slow.last_mut()) {
            slow.access = Some(Accessed::Slot(offset));
        }
        true
    }

    /// Goes to `slow` unless the test has the answer that it had.
    fn same_answer(&mut self, guard: &Guard, slow: &mut Label) {
        let Guard { view, mask, value, holds } = *guard;
        let differs = if holds { Cond::Ne } else { Cond::E };
        let asm = &mut self.asm;
        let (size, place, mask, value) = match (view.bytes, u32::try_from(mask), u32::try_from(mask >> 32)) {
            (1, Ok(mask), _) => (Size::B, state(view.offset), mask, value as u32),
            (_, Ok(mask), _) => (Size::D, state(view.offset), mask, value as u32),
            (_, _, Ok(high)) if mask << 32 == 0 => {
                (Size::D, state(view.offset + 4), high, (value >> 32) as u32)
            }
            _ => {
                asm.load(Size::Q, Reg::Rax, state(view.offset));
                asm.mov_imm(Reg::Rcx, mask);
                asm.alu(Alu::And, Size::Q, Reg::Rax, Reg::Rcx);
                asm.mov_imm(Reg::Rcx, value);
                asm.alu(Alu::Cmp, Size::Q, Reg::Rax, Reg::Rcx);
                return asm.jcc(differs, slow);
            }
        };
        if value == 0 {
            asm.test_mem_imm(size, place, mask.cast_signed());
            asm.jcc(differs, slow);
        } else if value == mask && mask.is_power_of_two() {
            asm.test_mem_imm(size, place, mask.cast_signed());
            asm.jcc(differs.invert(), slow);
        } else {
            asm.load(size, Reg::Rax, place);
            asm.alu_imm(Alu::And, Size::D, Reg::Rax, mask.cast_signed());
            asm.alu_imm(Alu::Cmp, Size::D, Reg::Rax, value.cast_signed());
            asm.jcc(differs, slow);
        }
    }

    fn load_view(&mut self, to: Reg, view: View) {
        let size = match view.bytes {
            1 => Size::B,
            4 => Size::D,
            _ => Size::Q,
        };
        self.asm.load(size, to, state(view.offset));
        if view.shift != 0 {
            self.asm.shift_imm(Shift::Shl, Size::Q, to, view.shift);
        }
    }

    /// Stores what `masks` leave of a register, or of zero, to a view of eight bytes.
    fn store_view(&mut self, view: View, masks: Masks, from: Option<Reg>) {
        let place = state(view.offset);
        match from {
            Some(from) if masks == Masks::ALL => self.asm.store(Size::Q, place, from),
            Some(from) => {
                self.asm.mov_imm(Reg::Rax, masks.writable);
                self.asm.alu(Alu::And, Size::Q, Reg::Rax, from);
                if masks.ones != 0 {
                    self.asm.mov_imm(Reg::Rcx, masks.ones);
                    self.asm.alu(Alu::Or, Size::Q, Reg::Rax, Reg::Rcx);
                }
                self.asm.store(Size::Q, place, Reg::Rax);
            }
            None => {
                self.asm.mov_imm(Reg::Rax, masks.ones);
                self.asm.store(Size::Q, place, Reg::Rax);
            }
        }
    }

    /// Lets a slow path come back here, with the registers as they are now.
    fn finish_slow(&mut self, entry: Label, before: super::Cache) {
        self.slow.push(Slow {
            access: None,
            entry,
            index: self.index,
            before,
            flags: self.flags,
            after: self.cache,
            back: self.asm.offset(),
        });
    }

    /// MSR DAIF: a change of D concerns software step, and what is unmasked ends the block.
    fn write_daif(&mut self, from: Option<Reg>, slow: &mut Label) {
        let asm = &mut self.asm;
        match from {
            Some(from) => asm.mov(Size::D, Reg::Rax, from),
            None => asm.mov_imm(Reg::Rax, 0),
        }
        asm.shift_imm(Shift::Shr, Size::D, Reg::Rax, 6);
        asm.alu_imm(Alu::And, Size::D, Reg::Rax, 0xf);
        asm.load(Size::B, Reg::Rcx, DAIF);
        asm.mov(Size::D, Reg::Rdx, Reg::Rax);
        asm.alu(Alu::Xor, Size::D, Reg::Rdx, Reg::Rcx);
        asm.test_imm(Size::D, Reg::Rdx, D);
        asm.jcc(Cond::Ne, slow);
        asm.store(Size::B, DAIF, Reg::Rax);
        self.land();
        let asm = &mut self.asm;
        asm.unary(Unary::Not, Size::D, Reg::Rax);
        asm.test(Size::D, Reg::Rax, Reg::Rcx);
        let from = asm.jcc_unbound(Cond::Ne);
        self.unmasks.push(SideExit {
            from,
            cache: self.cache,
            flags: self.flags,
            retired: self.index + 1,
            delta: self.behind(),
        });
    }

    /// Clears PSTATE.BTYPE where the current instruction may leave the block before others do that. Leaves the flags alone.
    fn land(&mut self) {
        if self.lands(self.index) {
            self.asm.store_imm(Size::B, BTYPE, 0);
        }
    }

    /// Distance of the next instruction from the block's start.
    fn behind(&self) -> i64 {
        4 * (i64::from(self.index) + 1)
    }

    /// MSR (immediate) of DAIFSet and DAIFClr, but at EL0.
    pub(super) fn move_immediate(&mut self, word: u32) -> bool {
        let imm = (word >> 8 & 0xf).cast_signed();
        // Debug exceptions follow PSTATE.D at once.
        if imm & D != 0 {
            return false;
        }
        let set = match (word >> 16 & 7, word >> 5 & 7) {
            (3, 6) => true,
            (3, 7) => false,
            _ => return false,
        };
        // There it may trap.
        if self.source.key.level().el() == 0 {
            return false;
        }
        self.clobber_flags();
        if set {
            self.asm.alu_mem_imm(Alu::Or, Size::B, DAIF, imm);
            return true;
        }
        self.asm.alu_mem_imm(Alu::And, Size::B, DAIF, 0xf & !imm);
        let (flags, retired, behind) = (self.flags, self.index + 1, self.behind());
        self.land();
        self.store_flags(flags);
        self.flush();
        self.unmasked(retired, behind);
        self.ended = true;
        true
    }

    /// Goes on after interrupts were unmasked: in generated code only if none can be pending.
    pub(super) fn unmasked(&mut self, retired: u32, delta: i64) {
        let mut pending = Label::default();
        self.asm.alu_mem_imm(Alu::Cmp, Size::D, SEEN_PINS, 0);
        self.asm.jcc(Cond::Ne, &mut pending);
        self.asm.test_mem_imm(Size::D, HCR, VIRTUAL as i32);
        self.asm.jcc(Cond::Ne, &mut pending);
        self.go_to(retired, delta);
        self.asm.bind(&mut pending);
        self.leave_generated(retired, delta);
    }

    /// Leaves generated code, when everything has been stored.
    fn leave_generated(&mut self, retired: u32, delta: i64) {
        self.spend(retired);
        self.asm.lea(Size::Q, PC, Mem::new(PC, delta as i32));
        let leave = self.outside(self.stubs.leave);
        self.asm.jmp_offset(leave);
    }
}
