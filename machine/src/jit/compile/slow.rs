//! Instructions by their handlers: in the block's straight line where there is no template, and out of line where one
//! gives up.

use super::memory::Site;
use super::registers::Cache;
use super::{Compiler, Flags, effects, is_vector};
use crate::jit::layout::{PC, STALE, STATE_PC};
use crate::jit::runtime::{NEXT, handler_address};
use crate::jit::x64::{Cond, Fixup, Label, Mem, Reg, Size};
use crate::mmu::Route;

/// The part of an instruction that is out of line: the interpreter executes it instead.
pub(super) struct Slow {
    pub(super) entry: Label,
    pub(super) index: u32,
    /// The registers and flags before the instruction.
    pub(super) before: Cache,
    pub(super) flags: Flags,
    /// The registers after it, and where to go on.
    pub(super) after: Cache,
    pub(super) back: usize,
    pub(super) access: Option<Accessed>,
}

/// The address that an instruction accesses.
#[derive(Clone, Copy)]
pub(super) enum Accessed {
    /// That of a load or store.
    At(Site, Route),
    /// An offset from VNCR_EL2.
    Slot(u16),
}

/// A look for code in a page that was written, which found some.
pub(super) struct CodeWrite {
    pub(super) from: Fixup,
    /// The host address and length of what was written.
    pub(super) first: Mem,
    pub(super) len: i32,
    /// Where to go on.
    pub(super) back: usize,
}

impl Compiler<'_> {
    /// Executes the current instruction by its handler.
    pub(super) fn by_helper(&mut self, stub: usize) {
        debug_assert!(
            effects::is_unknown(&self.source.ops[self.index as usize]),
            "what a handler does is not known"
        );
        self.prepare_helper(stub);
        self.asm.test(Size::D, Reg::Rax, Reg::Rax);
        let failure = self.asm.jcc_unbound(Cond::Ne);
        self.failures.push((failure, self.index + 1));
    }

    /// Calls the handler of the current instruction; its answer is in EAX.
    pub(super) fn prepare_helper(&mut self, stub: usize) {
        self.turns.calls();
        let flags = self.flags;
        // The flags first: storing registers leaves them alone, but not the other way round.
        self.store_flags(flags);
        self.flags = Flags::STATE;
        self.flush();
        self.call_handler(self.index, stub);
        // An FP or AdvSIMD instruction that did not trap has made the check; a system instruction may change it.
        self.fp_checked = is_vector(self.source.ops[self.index as usize].word);
        self.sp_checked = false;
    }

    pub(super) fn call_handler(&mut self, index: u32, stub: usize) {
        let op = self.source.ops[index as usize];
        self.asm.lea(Size::Q, Reg::Rax, Mem::new(PC, 4 * index.cast_signed()));
        self.asm.store(Size::Q, STATE_PC, Reg::Rax);
        self.asm.mov_imm(Reg::Rsi, u64::from(op.word));
        self.asm.mov_imm(Reg::Rdx, handler_address(op.handler));
        let stub = self.outside(stub);
        self.asm.call_offset(stub);
    }

    /// Emits what instructions do that their templates leave to handlers.
    pub(super) fn slow_parts(&mut self) {
        let mut parts = std::mem::take(&mut self.slow);
        for slow in &mut parts {
            self.slow_part(slow);
            self.keep_saved(slow.flags);
            self.asm.jmp_offset(slow.back);
        }
        self.slow = parts;
        let mut parts = std::mem::take(&mut self.slow_flags);
        for slow in &mut parts {
            self.slow_part(slow);
            self.load_flags();
            self.asm.jmp_offset(slow.back);
        }
        self.slow_flags = parts;
    }

    /// Emits calls for writes to pages of code, and what follows handlers that do not just go on.
    pub(super) fn after_handlers(&mut self) {
        let writes = std::mem::take(&mut self.code_writes);
        for write in &writes {
            let here = self.asm.offset();
            self.asm.patch(write.from, here);
            self.asm.lea(Size::Q, Reg::Rcx, write.first);
            self.asm.mov_imm(Reg::Rsi, write.len.cast_unsigned().into());
            let stub = self.outside(self.stubs.wrote_code);
            self.asm.call_offset(stub);
            self.asm.jmp_offset(write.back);
        }
        self.code_writes = writes;
        let leave_after = self.outside(self.stubs.leave_after);
        let failures = std::mem::take(&mut self.failures);
        for &(from, retired) in &failures {
            let here = self.asm.offset();
            self.asm.patch(from, here);
            self.asm.mov_imm(Reg::Rdx, u64::from(retired));
            self.asm.jmp_offset(leave_after);
        }
        self.failures = failures;
    }

    fn slow_part(&mut self, slow: &mut Slow) {
        self.asm.bind(&mut slow.entry);
        match slow.access {
            Some(Accessed::At(site, _)) => self.asm.lea(Size::Q, Reg::Rcx, site.mem()),
            Some(Accessed::Slot(offset)) => self.slot_address(offset),
            None => {}
        }
        self.store_flags(slow.flags);
        self.store_dirty(&slow.before);
        if self.guarded.contains(&slow.index) {
            self.asm.mov_imm(Reg::Rax, self.source.key.0);
            self.asm.store(Size::Q, STALE, Reg::Rax);
        }
        let mut stub = self.handler_stub(slow.index);
        if let Some(access) = slow.access
            && !self.lands(slow.index)
        {
            let route = match access {
                Accessed::At(_, route) => route,
                Accessed::Slot(_) => Route::Nv2,
            };
            self.asm.mov_imm(Reg::R8, route as u64);
            stub = self.stubs.call_access;
        }
        self.call_handler(slow.index, stub);
        self.asm.test(Size::D, Reg::Rax, Reg::Rax);
        let failure = self.asm.jcc_unbound(Cond::Ne);
        self.failures.push((failure, slow.index + 1));
        self.reload(&slow.after);
    }
}

const _: () = assert!(NEXT == 0, "generated code tests for zero");
