//! Predecoded straight-line code, keyed by physical address.

use super::{Handler, table};
use crate::cpu::Vcpu;
use crate::ram::GuestRam;
use droste_arch::a64::{self, Encoding, Group};

/// Instructions of one block at most: a slice of interrupts, and the work that is lost when it is discarded.
pub(crate) const BLOCK_LIMIT: usize = 32;
/// Slots of the cache, direct-mapped: 2^14 x 32 bytes beside the operations themselves.
const SLOTS: usize = 1 << 14;

/// A predecoded instruction.
#[derive(Clone, Copy)]
pub(crate) struct Op {
    pub(crate) handler: Handler,
    pub(crate) word: u32,
    /// The encoding, if this CPU has it.
    pub(crate) encoding: Option<Encoding>,
    /// Whether control never falls through.
    ends_block: bool,
}

const _: () = assert!(size_of::<Op>() == 16);

/// A run of instructions within one page, entered only at its start.
struct Block {
    pa: u64,
    generation: u32,
    ops: Box<[Op]>,
}

/// The blocks that one CPU has decoded.
pub struct BlockCache {
    slots: Box<[Block]>,
    decoder: Decoder,
}

impl Default for BlockCache {
    fn default() -> Self {
        let empty = || Block { pa: u64::MAX, generation: 0, ops: Box::default() };
        BlockCache { slots: (0..SLOTS).map(|_| empty()).collect(), decoder: Decoder::default() }
    }
}

impl BlockCache {
    /// The operations of the block at `pa`, decoded now unless they were before and its page has not been
    /// written since. Cost of a hit: one load of the slot, one of the page's generation.
    #[inline]
    pub(super) fn get(&mut self, cpu: &Vcpu, pa: u64) -> &[Op] {
        let slot = &mut self.slots[slot_of(pa)];
        let ram = &cpu.machine.ram;
        let Some(page) = ram.page(pa) else {
            return &[];
        };
        if slot.pa != pa || slot.generation != ram.generation(page) {
            let generation = ram.mark_code(page, pa, 4 * BLOCK_LIMIT as u64);
            *slot = Block { pa, generation, ops: self.decoder.block(cpu, ram, pa) };
        }
        &slot.ops
    }

    /// Forgets every block.
    pub fn clear(&mut self) {
        *self = BlockCache::default();
    }
}

fn slot_of(pa: u64) -> usize {
    let word = pa >> 2;
    (word ^ (word >> 14)) as usize & (SLOTS - 1)
}

/// Decodes instructions for one CPU, and remembers what it decoded: the same words come again all the time.
pub(crate) struct Decoder {
    /// Direct-mapped by word.
    known: Box<[Op]>,
}

/// log2 of the instructions that are remembered, of 16 bytes each.
const KNOWN_LOG2: u32 = 12;

impl Default for Decoder {
    fn default() -> Self {
        // Word 0 is decoded whenever it comes, so it stands for nothing.
        let nothing = Op { handler: undefined, word: 0, encoding: None, ends_block: true };
        Decoder { known: vec![nothing; 1 << KNOWN_LOG2].into_boxed_slice() }
    }
}

impl Decoder {
    /// The operations of the block at `pa`.
    #[cold]
    fn block(&mut self, cpu: &Vcpu, ram: &GuestRam, pa: u64) -> Box<[Op]> {
        let mut ops = Vec::with_capacity(8);
        self.block_into(&mut ops, cpu, ram, pa);
        ops.into_boxed_slice()
    }

    /// Replaces `ops` by those from `pa` up to the first instruction that always ends a block, the page's end, or the
    /// limit.
    pub(crate) fn block_into(&mut self, ops: &mut Vec<Op>, cpu: &Vcpu, ram: &GuestRam, pa: u64) {
        let in_page = ((4096 - (pa & 4095)) / 4) as usize;
        ops.clear();
        for i in 0..in_page.min(BLOCK_LIMIT) {
            let Ok(word) = ram.read::<u32>(pa + 4 * i as u64) else {
                break;
            };
            let op = self.instruction(cpu, word);
            ops.push(op);
            if op.ends_block {
                break;
            }
        }
    }

    #[inline]
    fn instruction(&mut self, cpu: &Vcpu, word: u32) -> Op {
        let slot = (word.wrapping_mul(0x9e37_79b1) >> (32 - KNOWN_LOG2)) as usize;
        let known = &mut self.known[slot];
        if known.word != word || word == 0 {
            *known = decode(cpu, word);
        }
        *known
    }
}

fn decode(cpu: &Vcpu, word: u32) -> Op {
    let encoding = a64::decode(word);
    let known = encoding.filter(|e| is_hint(*e) || e.feature().holds(cpu));
    let handler = known.and_then(table::handler).unwrap_or(undefined);
    Op { handler, word, encoding: known, ends_block: encoding.is_none_or(ends_block) }
}

/// Hints are never UNDEFINED, whatever features the CPU lacks; RPRFM is one too (ID_AA64ISAR2_EL1.RPRFM).
fn is_hint(encoding: Encoding) -> bool {
    encoding.group() == Group::ControlHints || encoding == Encoding::RPRFM_R_ldst_regoff
}

/// Whether control never falls through.
fn ends_block(encoding: Encoding) -> bool {
    matches!(encoding.group(), Group::ControlBranchReg | Group::ControlException | Group::ReservedPermUndef)
        || encoding == Encoding::B_only_branch_imm
        || encoding == Encoding::BL_only_branch_imm
}

/// Executes an instruction that this CPU does not have.
fn undefined(cpu: &mut Vcpu, word: u32) -> super::Exec {
    crate::diagnostics::undefined_instruction(cpu, word);
    Err(cpu.undefined())
}
