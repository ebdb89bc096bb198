//! Ways out of a block: direct jumps, which are linked later, and exits from the middle.

use super::registers::Cache;
use super::{Compiler, Flags};
use crate::jit::blocks::{Exit, Guard, Id, Target};
use crate::jit::layout::{BUDGET, CPU, PC, fetch_id_displacement};
use crate::jit::x64::{Alu, Cond, Fixup, Mem, Reg, Size};

/// A direct jump out of the block, before it is known where it asks to be linked.
pub(super) struct Jump {
    site: Fixup,
    target: Target,
    /// Where the guard of a jump to another page fails.
    misses: Option<[Fixup; 2]>,
}

/// A way out of the middle of a block.
pub(super) struct SideExit {
    pub(super) from: Fixup,
    pub(super) cache: Cache,
    pub(super) flags: Flags,
    pub(super) retired: u32,
    /// Distance of the target from the block's start.
    pub(super) delta: i64,
}

impl Compiler<'_> {
    /// Leaves the block to the instruction at a distance from its start, with everything in the cache stored first.
    pub(super) fn leave_block(&mut self, retired: u32, delta: i64) {
        let flags = self.flags;
        if delta == 0 {
            let cache = self.cache;
            self.note_jump(delta, &cache);
            if self.turn(retired, delta, &cache, flags) {
                return;
            }
        }
        self.store_flags(flags);
        self.flush();
        self.go_to(retired, delta);
    }

    /// The same when everything has been stored.
    pub(super) fn go_to(&mut self, retired: u32, delta: i64) {
        let leave = self.outside(self.stubs.leave);
        self.spend(retired);
        if delta != 0 {
            self.asm.lea(Size::Q, PC, Mem::new(PC, delta as i32));
        }
        self.asm.jcc_offset(Cond::Le, leave);
        let key = self.source.key;
        let at = (key.pa() & 0xfff).cast_signed() + delta;
        let (target, misses) = if (0..4096).contains(&at) {
            (Target::Near(key.sibling(delta)), None)
        } else {
            let guard = self.base + self.asm.offset();
            (Target::Far(guard as u32), Some(self.guard()))
        };
        let site = self.asm.jmp_unbound();
        self.jumps.push(Jump { site, target, misses });
    }

    /// Counts retired instructions; the flags say what is left.
    pub(super) fn spend(&mut self, retired: u32) {
        self.asm.alu_imm(Alu::Sub, Size::Q, BUDGET, retired.cast_signed());
    }

    /// Goes on only if the PC and the id of fetches are those that will be filled in when the jump behind is linked.
    fn guard(&mut self) -> [Fixup; 2] {
        let start = self.asm.offset();
        self.asm.mov_imm_keep_flags(Reg::Rax, Guard::NEVER);
        self.asm.alu(Alu::Cmp, Size::Q, Reg::Rax, PC);
        let other_pc = self.asm.jcc_unbound(Cond::Ne);
        self.asm.mov_imm_keep_flags(Reg::Rax, Guard::NEVER);
        self.asm.alu_load(Alu::Cmp, Size::Q, Reg::Rax, Mem::new(CPU, fetch_id_displacement(0)));
        let other_id = self.asm.jcc_unbound(Cond::Ne);
        debug_assert_eq!(self.asm.offset() - start, Guard::BYTES);
        [other_pc, other_id]
    }

    /// Emits the exits from the middle.
    pub(super) fn side_exits(&mut self) {
        let exits = std::mem::take(&mut self.exits);
        for exit in &exits {
            let here = self.asm.offset();
            self.asm.patch(exit.from, here);
            if self.turn(exit.retired, exit.delta, &exit.cache, exit.flags) {
                continue;
            }
            self.store_flags(exit.flags);
            self.store_dirty(&exit.cache);
            self.go_to(exit.retired, exit.delta);
        }
        self.exits = exits;
        let exits = std::mem::take(&mut self.unmasks);
        for exit in &exits {
            let here = self.asm.offset();
            self.asm.patch(exit.from, here);
            self.store_flags(exit.flags);
            self.store_dirty(&exit.cache);
            self.unmasked(exit.retired, exit.delta);
        }
        self.unmasks = exits;
    }

    /// Emits where the direct jumps ask to be linked, and adds them to `exits`.
    pub(super) fn asks(&mut self, first_exit: Id, exits: &mut Vec<Exit>) {
        let leave_to_link = self.outside(self.stubs.leave_to_link);
        let branch_or_link = self.outside(self.stubs.branch_or_link);
        for (number, jump) in self.jumps.iter().enumerate() {
            let id = first_exit.plus(number).bits();
            for miss in jump.misses.into_iter().flatten() {
                let here = self.asm.offset();
                self.asm.patch(miss, here);
            }
            if jump.misses.is_some() {
                self.asm.mov_imm(Reg::Rax, u64::from(id));
                self.asm.jmp_offset(branch_or_link);
            }
            let ask = self.asm.offset();
            self.asm.patch(jump.site, ask);
            self.asm.mov_imm(Reg::Rax, u64::from(id));
            self.asm.jmp_offset(leave_to_link);
            let at = |offset: usize| (self.base + offset) as u32;
            exits.push(Exit { site: at(jump.site.0), ask: at(ask), target: jump.target });
        }
    }
}
