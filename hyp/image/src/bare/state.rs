//! What all cores share. Written once by the first core, before others run.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering};
use droste_hyp_core::counters::Counters;
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

/// Whether 16 bytes at an address are in the mapped part of a stack.
pub(crate) fn is_in_stack(address: u64) -> bool {
    let Some(offset) = address.checked_sub((&raw const STACKS) as u64) else { return false };
    let within = offset % STACK_BYTES as u64;
    offset < size_of::<Stacks>() as u64 && within >= GUARD_BYTES as u64 && within + 16 <= STACK_BYTES as u64
}

// SAFETY: the linker script defines this symbol, of which only the address is used.
unsafe extern "C" {
    static __image_start: u8;
}

/// Where the image was loaded.
pub(crate) fn image_base() -> u64 {
    (&raw const __image_start) as u64
}

/// What a core needs to turn its MMU on: read by assembly before that, in this order.
#[derive(Clone, Copy)]
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

/// One block for each core, read by assembly. The first core fills all of them; each core then has its own.
#[repr(transparent)]
pub(crate) struct Blocks(UnsafeCell<[Block; MAX_CPUS]>);
// SAFETY: written by the first core before it turns its MMU on, later each by its own core; read by assembly.
unsafe impl Sync for Blocks {}
pub(crate) static BLOCKS: Blocks =
    Blocks(UnsafeCell::new([const { Block { hcr: 0, mair: 0, tcr: 0, ttbr0: 0, sctlr: 0 } }; MAX_CPUS]));

impl Blocks {
    /// Fills all blocks in.
    pub(crate) fn set_all(&self, block: Block) {
        // SAFETY: only the first core runs, and no reference to the blocks exists.
        unsafe { self.0.get().write([block; MAX_CPUS]) };
    }

    /// Changes the block of the core that calls, and returns its address range.
    pub(crate) fn set(&self, cpu: usize, change: impl FnOnce(&mut Block)) -> (u64, u64) {
        let at = self.0.get().cast::<Block>().wrapping_add(cpu);
        assert!(cpu < MAX_CPUS, "no such core");
        // SAFETY: in bounds, and a core changes its own block only.
        change(unsafe { &mut *at });
        (at as u64, at.wrapping_add(1) as u64)
    }
}

/// Everything that handlers need.
pub(crate) struct State {
    pub(crate) registers: Registers,
    pub(crate) relay: Relay,
    pub(crate) filter: Filter,
    pub(crate) map: HostMap,
    pub(crate) stage2: Tables,
    pub(crate) counters: Counters,
    /// Over code and constants, before the host ran.
    pub(crate) checksum: u64,
}

pub(crate) static STATE: Once<State> = Once::new();
