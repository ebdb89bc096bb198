//! The block compiler: one template an instruction, the interpreter's handler where there is none.

mod bitfield;
mod branches;
mod classes;
mod conditional;
mod detours;
mod effects;
mod exits;
mod flags;
mod fp;
mod integer;
mod loops;
mod memory;
mod multiply;
mod operate;
mod pointers;
mod registers;
mod simd;
mod slow;
mod system;
mod vectors;
mod vncr;

use self::classes::{always_leaves, is_authenticated, is_register_branch, is_vector, leaves_by_template};
use self::detours::Way;
use self::exits::{Jump, SideExit};
use self::flags::Flags;
use self::loops::Loop;
use self::memory::{Detour, Member, plan};
use self::registers::Cache;
use self::slow::{Accessed, CodeWrite, Slow};
use super::blocks::{Exit, Id};
use super::host::Host;
use super::key::Key;
use super::layout::{BTYPE, CACHE};
use super::stubs::Stubs;
use super::x64::{Assembler, Fixup, Reg, Size};
use crate::cpu::Vcpu;
use crate::interp::Op;
use droste_arch::a64::{Encoding, Group};
use std::mem::take;

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

/// What compiling needs lists for: kept from one block to the next, so that most blocks take no memory of the host's. Those
/// with runs of accesses or a loop still do.
#[derive(Default)]
pub(super) struct Lists {
    slow: Vec<Slow>,
    slow_flags: Vec<Slow>,
    ways: Vec<Way>,
    exits: Vec<SideExit>,
    unmasks: Vec<SideExit>,
    guarded: Vec<u32>,
    failures: Vec<(Fixup, u32)>,
    code_writes: Vec<CodeWrite>,
    detours: Vec<Detour>,
    jumps: Vec<Jump>,
    uses: Vec<u8>,
    /// The direct jumps out of the block that was compiled last.
    pub(super) links: Vec<Exit>,
}

struct Compiler<'a> {
    asm: Assembler<'a>,
    /// Offset in the region of the start of the assembler's buffer.
    base: usize,
    stubs: &'a Stubs,
    source: &'a Source<'a>,
    cache: Cache,
    /// How many registers of the cache the block has.
    cached: usize,
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

/// Compiles a block into `buffer`, whose place in the region is `base`; answers its length. The direct jumps out of it,
/// which are numbered from `first_exit`, are in [`Lists::links`] then.
pub(super) fn compile(
    lists: &mut Lists,
    buffer: &mut [u8],
    base: usize,
    stubs: &Stubs,
    source: &Source<'_>,
    first_exit: Id,
) -> usize {
    lists.links.clear();
    let mut compiler = Compiler::new(lists, buffer, base, stubs, source);
    compiler.passes();
    compiler.out_of_line(first_exit, &mut lists.links);
    assert!(!compiler.asm.is_full(), "the buffer has room for the longest block");
    let length = compiler.asm.offset();
    compiler.give_back(lists);
    length
}

/// Whether the only instruction of a block has a template.
#[cfg(test)]
pub(super) fn has_template(stubs: &Stubs, source: &Source<'_>) -> bool {
    let (mut lists, mut buffer) = (Lists::default(), [0; 4096]);
    let mut compiler = Compiler::new(&mut lists, &mut buffer, 0, stubs, source);
    let op = source.ops[0];
    op.encoding.is_some_and(|e| compiler.template(e, op.word))
}

impl<'a> Compiler<'a> {
    fn new(
        lists: &mut Lists,
        buffer: &'a mut [u8],
        base: usize,
        stubs: &'a Stubs,
        source: &'a Source<'a>,
    ) -> Compiler<'a> {
        let spans = plan(source.ops);
        let spans_register = spans.iter().flatten().any(|member| member.register);
        Compiler {
            asm: Assembler::new(buffer),
            base,
            stubs,
            source,
            cache: Cache::default(),
            cached: CACHE.len() - usize::from(spans_register),
            flags: Flags::STATE,
            index: 0,
            fp_checked: false,
            sp_checked: false,
            turns: Loop::new(take(&mut lists.uses)),
            slow: take(&mut lists.slow),
            slow_flags: take(&mut lists.slow_flags),
            ways: take(&mut lists.ways),
            exits: take(&mut lists.exits),
            unmasks: take(&mut lists.unmasks),
            guarded: take(&mut lists.guarded),
            ended: false,
            failures: take(&mut lists.failures),
            code_writes: take(&mut lists.code_writes),
            spans,
            led: 0,
            detours: take(&mut lists.detours),
            jumps: take(&mut lists.jumps),
        }
    }

    /// Gives the lists back, without what is in them.
    fn give_back(mut self, lists: &mut Lists) {
        self.clear();
        lists.slow = self.slow;
        lists.slow_flags = self.slow_flags;
        lists.ways = self.ways;
        lists.exits = self.exits;
        lists.unmasks = self.unmasks;
        lists.guarded = self.guarded;
        lists.failures = self.failures;
        lists.code_writes = self.code_writes;
        lists.detours = self.detours;
        lists.jumps = self.jumps;
        lists.uses = self.turns.into_uses();
    }

    fn clear(&mut self) {
        self.detours.clear();
        self.slow.clear();
        self.slow_flags.clear();
        self.ways.clear();
        self.exits.clear();
        self.unmasks.clear();
        self.guarded.clear();
        self.failures.clear();
        self.code_writes.clear();
        self.jumps.clear();
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
        self.flags = Flags::STATE;
        self.fp_checked = false;
        self.sp_checked = false;
        self.led = 0;
        self.ended = false;
        self.clear();
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
            Group::ControlBranchReg if !is_register_branch(word) => self.change_level(),
            Group::ControlBranchReg => self.branch_register(word),
            Group::ControlHints => self.does_nothing() || self.pointer(encoding, word),
            Group::ControlSystemmove => self.move_system(word),
            Group::ControlPstate if encoding == Encoding::MSR_SI_pstate => self.move_immediate(word),
            Group::ControlBarriers if encoding == Encoding::SB_only_barriers => self.does_nothing(),
            Group::ControlBarriers if encoding == Encoding::ISB_BI_barriers => self.synchronise(),
            Group::ControlException => self.change_level(),
            _ if is_vector(word) => self.simd(encoding, word) || self.float(encoding, word),
            _ => self.memory(encoding, word),
        }
    }

    /// Emits everything that the block's straight line jumps to.
    fn out_of_line(&mut self, first_exit: Id, links: &mut Vec<Exit>) {
        self.take_detours();
        self.detours();
        self.slow_parts();
        self.side_exits();
        self.after_handlers();
        self.asks(first_exit, links);
    }
}
