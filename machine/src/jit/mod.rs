//! The template JIT for x86-64 hosts: the second executor, which runs what the interpreter defines.
//!
//! A block is the same run of instructions as the interpreter's, so that both look at interrupts, limits and requests
//! at the same instructions. Blocks are found by physical address, by whether their page is guarded, and by the Exception
//! level with HCR_EL2.{NV,NV1,NV2}: what depends on other control registers is tested when it executes. Whatever has no template is executed by its
//! interpreter handler, and so is every load or store that the inline look-up in the TLB does not serve.
//!
//! What keeps generated code right when translations and code change is in `docs/adr/0007`.
//!
//! Both executors make the same run of the same input, with one exception that the architecture allows: what generated
//! code remembers of translations outlives their entries in the TLB, though not a TLBI. Where a descriptor has been
//! changed and not yet invalidated, one of them may translate in the old way and the other one anew, and `--engine
//! check` stops: `docs/adr/0007` tells of two guests that do that.

mod blocks;
mod compile;
mod constants;
mod host;
mod key;
mod layout;
mod memory;
mod pointers;
mod runtime;
mod slots;
mod stubs;
#[cfg(test)]
mod tests;
pub(crate) mod x64;

use self::blocks::{Blocks as Compiled, Id};
use self::compile::{Lists, Source, compile};
use self::host::Host;
use self::key::Key;
use self::memory::{CodeMemory, SEGMENT_COUNT};
use self::stubs::{BRANCH_CACHE_LOG2, Branch, Stubs, branch_slot};
use self::x64::Assembler;
use crate::cpu::Vcpu;
use crate::interp::{self, BLOCK_LIMIT, BlockCache, Blocks, Decoder, Op};
use crate::mmu::FetchPage;
use droste_arch::feature::Feature;
use std::collections::HashMap;
use std::io;

/// Size of the code regions of all CPUs together, and of one CPU's at most and at least.
const ALL_REGIONS_BYTES: usize = 112 << 20;
const REGION_BYTES: std::ops::RangeInclusive<usize> = 16 << 20..=ALL_REGIONS_BYTES;
/// More than the longest block takes.
const BLOCK_BYTES: usize = 64 << 10;

/// Whether the host's CPU has the instructions that templates use without asking.
pub(crate) fn is_available() -> bool {
    std::arch::is_x86_feature_detected!("lzcnt")
}

/// The code that one CPU has compiled.
pub(crate) struct Jit {
    host: Host,
    memory: CodeMemory,
    stubs: Stubs,
    blocks: Compiled,
    branches: Box<[Branch]>,
    lists: Lists,
    ops: Vec<Op>,
    decoder: Decoder,
    /// For the few instructions that are executed one by one.
    interpreted: BlockCache,
    /// How often blocks were compiled again because accesses were decided in another way, by key.
    revisions: HashMap<u64, u8>,
    /// The jump that left generated code because it is not linked, and where it went.
    unlinked: Option<(Id, u64)>,
    counts: Counts,
}

/// How often things happened that should be rare.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    /// Blocks compiled, and those of them removed because their instructions were overwritten.
    pub(crate) compiled: u64,
    pub(crate) overwritten: u64,
    /// Blocks compiled again because accesses were decided in another way.
    pub(crate) revised: u64,
    /// Segments of the region that were used again.
    pub(crate) reclaimed: u64,
}

impl Jit {
    /// A JIT without any code, for one of so many CPUs.
    pub(crate) fn new(cpu_count: usize) -> io::Result<Jit> {
        let share = ALL_REGIONS_BYTES / cpu_count.max(1);
        Jit::with_region(share.clamp(*REGION_BYTES.start(), *REGION_BYTES.end()))
    }

    /// A JIT whose code takes a region of so many bytes.
    fn with_region(size_bytes: usize) -> io::Result<Jit> {
        assert!(
            size_bytes / SEGMENT_COUNT >= 2 * BLOCK_BYTES,
            "a segment holds the longest block, and shared code"
        );
        let mut memory = CodeMemory::new(size_bytes)?;
        let room = memory.room(BLOCK_BYTES).ok_or_else(|| io::Error::other("a segment without room"))?;
        let mut asm = Assembler::new(room);
        let stubs = stubs::emit(&mut asm);
        assert!(!asm.is_full(), "the shared code is shorter than the longest block");
        let length = asm.offset();
        memory.append(length);
        memory.keep();
        Ok(Jit {
            blocks: Compiled::new(SEGMENT_COUNT, stubs.leave),
            host: Host::detect(),
            memory,
            stubs,
            branches: vec![Branch::default(); 1 << BRANCH_CACHE_LOG2].into_boxed_slice(),
            lists: Lists::default(),
            ops: Vec::with_capacity(BLOCK_LIMIT),
            decoder: Decoder::default(),
            interpreted: BlockCache::default(),
            revisions: HashMap::new(),
            unlinked: None,
            counts: Counts::default(),
        })
    }

    /// How often things happened so far.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Removes the blocks whose instructions were overwritten, by whomever.
    #[cold]
    fn remove_stale(&mut self, cpu: &mut Vcpu) {
        let ram = &cpu.machine.ram;
        let (blocks, memory, counts) = (&mut self.blocks, &mut self.memory, &mut self.counts);
        let (epoch, lost) = ram.stale_code_since(cpu.dispatch.seen_code, |stale| {
            let page = ram.page_address(stale.page);
            counts.overwritten += blocks.remove_lines(memory, page, stale.lines) as u64;
        });
        if lost {
            for segment in 0..SEGMENT_COUNT {
                self.blocks.remove_segment(&mut self.memory, segment);
            }
            self.branches.fill(Branch::default());
        }
        // The jump to link may have been removed too.
        self.unlinked = None;
        cpu.dispatch.seen_code = epoch;
    }

