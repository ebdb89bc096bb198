//! The template JIT for x86-64 hosts: the second executor, which runs what the interpreter defines.
//!
//! A block is the same run of instructions as the interpreter's, so that both look at interrupts, limits and requests
//! at the same instructions. Blocks are found by physical address alone: what depends on the Exception level or on
//! control registers is tested when it executes. Whatever has no template is executed by its interpreter handler, and
//! so is every load or store that the inline look-up in the TLB does not serve.
//!
//! Both executors make the same run of the same input, with one exception that the architecture allows: code that goes
//! on within generated code is not looked up in the TLB again, so the TLB's history differs. A guest that clears Access
//! flags without a TLBI, as KVM does to find out which pages are in use, sees some set again in one run and not in the
//! other.

mod compile;
mod layout;
mod memory;
mod runtime;
mod stubs;
#[cfg(test)]
mod tests;
pub(crate) mod x64;

use self::compile::{Link, Source, compile};
use self::memory::CodeMemory;
use self::stubs::{BRANCH_CACHE_LOG2, Branch, Stubs, branch_slot};
use self::x64::Assembler;
use crate::cpu::Vcpu;
use crate::interp::{self, BlockCache, Blocks};
use droste_arch::feature::Feature;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;

/// Size of a CPU's code region.
const REGION_BYTES: usize = 64 << 20;
/// More than the longest block takes.
const BUFFER_BYTES: usize = 64 << 10;

/// Whether the host's CPU has the instructions that templates use without asking.
pub(crate) fn is_available() -> bool {
    std::arch::is_x86_feature_detected!("lzcnt")
}

/// A compiled block.
#[derive(Clone, Copy)]
struct Block {
    generation: u32,
    /// Offset of the checks that come first, and of what follows them.
    entry: usize,
    body: usize,
}

/// The code that one CPU has compiled.
pub(crate) struct Jit {
    memory: CodeMemory,
    stubs: Stubs,
    /// By physical address, with bit 0 for blocks that an indirect branch enters.
    blocks: HashMap<u64, Block, BuildHasherDefault<AddressHasher>>,
    links: Vec<Link>,
    branches: Box<[Branch]>,
    buffer: Box<[u8]>,
    /// For the few instructions that are executed one by one.
    interpreted: BlockCache,
}

impl Jit {
    /// A JIT without any code.
    pub(crate) fn new() -> io::Result<Jit> {
        let mut memory = CodeMemory::new(REGION_BYTES)?;
        let mut buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        let mut asm = Assembler::new(&mut buffer);
        let stubs = stubs::emit(&mut asm);
        memory.append(asm.bytes());
        Ok(Jit {
            memory,
            stubs,
            blocks: HashMap::default(),
            links: Vec::new(),
            branches: vec![Branch::default(); 1 << BRANCH_CACHE_LOG2].into_boxed_slice(),
            buffer,
            interpreted: BlockCache::default(),
        })
    }

    /// Forgets all code: the region is full.
    #[cold]
    fn wipe(&mut self) {
        self.memory.truncate(self.stubs.end.next_multiple_of(16));
        self.blocks.clear();
        self.links.clear();
        self.branches.fill(Branch::default());
    }

    /// The block at a physical address in RAM, compiled now unless it was before and its page is as it was.
    fn block(&mut self, cpu: &Vcpu, pa: u64, landing: bool) -> Option<Block> {
        let ram = &cpu.machine.ram;
        let page = ram.page(pa)?;
        let key = pa | u64::from(landing);
        let known = self.blocks.get(&key).copied();
        if let Some(block) = known
            && block.generation == ram.generation(page)
        {
            return Some(block);
        }
        ram.mark_code(page);
        let generation = ram.generation(page);
        let ops = interp::decode(cpu, ram, pa);
        let source = Source {
            pa,
            ops: &ops,
            generation: (ram.generation_address(page), generation),
            landing,
            has_bti: cpu.has(Feature::FEAT_BTI),
        };
        let mut known = known;
        loop {
            let entry = self.memory.next();
            let (length, compiled) = compile(&mut self.buffer, entry, &self.stubs, &source, self.links.len());
            if !self.memory.append(&self.buffer[..length]) {
                self.wipe();
                known = None;
                continue;
            }
            if let Some(old) = known {
                // Whoever is linked to the old code finds the new.
                self.memory.write(old.entry, &[0xe9]);
                self.memory.patch(old.entry + 1, entry);
            }
            let block = Block { generation, entry, body: entry + compiled.body };
            self.blocks.insert(key, block);
            for link in compiled.links {
                self.links.push(link);
                if let Some(target) = self.blocks.get(&link.target) {
                    self.memory.patch(link.site, target.entry);
                }
            }
            return Some(block);
        }
    }

    /// Lets a jump go to its target without leaving generated code.
    fn link(&mut self, cpu: &Vcpu, number: usize) {
        let Some(&Link { target, .. }) = self.links.get(number) else { return };
        let code = self.memory.next();
        let Some(block) = self.block(cpu, target, false) else { return };
        // Compiling may have wiped everything, the jump included.
        if self.memory.next() >= code
            && let Some(link) = self.links.get(number)
        {
            self.memory.patch(link.site, block.entry);
        }
    }

    /// Where the code at the PC is, or nothing if the instruction there must be interpreted.
    fn find(&mut self, cpu: &mut Vcpu, pa: u64, guarded: bool) -> Option<Block> {
        let pstate = cpu.state.pstate;
        if pstate.il || cpu.mode.stepping {
            return None;
        }
        if pstate.btype != 0 && guarded {
            let word = cpu.machine.ram.read::<u32>(pa).ok()?;
            if !interp::compatible_with_btype(cpu, word, pstate.btype) {
                return None;
            }
        }
        let block = self.block(cpu, pa, pstate.btype != 0)?;
        // What a guarded page lets in depends on more than the tag, so only the plain case is remembered.
        if pstate.btype == 0 || !guarded || pstate.btype == 2 {
            let pc = cpu.state.pc;
            self.branches[branch_slot(pc)] = Branch {
                tag: pc | u64::from(pstate.btype),
                fetch_id: cpu.tlb.fetch_id(),
                code: self.memory.address(block.entry),
            };
        }
        Some(block)
    }
}

impl Blocks for Jit {
    fn step(&mut self, cpu: &mut Vcpu, limit: u64, pins: u32) {
        cpu.block_pc = cpu.state.pc;
        let Ok(page) = cpu.fetch_page(cpu.state.pc) else {
            return interp::abort(cpu, 1);
        };
        let Some(block) = self.find(cpu, page.pa, page.guarded) else {
            return interp::step_block(cpu, &mut self.interpreted);
        };
        cpu.dispatch.limit = limit;
        cpu.dispatch.seen_pins = pins;
        cpu.dispatch.pins = cpu.slot().pins.address();
        cpu.dispatch.requests = cpu.slot().requests_address();
        cpu.dispatch.branch_cache = self.branches.as_ptr().addr() as u64;
        let answer = runtime::enter(cpu, &self.memory, self.stubs.enter, block.body);
        let detail = answer >> 8;
        match answer as u32 & 0xff {
            runtime::DONE => cpu.block_pc = cpu.state.pc,
            runtime::LINK => {
                cpu.block_pc = cpu.state.pc;
                self.link(cpu, detail as usize);
            }
            runtime::JUMP => cpu.retire(detail),
            runtime::SYNC => {
                cpu.state.pc = cpu.state.pc.wrapping_add(4);
                cpu.retire(detail);
            }
            _ => interp::abort(cpu, detail),
        }
    }
}

/// A multiplicative hash of one address.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let product = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 32;
    }
}
