//! The block compiler: one template an instruction, the interpreter's handler where there is none.

mod branches;
mod flags;
mod integer;
mod memory;
mod multiply;
mod registers;
mod vectors;

use self::flags::Flags;
use self::registers::Cache;
use super::layout::{BTYPE, COUNT, LIMIT, PC, PINS, REQUESTS, SEEN_PINS, STATE_PC};
use super::runtime::{LINK, NEXT, handler_address};
use super::stubs::Stubs;
use super::x64::{Alu, Assembler, Cond, Fixup, Label, Mem, Reg, Size};
use crate::interp::Op;
use droste_arch::a64::{self, Encoding, Group};

/// What a block is made of.
pub(super) struct Source<'a> {
    /// Physical address of the first instruction.
    pub(super) pa: u64,
    pub(super) ops: &'a [Op],
    /// Where the generation of the page is, and its value.
    pub(super) generation: (u64, u32),
    /// Whether an indirect branch enters the block with PSTATE.BTYPE set.
    pub(super) landing: bool,
    /// Whether the CPU has FEAT_BTI.
    pub(super) has_bti: bool,
}

/// A direct jump to a block of the same page: where its displacement is, and the block's physical address.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) site: usize,
    pub(super) target: u64,
}

/// What compiling a block gives besides the code.
pub(super) struct Compiled {
    /// Offset of the code behind the checks, for whoever has made them.
    pub(super) body: usize,
    pub(super) links: Vec<Link>,
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
    slow: Vec<Slow>,
    exits: Vec<SideExit>,
    /// Instructions by helper that do not just go on: the jump, and its number.
    failures: Vec<(Fixup, u32)>,
    /// Stores to code pages: the jump, and where to go on.
    code_writes: Vec<(Fixup, usize)>,
    links: Vec<Link>,
}

/// Compiles a block into `buffer`, whose place in the region is `base`. Links are numbered from `first_link`.
pub(super) fn compile(
    buffer: &mut [u8],
    base: usize,
    stubs: &Stubs,
    source: &Source<'_>,
    first_link: usize,
) -> (usize, Compiled) {
    let mut compiler = Compiler {
        asm: Assembler::new(buffer),
        base,
        stubs,
        source,
        cache: Cache::default(),
        flags: Flags::Memory,
        index: 0,
        fp_checked: false,
        slow: Vec::new(),
        exits: Vec::new(),
        failures: Vec::new(),
        code_writes: Vec::new(),
        links: Vec::new(),
    };
    let body = compiler.entry_checks();
    compiler.instructions();
    compiler.out_of_line(first_link);
    assert!(!compiler.asm.is_full(), "the buffer has room for the longest block");
    (compiler.asm.offset(), Compiled { body, links: compiler.links })
}