    /// Has a block compiled again that decides accesses as they were when it was compiled, and not as they are now.
    #[cold]
    fn revise(&mut self, key: Key) {
        /// Code that is used under more settings than these is not worth following.
        const REVISIONS: u8 = 3;
        let revision = self.revisions.entry(key.0).or_default();
        if *revision < REVISIONS
            && let Some((block, _)) = self.blocks.find(key)
        {
            *revision += 1;
            self.blocks.remove(&mut self.memory, block);
            self.unlinked = None;
            self.counts.revised += 1;
        }
    }

    /// Makes room: what was compiled longest ago is forgotten.
    #[cold]
    fn reclaim(&mut self) {
        let segment = self.memory.next_segment();
        self.blocks.remove_segment(&mut self.memory, segment);
        self.branches.fill(Branch::default());
        self.unlinked = self.unlinked.filter(|(link, _)| !Compiled::is_in(*link, segment));
        self.counts.reclaimed += 1;
    }

    /// Compiles the block of a key, if it is in RAM; answers it and the offset of its code.
    #[cold]
    fn compile(&mut self, cpu: &Vcpu, key: Key) -> Option<(Id, usize)> {
        let (ram, pa) = (&cpu.machine.ram, key.pa());
        ram.mark_code(ram.page(pa)?, pa, 4 * BLOCK_LIMIT as u64);
        self.decoder.block_into(&mut self.ops, cpu, ram, pa);
        let bytes = 4 * self.ops.len() as u32;
        let (has_bti, has_pmull) = (cpu.has(Feature::FEAT_BTI), cpu.has(Feature::FEAT_PMULL));
        let (alone, physical_less_host) = (cpu.machine.runs_one_cpu_at_a_time(), ram.physical_less_host());
        loop {
            let (ops, host) = (&self.ops, self.host);
            let source = Source { cpu, key, ops, has_bti, has_pmull, host, alone, physical_less_host };
            let (entry, first_exit) = (self.memory.next(), self.blocks.next_link(self.memory.segment()));
            let Some(room) = self.memory.room(BLOCK_BYTES) else {
                self.reclaim();
                continue;
            };
            let length = compile(&mut self.lists, room, entry, &self.stubs, &source, first_exit);
            self.memory.append(length);
            self.counts.compiled += 1;
            return Some(self.blocks.insert(&mut self.memory, key, entry, bytes, &self.lists.links));
        }
    }

    /// The offset of the code at the PC, or nothing if the instruction there must be interpreted.
    fn find(&mut self, cpu: &mut Vcpu, page: FetchPage) -> Option<usize> {
        let FetchPage { pa, guarded, .. } = page;
        let pstate = cpu.state.pstate;
        let landing = pstate.btype != 0;
        if landing && guarded {
            let word = cpu.machine.ram.read::<u32>(pa).ok()?;
            if !interp::compatible_with_btype(cpu, word, pstate.btype) {
                return None;
            }
        }
        let key = Key::new(pa, landing, guarded, cpu.mode.level);
        let (block, entry) = match self.blocks.find(key) {
            Some(found) => found,
            None => self.compile(cpu, key)?,
        };
        let pc = cpu.state.pc;
        // What a guarded page lets in by BTYPE 0b11 depends on SCTLR_ELx too.
        if !guarded || pstate.btype != 3 {
            cpu.tlb.note_fetch(pc, &page);
            let fetch_id = cpu.tlb.fetch_id(pc);
            self.branches[branch_slot(pc)] = Branch {
                tag: pc,
                fetch: fetch_id | u64::from(pstate.btype),
                code: self.memory.address(entry),
            };
            if let Some((link, target)) = self.unlinked.take()
                && target == pc
                && !landing
            {
                self.blocks.follow(&mut self.memory, link, block, pc, fetch_id);
            }
        }
        Some(entry)
    }
}

impl Blocks for Jit {
    fn step(&mut self, cpu: &mut Vcpu, limit: u64, pins: u32) {
        if cpu.mode.by_instruction {
            return interp::step_block(cpu, &mut self.interpreted);
        }
        if cpu.machine.ram.code_epoch() != cpu.dispatch.seen_code {
            self.remove_stale(cpu);
        }
        cpu.block_pc = cpu.state.pc;
        let Ok(page) = cpu.fetch_page(cpu.state.pc) else {
            return interp::abort(cpu, 1);
        };
        let Some(code) = self.find(cpu, page) else {
            return interp::step_block(cpu, &mut self.interpreted);
        };
        cpu.dispatch.end = limit;
        cpu.dispatch.seen_pins = pins;
        cpu.dispatch.branch_cache = self.branches.as_ptr().addr() as u64;
        let answer = runtime::enter(cpu, &self.memory, self.stubs.enter, code);
        let detail = answer >> 8;
        match answer as u32 & 0xff {
            runtime::LINK => {
                cpu.block_pc = cpu.state.pc;
                self.unlinked = Some((Id::from_bits(detail as u32), cpu.state.pc));
            }
            _ => cpu.block_pc = cpu.state.pc,
        }
        let stale = std::mem::take(&mut cpu.dispatch.stale);
        if stale != 0 {
            self.revise(Key(stale));
        }
    }
}
