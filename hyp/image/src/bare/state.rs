//! What all cores share. Written once by the first core, before others run.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering};
use droste_hyp_core::el2::Registers;
use droste_hyp_core::host_map::HostMap;
use droste_hyp_core::psci::{MAX_CPUS, Relay};
use droste_hyp_core::smc::Filter;
use droste_hyp_core::tables::Tables;

/// A stack with the guard page below it.
pub(crate) const STACK_BYTES: usize = GUARD_BYTES + 4 * 4096;
/// The page below each stack that is not mapped.
pub(crate) const GUARD_BYTES: usize = 4096;

/// One stack per core; the last is for exceptions from EL2 itself.
#[repr(C, align(4096))]
pub(crate) struct Stacks(UnsafeCell<[[u8; STACK_BYTES]; MAX_CPUS + 1]>);
// SAFETY: each core uses its own; only assembly and the CPU write there.
unsafe impl Sync for Stacks {}
pub(crate) static STACKS: Stacks = Stacks(UnsafeCell::new([[0; STACK_BYTES]; MAX_CPUS + 1]));

/// The first byte above the stack of a core.
pub(crate) fn stack_top(cpu: usize) -> u64 {
    (&raw const STACKS) as u64 + ((cpu + 1) * STACK_BYTES) as u64
}

/// What a core needs to turn its MMU on: read by assembly before that, in this order.
#[repr(C)]
pub(crate) struct Block {
    pub(crate) hcr: u64,
    pub(crate) mair: u64,
    pub(crate) tcr: u64,
    pub(crate) ttbr0: u64,
    pub(crate) sctlr: u64,
}

/// A cell that one core writes before anyone reads.
pub(crate) struct Once<T> {
    is_set: AtomicBool,
    value: UnsafeCell<MaybeUninit<T>>,
}
// SAFETY: `set` happens once, and `get` gives out shared references only after it.
unsafe impl<T: Sync + Send> Sync for Once<T> {}

impl<T> Once<T> {
    const fn new() -> Once<T> {
        Once { is_set: AtomicBool::new(false), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// Sets the value; a second time is a panic.
    pub(crate) fn set(&self, value: T) -> &T {
        assert!(!self.is_set.load(Ordering::Acquire), "state is set twice");
        // SAFETY: nobody has a reference before `is_set`, and only the first core sets.
        unsafe { self.value.get().cast::<T>().write(value) };
        self.is_set.store(true, Ordering::Release);
        self.get()
    }

    /// The value.
    pub(crate) fn get(&self) -> &T {
        assert!(self.is_set.load(Ordering::Acquire), "state is not set yet");
        // SAFETY: written before `is_set`, never again.
        unsafe { &*self.value.get().cast::<T>() }
    }

    /// Whether there is a value.
    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }
}

/// Read by assembly: the value comes first in `Once`'s stead, so it is a plain cell.
#[repr(transparent)]
pub(crate) struct BlockCell(UnsafeCell<Block>);
// SAFETY: written by the first core before it turns its MMU on, read by assembly after that.
unsafe impl Sync for BlockCell {}
pub(crate) static BLOCK: BlockCell =
    BlockCell(UnsafeCell::new(Block { hcr: 0, mair: 0, tcr: 0, ttbr0: 0, sctlr: 0 }));

impl BlockCell {
    /// Fills the block in.
    pub(crate) fn set(&self, block: Block) {
        // SAFETY: only the first core runs, and no reference to the block exists.
        unsafe { self.0.get().write(block) };
    }
}

/// Everything that handlers need.
pub(crate) struct State {
    pub(crate) registers: Registers,
    pub(crate) relay: Relay,
    pub(crate) filter: Filter,
    pub(crate) map: HostMap,
    pub(crate) stage2: Tables,
}

pub(crate) static STATE: Once<State> = Once::new();
