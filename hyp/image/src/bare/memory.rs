//! The pool of page tables, its lock, and TLB maintenance.

use super::registers::{instruction, mrs};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};
use droste_arch::fields::ctr_el0;
use droste_hyp_core::address::{PAGE_BYTES, Pa, PaRange, Ranges};
use droste_hyp_core::host_map::{OWN_COUNT, RAM_COUNT};
use droste_hyp_core::ownership::{Ledger, Page, Party, Refusal, page_count};
use droste_hyp_core::tables::{ENTRY_COUNT, TableMemory};

/// Tables for our stage 1 and the host's stage 2.
const POOL_COUNT: usize = 200;
/// The largest root of stage 2: eight tables in a row, aligned to their size.
const ROOT_COUNT: usize = 8;

#[repr(C, align(4096))]
struct Table([u64; ENTRY_COUNT]);

#[repr(C, align(32768))]
struct Roots([Table; ROOT_COUNT]);

struct Pool {
    roots: UnsafeCell<Roots>,
    tables: UnsafeCell<[Table; POOL_COUNT]>,
    /// Whether a table is in use. Behind the lock.
    used: UnsafeCell<[bool; POOL_COUNT]>,
    /// Behind the lock as well: what is mapped and who owns it change together.
    ledger: UnsafeCell<Option<Ledger<'static>>>,
    is_locked: AtomicBool,
}
// SAFETY: `used` and `ledger` are reached through `Locked`, tables by `Locked` and by table walks.
unsafe impl Sync for Pool {}

static POOL: Pool = Pool {
    roots: UnsafeCell::new(Roots([const { Table([0; ENTRY_COUNT]) }; ROOT_COUNT])),
    tables: UnsafeCell::new([const { Table([0; ENTRY_COUNT]) }; POOL_COUNT]),
    used: UnsafeCell::new([false; POOL_COUNT]),
    ledger: UnsafeCell::new(None),
    is_locked: AtomicBool::new(false),
};

/// The root of the host's stage 2.
pub(crate) fn stage2_root() -> Pa {
    Pa(POOL.roots.get() as u64)
}

/// Which TLB entries a change concerns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Regime {
    /// Stage 1 of EL2.
    Own,
    /// Stage 2 of the host.
    Host,
}

/// The pool, held by this core.
pub(crate) struct Locked {
    regime: Regime,
    has_lock: bool,
}

/// Takes the lock.
pub(crate) fn lock(regime: Regime) -> Locked {
    while POOL.is_locked.swap(true, Ordering::Acquire) {
        core::hint::spin_loop();
    }
    Locked { regime, has_lock: true }
}

/// The pool while only one core runs and the MMU is off, where atomic accesses need not work.
pub(crate) fn before_mmu() -> Locked {
    Locked { regime: Regime::Own, has_lock: false }
}

impl Drop for Locked {
    fn drop(&mut self) {
        if self.has_lock {
            POOL.is_locked.store(false, Ordering::Release);
        }
    }
}

impl Locked {
    /// How many tables are in use, and how many there are.
    pub(crate) fn usage(&mut self) -> (usize, usize) {
        (self.used().iter().filter(|u| **u).count(), POOL_COUNT)
    }

    /// Opens the ledger in memory that is mapped and used by nothing else; everything is the host's but `own`.
    pub(crate) fn open_ledger(
        &mut self,
        at: PaRange,
        ram: Ranges<RAM_COUNT>,
        own: &Ranges<OWN_COUNT>,
    ) -> Result<(), Refusal> {
        let (first, count) = (at.start as *mut Page, page_count(&ram) as usize);
        assert!(count * size_of::<Page>() <= at.bytes() as usize, "the ledger does not fit");
        // SAFETY: RAM that the boot plan has set aside, mapped, aligned; `Page` is valid when zero.
        unsafe { first.write_bytes(0, count) };
        // SAFETY: initialized above, and nobody else gets it.
        let pages = unsafe { core::slice::from_raw_parts_mut(first, count) };
        let mut ledger = Ledger::new(ram, pages);
        for range in own.iter() {
            let (page, count) = (range.start / PAGE_BYTES, range.bytes() / PAGE_BYTES);
            ledger.donate(page, count, Party::Host, Party::Hypervisor)?;
        }
        // SAFETY: this is the only `Locked`.
        unsafe { *POOL.ledger.get() = Some(ledger) };
        Ok(())
    }

    /// The ledger.
    pub(crate) fn ledger(&mut self) -> &mut Ledger<'static> {
        // SAFETY: this is the only `Locked`.
        match unsafe { &mut *POOL.ledger.get() } {
            Some(ledger) => ledger,
            None => panic!("the ledger is not open yet"),
        }
    }

    fn used(&mut self) -> &mut [bool; POOL_COUNT] {
        // SAFETY: this is the only `Locked`.
        unsafe { &mut *POOL.used.get() }
    }
}

fn entry(table: Pa, index: usize) -> *mut u64 {
    (table.0 + index as u64 * 8) as *mut u64
}

impl TableMemory for Locked {
    fn read(&self, table: Pa, index: usize) -> u64 {
        // SAFETY: an entry of a table of the pool or of the root.
        unsafe { entry(table, index).read_volatile() }
    }

    fn write(&mut self, table: Pa, index: usize, descriptor: u64) {
        // SAFETY: an entry of a table of the pool or of the root; the hypervisor's own memory.
        unsafe { entry(table, index).write_volatile(descriptor) };
    }

    fn allocate(&mut self) -> Option<Pa> {
        let number = self.used().iter().position(|u| !*u)?;
        *self.used().get_mut(number)? = true;
        let table = Pa(POOL.tables.get() as u64 + number as u64 * 4096);
        for index in 0..ENTRY_COUNT {
            self.write(table, index, 0);
        }
        Some(table)
    }

    fn free(&mut self, table: Pa) {
        let number = (table.0 - POOL.tables.get() as u64) / 4096;
        if let Some(used) = self.used().get_mut(number as usize) {
            *used = false;
        }
    }

    fn publish(&mut self) {
        instruction!("dsb ishst", "isb");
    }

    fn invalidate(&mut self, _address: u64, _level: u8) {
        // Everything of the regime: changes of valid entries are rare.
        match self.regime {
            Regime::Own => instruction!("tlbi alle2is", "dsb ish", "isb"),
            Regime::Host => instruction!("tlbi vmalls12e1is", "dsb ish", "isb"),
        }
    }
}

/// Cleans and invalidates data caches to the point of coherency.
pub(crate) fn clean_to_memory(start: u64, end: u64) {
    let line_bytes = 4 << ctr_el0::DminLine.get(mrs!("ctr_el0"));
    for line in (start & !(line_bytes - 1)..end).step_by(line_bytes as usize) {
        // SAFETY: maintenance by address, on memory that is mapped or with the MMU off, changes no value.
        unsafe { core::arch::asm!("dc civac, {}", in(reg) line, options(nostack)) };
    }
    instruction!("dsb sy");
}
