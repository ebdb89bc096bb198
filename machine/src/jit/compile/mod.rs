//! The block compiler: one template an instruction, the interpreter's handler where there is none.

mod branches;
mod detours;
mod flags;
mod fp;
mod integer;
mod loops;
mod memory;
mod multiply;
mod pointers;
mod registers;
mod simd;
mod system;
mod vectors;
mod vncr;

use self::detours::Way;
use self::flags::Flags;
use self::loops::Loop;
use self::memory::{Detour, Member, Site, plan};
use self::registers::Cache;
use super::blocks::{Exit, Guard, Id, Key, Target};
use super::host::Host;
use super::layout::{BTYPE, BUDGET, CPU, PC, STALE, STATE_PC, fetch_id_displacement};
use super::runtime::{NEXT, handler_address};
use super::stubs::Stubs;
use super::x64::{Alu, Assembler, Cond, Fixup, Label, Mem, Reg, Size};
use crate::cpu::Vcpu;
use crate::interp::Op;
use crate::mmu::Route;
use droste_arch::a64::{Encoding, Group};

/// What a block is made of.
pub(super) struct Source<'a> {
    /// The CPU, for what is decided when code is compiled and tested when it runs.
    pub(super) cpu: &'a Vcpu,
    pub(super) key: Key,
    pub(super) ops: &'a [Op],
    /// Whether the CPU has FEAT_BTI, and FEAT_PMULL.
    pub(super) has_bti: bool,
    pub(super) has_pmull: bool,
    pub(super) host: Host,
    /// Whether no other CPU of the machine executes at the same time.
    pub(super) alone: bool,
    /// Physical address of RAM less its host address.
    pub(super) physical_less_host: u64,
}

/// A direct jump out of the block, before it is known where it asks to be linked.
struct Jump {
    site: Fixup,
    target: Target,
    /// Where the guard of a jump to another page fails.
    misses: Option<[Fixup; 2]>,
}

/// The part of an instruction that is out of line: the interpreter executes it instead.
struct Slow {
    entry: Label,
    index: u32,
    /// The registers and flags before the instruction.
    before: Cache,
    flags: Flags,
    /// The registers after it, and where to go on.
    after: Cache,
    back: usize,
    access: Option<Accessed>,
}

/// The address that an instruction accesses.
#[derive(Clone, Copy)]
enum Accessed {
    /// That of a load or store.
    At(Site, Route),
    /// An offset from VNCR_EL2.
    Slot(u16),
}

/// A look for code in a page that was written, which found some.
struct CodeWrite {
    from: Fixup,
    /// The host address and length of what was written.
    first: Mem,
    len: i32,
    /// Where to go on.
    back: usize,
}

/// A way out of the middle of a block.
struct SideExit {
    from: Fixup,
    cache: Cache,
    flags: Flags,
    retired: u32,
    /// Distance of the target from the block's start.
    delta: i64,
}

struct Compiler<'a> {
    asm: Assembler<'a>,
    /// Offset in the region of the start of the assembler's buffer.
    base: usize,
    stubs: &'a Stubs,
    source: &'a Source<'a>,
    cache: Cache,
    flags: Flags,
    /// Number of the current instruction.
    index: u32,
    /// Whether an instruction before this one has found that FP and AdvSIMD instructions do not trap.
    fp_checked: bool,
    /// The block as a loop.
    turns: Loop,
    /// Whether SP is known to be aligned, or need not be.
    sp_checked: bool,
    slow: Vec<Slow>,
    /// The same for instructions that leave NZCV in the host's flags.
    slow_flags: Vec<Slow>,
    ways: Vec<Way>,
    exits: Vec<SideExit>,
    /// The same where interrupts were unmasked.
    unmasks: Vec<SideExit>,
    /// Instructions whose slow path means that they were decided in another way.
    guarded: Vec<u32>,
    /// The current instruction is the last of the block.
    ended: bool,
    /// Instructions by helper that do not just go on: the jump, and its number.
    failures: Vec<(Fixup, u32)>,
    code_writes: Vec<CodeWrite>,
    /// The spans that accesses are part of.
    spans: Vec<Option<Member>>,
    /// A bit for each span whose first access has been emitted.
    led: u64,
    detours: Vec<Detour>,
    jumps: Vec<Jump>,
}

