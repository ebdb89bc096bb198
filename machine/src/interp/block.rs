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
}

impl Default for BlockCache {
    fn default() -> Self {
        let empty = || Block { pa: u64::MAX, generation: 0, ops: Box::default() };
        BlockCache { slots: (0..SLOTS).map(|_| empty()).collect() }
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
            *slot = Block { pa, generation, ops: decode(cpu, ram, pa) };
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

/// Decodes from `pa` up to the first instruction that always ends a block, the page's end, or the limit.
#[cold]
fn decode(cpu: &Vcpu, ram: &GuestRam, pa: u64) -> Box<[Op]> {
    let mut ops = Vec::with_capacity(8);
    decode_into(&mut ops, cpu, ram, pa);
    ops.into_boxed_slice()
}

/// Replaces `ops` by those of the block at `pa`.
pub(crate) fn decode_into(ops: &mut Vec<Op>, cpu: &Vcpu, ram: &GuestRam, pa: u64) {
    let in_page = ((4096 - (pa & 4095)) / 4) as usize;
    ops.clear();
    for i in 0..in_page.min(BLOCK_LIMIT) {
        let Ok(word) = ram.read::<u32>(pa + 4 * i as u64) else {
            break;
        };
        let encoding = a64::decode(word);
        let known = encoding.filter(|e| is_hint(*e) || e.feature().holds(cpu));
        let handler = known.and_then(table::handler).unwrap_or(undefined);
        ops.push(Op { handler, word, encoding: known });
        if encoding.is_none_or(ends_block) {
            break;
        }
    }
}

/// Hints are never UNDEFINED, whatever features the CPU lacks.
fn is_hint(encoding: Encoding) -> bool {
    encoding.group() == Group::ControlHints
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