impl Compiler<'_> {
    /// Leaves unless the block may run: budget, interrupt inputs, requests, and code that is still the same. Cost: four
    /// well-predicted branches.
    fn entry_checks(&mut self) -> usize {
        let leave = self.outside(self.stubs.leave);
        let (generation, value) = self.source.generation;
        let asm = &mut self.asm;
        asm.load(Size::Q, Reg::Rax, COUNT);
        asm.alu_load(Alu::Cmp, Size::Q, Reg::Rax, LIMIT);
        asm.jcc_offset(Cond::Ae, leave);
        asm.load(Size::Q, Reg::Rax, PINS);
        asm.load(Size::D, Reg::Rax, Mem::new(Reg::Rax, 0));
        asm.alu_load(Alu::Cmp, Size::D, Reg::Rax, SEEN_PINS);
        asm.jcc_offset(Cond::Ne, leave);
        asm.load(Size::Q, Reg::Rax, REQUESTS);
        asm.alu_mem_imm(Alu::Cmp, Size::D, Mem::new(Reg::Rax, 0), 0);
        asm.jcc_offset(Cond::Ne, leave);
        asm.mov_imm(Reg::Rax, generation);
        asm.alu_mem_imm(Alu::Cmp, Size::D, Mem::new(Reg::Rax, 0), value.cast_signed());
        asm.jcc_offset(Cond::Ne, leave);
        asm.offset()
    }

    /// An offset in the region as one from the start of the buffer.
    fn outside(&self, offset: usize) -> usize {
        offset.wrapping_sub(self.base)
    }

    fn instructions(&mut self) {
        let source = self.source;
        for (index, op) in source.ops.iter().enumerate() {
            self.index = index as u32;
            let word = op.word;
            let encoding = a64::decode(word);
            let lands = source.landing && index == 0;
            if lands && !encoding.is_some_and(cannot_fault) {
                self.by_helper(self.stubs.call_target);
            } else {
                if lands {
                    self.asm.store_imm(Size::B, BTYPE, 0);
                }
                if !encoding.is_some_and(|e| self.template(e, word)) {
                    self.by_helper(self.stubs.call_handler);
                }
            }
            self.unlock();
        }
        let last = source.ops[source.ops.len() - 1].word;
        if !always_leaves(last) {
            self.leave_block(source.ops.len() as u32, 4 * source.ops.len() as i64);
        }
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
            Group::DpregDp1src => self.one_source(encoding, word),
            Group::ControlBranchImm => self.branch_immediate(word),
            Group::ControlCondbranch if encoding == Encoding::B_only_condbranch => {
                self.branch_conditional(word)
            }
            Group::ControlCompbranch => self.compare_and_branch(word),
            Group::ControlTestbranch => self.test_and_branch(word),
            Group::ControlBranchReg => self.branch_register(word),
            Group::ControlHints => matches!(encoding, Encoding::NOP_HI_hints | Encoding::BTI_HB_hints),
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
        let flags = self.flags;
        // The flags first: storing registers leaves them alone, but not the other way round.
        self.store_flags(flags);
        self.flags = Flags::Memory;
        self.flush();
        self.call_handler(self.index, stub);
        // An FP or AdvSIMD instruction that did not trap has made the check; a system instruction may change it.
        self.fp_checked = self.source.ops[self.index as usize].word >> 25 & 7 == 7;
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
        let flags = self.flags;
        self.store_flags(flags);
        self.flush();
        self.go_to(retired, delta);
    }

    /// The same when everything has been stored.
    fn go_to(&mut self, retired: u32, delta: i64) {
        self.asm.alu_mem_imm(Alu::Add, Size::Q, COUNT, retired.cast_signed());
        if delta != 0 {
            self.asm.lea(Size::Q, PC, Mem::new(PC, delta as i32));
        }
        let at = (self.source.pa & 0xfff).cast_signed() + delta;
        if (0..4096).contains(&at) {
            let Fixup(site) = self.asm.jmp_unbound();
            let target = self.source.pa.wrapping_add_signed(delta);
            self.links.push(Link { site, target });
        } else {
            let branch = self.outside(self.stubs.branch);
            self.asm.jmp_offset(branch);
        }
    }

    /// Emits everything that the blocks' straight line jumps to.
    fn out_of_line(&mut self, first_link: usize) {
        for mut slow in std::mem::take(&mut self.slow) {
            self.asm.bind(&mut slow.entry);
            self.store_flags(slow.flags);
            self.store_dirty(&slow.before);
            self.call_handler(slow.index, self.stubs.call_handler);
            self.asm.test(Size::D, Reg::Rax, Reg::Rax);
            let failure = self.asm.jcc_unbound(Cond::Ne);
            self.failures.push((failure, slow.index + 1));
            self.reload(&slow.after);
            self.asm.jmp_offset(slow.back);
        }
        for exit in std::mem::take(&mut self.exits) {
            let here = self.asm.offset();
            self.asm.patch(exit.from, here);
            self.store_flags(exit.flags);
            self.store_dirty(&exit.cache);
            self.go_to(exit.retired, exit.delta);
        }
        for (from, back) in std::mem::take(&mut self.code_writes) {
            let here = self.asm.offset();
            self.asm.patch(from, here);
            let stub = self.outside(self.stubs.wrote_code);
            self.asm.call_offset(stub);
            self.asm.jmp_offset(back);
        }
        let leave_after = self.outside(self.stubs.leave_after);
        for (from, retired) in std::mem::take(&mut self.failures) {
            let here = self.asm.offset();
            self.asm.patch(from, here);
            self.asm.mov_imm(Reg::Rdx, u64::from(retired));
            self.asm.jmp_offset(leave_after);
        }
        let leave_with = self.outside(self.stubs.leave_with);
        for (number, link) in self.links.iter_mut().enumerate() {
            let here = self.asm.offset();
            self.asm.patch(Fixup(link.site), here);
            self.asm.mov_imm(Reg::Rax, ((first_link + number) as u64) << 8 | u64::from(LINK));
            self.asm.jmp_offset(leave_with);
            link.site += self.base;
        }
    }
}

/// Whether an instruction that often is the target of indirect branches has a template, never raises an exception
/// and does not look at BTYPE.
fn cannot_fault(encoding: Encoding) -> bool {
    let group = encoding.group();
    encoding == Encoding::BTI_HB_hints
        || matches!(group, Group::DpimmAddsubImm | Group::DpimmPcreladdr | Group::ControlBranchImm)
}

/// Whether an instruction's template or helper never goes on with the next instruction of the block.
fn always_leaves(word: u32) -> bool {
    // B and BL; branches to a register.
    word & 0x7c00_0000 == 0x1400_0000 || is_register_branch(word)
}

/// BR, BLR, RET and their authenticated forms.
fn is_register_branch(word: u32) -> bool {
    word & 0xfe00_0000 == 0xd600_0000 && matches!(word >> 21 & 0xf, 0..=2 | 8..=10)
}

const _: () = assert!(NEXT == 0, "generated code tests for zero");