/// Compiles a block into `buffer`, whose place in the region is `base`; answers its length and the direct jumps out of
/// it, which are numbered from `first_exit`.
pub(super) fn compile(
    buffer: &mut [u8],
    base: usize,
    stubs: &Stubs,
    source: &Source<'_>,
    first_exit: Id,
) -> (usize, Vec<Exit>) {
    let mut compiler = Compiler::new(buffer, base, stubs, source);
    compiler.passes();
    let exits = compiler.out_of_line(first_exit);
    assert!(!compiler.asm.is_full(), "the buffer has room for the longest block");
    (compiler.asm.offset(), exits)
}

/// Whether the only instruction of a block has a template.
#[cfg(test)]
pub(super) fn has_template(stubs: &Stubs, source: &Source<'_>) -> bool {
    let mut buffer = [0; 4096];
    let mut compiler = Compiler::new(&mut buffer, 0, stubs, source);
    let op = source.ops[0];
    op.encoding.is_some_and(|e| compiler.template(e, op.word))
}

impl<'a> Compiler<'a> {
    fn new(buffer: &'a mut [u8], base: usize, stubs: &'a Stubs, source: &'a Source<'a>) -> Compiler<'a> {
        Compiler {
            asm: Assembler::new(buffer),
            base,
            stubs,
            source,
            cache: Cache::default(),
            flags: Flags::Memory,
            index: 0,
            fp_checked: false,
            sp_checked: false,
            turns: Loop::default(),
            slow: Vec::new(),
            slow_flags: Vec::new(),
            ways: Vec::new(),
            exits: Vec::new(),
            unmasks: Vec::new(),
            guarded: Vec::new(),
            ended: false,
            failures: Vec::new(),
            code_writes: Vec::new(),
            spans: plan(source.ops),
            led: 0,
            detours: Vec::new(),
            jumps: Vec::new(),
        }
    }
}

impl Compiler<'_> {
    /// An offset in the region as one from the start of the buffer.
    fn outside(&self, offset: usize) -> usize {
        offset.wrapping_sub(self.base)
    }

    /// Forgets what was emitted.
    fn restart(&mut self) {
        self.asm.rewind();
        self.cache = Cache::default();
        self.flags = Flags::Memory;
        self.fp_checked = false;
        self.sp_checked = false;
        self.led = 0;
        self.detours.clear();
        self.slow.clear();
        self.slow_flags.clear();
        self.ways.clear();
        self.exits.clear();
        self.unmasks.clear();
        self.guarded.clear();
        self.ended = false;
        self.failures.clear();
        self.code_writes.clear();
        self.jumps.clear();
    }

    fn instructions(&mut self) {
        let source = self.source;
        for (index, op) in source.ops.iter().enumerate() {
            self.index = index as u32;
            let word = op.word;
            let encoding = op.encoding;
            let lands = self.lands(self.index);
            // An instruction that leaves the block never faults before; others may, with BTYPE as it was.
            if lands && leaves_by_template(word) {
                self.asm.store_imm(Size::B, BTYPE, 0);
            }
            if !encoding.is_some_and(|e| self.template(e, word)) {
                self.by_helper(self.handler_stub(self.index));
            } else if lands && !leaves_by_template(word) {
                self.asm.store_imm(Size::B, BTYPE, 0);
            }
            self.unlock();
            if self.ended {
                return;
            }
        }
        let last = source.ops[source.ops.len() - 1].word;
        if !always_leaves(last) {
            self.leave_block(source.ops.len() as u32, 4 * source.ops.len() as i64);
        }
    }

    /// Whether an instruction is one that an indirect branch enters, with PSTATE.BTYPE set.
    fn lands(&self, index: u32) -> bool {
        index == 0 && self.source.key.is_landing()
    }

    /// The stub that calls the handler of an instruction.
    fn handler_stub(&self, index: u32) -> usize {
        if self.lands(index) { self.stubs.call_target } else { self.stubs.call_handler }
    }

    /// Emits an instruction's template, if there is one.
    fn template(&mut self, encoding: Encoding, word: u32) -> bool {
        match encoding.group() {
            Group::DpimmAddsubImm => self.add_immediate(word),
            Group::DpregAddsubShift => self.add_shifted(word),
            Group::DpregAddsubExt => self.add_extended(word),
            Group::DpregAddsubCarry => self.add_carry(word),
            Group::DpimmLogImm => self.logical_immediate(word),
            Group::DpregLogShift => self.logical_shifted(word),
            Group::DpimmMovewide => self.move_wide(word),
            Group::DpimmBitfield => self.bitfield(word),
            Group::DpimmExtract => self.extract(word),
            Group::DpimmPcreladdr => self.pc_relative(word),
            Group::DpregCondsel => self.select(word),
            Group::DpregCondcmpImm | Group::DpregCondcmpReg => self.conditional_compare(word),
            Group::DpregDp3src => self.multiply(encoding, word),
            Group::DpregDp2src => self.two_sources(encoding, word),
            Group::DpregDp1src => self.one_source(encoding, word) || self.pointer(encoding, word),
            Group::ControlBranchImm => self.branch_immediate(word),
            Group::ControlCondbranch if encoding == Encoding::B_only_condbranch => {
                self.branch_conditional(word)
            }
            Group::ControlCompbranch => self.compare_and_branch(word),
            Group::ControlTestbranch => self.test_and_branch(word),
            Group::ControlBranchReg => self.branch_register(word),
            Group::ControlHints => self.does_nothing() || self.pointer(encoding, word),
            Group::ControlSystemmove => self.move_system(word),
            Group::ControlPstate if encoding == Encoding::MSR_SI_pstate => self.move_immediate(word),
            Group::ControlBarriers if encoding == Encoding::SB_only_barriers => self.does_nothing(),
            _ if is_vector(word) => self.simd(encoding, word) || self.float(encoding, word),
            _ => self.memory(encoding, word),
        }
    }

    /// Executes the current instruction by its handler.
    fn by_helper(&mut self, stub: usize) {
        self.prepare_helper(stub);
        self.asm.test(Size::D, Reg::Rax, Reg::Rax);
        let failure = self.asm.jcc_unbound(Cond::Ne);
        self.failures.push((failure, self.index + 1));
    }

    /// Calls the handler of the current instruction; its answer is in EAX.
    fn prepare_helper(&mut self, stub: usize) {
        self.turns.calls();
        let flags = self.flags;
        // The flags first: storing registers leaves them alone, but not the other way round.
        self.store_flags(flags);
        self.flags = Flags::Memory;
        self.flush();
        self.call_handler(self.index, stub);
        // An FP or AdvSIMD instruction that did not trap has made the check; a system instruction may change it.
        self.fp_checked = is_vector(self.source.ops[self.index as usize].word);
        self.sp_checked = false;
    }

    fn call_handler(&mut self, index: u32, stub: usize) {
        let op = self.source.ops[index as usize];
        self.asm.lea(Size::Q, Reg::Rax, Mem::new(PC, 4 * index.cast_signed()));
        self.asm.store(Size::Q, STATE_PC, Reg::Rax);
        self.asm.mov_imm(Reg::Rsi, u64::from(op.word));
        self.asm.mov_imm(Reg::Rdx, handler_address(op.handler));
        let stub = self.outside(stub);
        self.asm.call_offset(stub);
    }

    /// Leaves the block to the instruction at a distance from its start, with everything in the cache stored first.
    fn leave_block(&mut self, retired: u32, delta: i64) {
        let (cache, flags) = (self.cache, self.flags);
        self.note_jump(delta, &cache, flags);
        if self.turn(retired, delta, &cache, flags) {
            return;
        }
        self.store_flags(flags);
        self.flush();
        self.go_to(retired, delta);
    }

    /// The same when everything has been stored.
    fn go_to(&mut self, retired: u32, delta: i64) {
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
    fn spend(&mut self, retired: u32) {
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

    /// Emits everything that the blocks' straight line jumps to.
    fn out_of_line(&mut self, first_exit: Id) -> Vec<Exit> {
        self.take_detours();
        self.detours();
        for slow in std::mem::take(&mut self.slow) {
            let back = slow.back;
            self.slow_part(slow);
            self.asm.jmp_offset(back);
        }
        for slow in std::mem::take(&mut self.slow_flags) {
            let back = slow.back;
            self.slow_part(slow);
            self.load_flags();
            self.asm.jmp_offset(back);
        }
        for exit in std::mem::take(&mut self.exits) {
            let here = self.asm.offset();
            self.asm.patch(exit.from, here);
            if self.turn(exit.retired, exit.delta, &exit.cache, exit.flags) {
                continue;
            }
            self.store_flags(exit.flags);
            self.store_dirty(&exit.cache);
            self.go_to(exit.retired, exit.delta);
        }
        for exit in std::mem::take(&mut self.unmasks) {
            let here = self.asm.offset();
            self.asm.patch(exit.from, here);
            self.store_flags(exit.flags);
            self.store_dirty(&exit.cache);
            self.unmasked(exit.retired, exit.delta);
        }
        for write in std::mem::take(&mut self.code_writes) {
            let here = self.asm.offset();
            self.asm.patch(write.from, here);
            self.asm.lea(Size::Q, Reg::Rcx, write.first);
            self.asm.mov_imm(Reg::Rsi, write.len.cast_unsigned().into());
            let stub = self.outside(self.stubs.wrote_code);
            self.asm.call_offset(stub);
            self.asm.jmp_offset(write.back);
        }
        let leave_after = self.outside(self.stubs.leave_after);
        for (from, retired) in std::mem::take(&mut self.failures) {
            let here = self.asm.offset();
            self.asm.patch(from, here);
            self.asm.mov_imm(Reg::Rdx, u64::from(retired));
            self.asm.jmp_offset(leave_after);
        }
        let leave_to_link = self.outside(self.stubs.leave_to_link);
        let branch_or_link = self.outside(self.stubs.branch_or_link);
        let mut exits = Vec::with_capacity(self.jumps.len());
        for (number, jump) in std::mem::take(&mut self.jumps).into_iter().enumerate() {
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
        exits
    }
}

impl Compiler<'_> {
    fn slow_part(&mut self, mut slow: Slow) {
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

/// Whether an instruction leaves the block, always or not, by a template that raises no exception: branches, but those to
/// authenticated addresses.
fn leaves_by_template(word: u32) -> bool {
    let conditional = word & 0x7e00_0000 == 0x3400_0000 || word & 0x7e00_0000 == 0x3600_0000;
    let conditional = conditional || word & 0xff00_0000 == 0x5400_0000;
    conditional || (always_leaves(word) && !(is_register_branch(word) && is_authenticated(word)))
}

/// Whether an instruction's template or helper never goes on with the next instruction of the block.
fn always_leaves(word: u32) -> bool {
    // B and BL; branches to a register.
    word & 0x7c00_0000 == 0x1400_0000 || is_register_branch(word)
}

/// Whether a branch to a register authenticates its target.
fn is_authenticated(word: u32) -> bool {
    word & 0x0100_0800 != 0
}

/// Data processing of FP and AdvSIMD.
fn is_vector(word: u32) -> bool {
    word >> 25 & 7 == 7
}

/// BR, BLR, RET and their authenticated forms.
fn is_register_branch(word: u32) -> bool {
    word & 0xfe00_0000 == 0xd600_0000 && matches!(word >> 21 & 0xf, 0..=2 | 8..=10)
}

const _: () = assert!(NEXT == 0, "generated code tests for zero");
