//! Page tables with the 4 KiB granule and 39-bit input addresses: stage 1 of EL1 and EL2, and stage 2.
#![allow(unsafe_code)] // tables are reached by address

use crate::sysreg::current_el;
use crate::{instruction, mrs, msr};
use core::cell::UnsafeCell;

/// Leaf attributes. Bits of a block or page descriptor, without the type bits.
pub mod attr {
    /// The access flag.
    pub const AF: u64 = 1 << 10;
    /// Inner shareable.
    pub const INNER: u64 = 3 << 8;
    /// Stage 1: read-only.
    pub const READ_ONLY: u64 = 1 << 7;
    /// Stage 1: EL0 may access; at EL2 with HCR_EL2.E2H = 0 this bit is RES1.
    pub const USER: u64 = 1 << 6;
    /// Stage 1: not global.
    pub const NOT_GLOBAL: u64 = 1 << 11;
    /// Stage 1: execute-never (UXN in a regime with two privilege levels).
    pub const XN: u64 = 1 << 54;
    /// Stage 1: PXN.
    pub const PXN: u64 = 1 << 53;
    /// Stage 1: Device-nGnRE, by the MAIR that `enable` sets.
    pub const DEVICE: u64 = AF;
    /// Stage 1: Normal write-back, by the MAIR that `enable` sets.
    pub const NORMAL: u64 = AF | INNER | 1 << 2;
    /// Stage 2: Normal write-back, readable and writable.
    pub const S2_NORMAL: u64 = AF | INNER | 0xf << 2 | 3 << 6;
    /// Stage 2: Device-nGnRE, readable and writable.
    pub const S2_DEVICE: u64 = AF | 1 << 2 | 3 << 6;
}

const ADDRESS: u64 = 0x0000_ffff_ffff_f000;

#[repr(C, align(4096))]
struct Table([u64; 512]);

/// A root table at level 1 and a pool of further tables. One CPU changes it at a time.
#[repr(C)]
pub struct Tables<const N: usize> {
    pool: UnsafeCell<[Table; N]>,
    used: UnsafeCell<usize>,
}

// SAFETY: guests change tables on one CPU only.
unsafe impl<const N: usize> Sync for Tables<N> {}

impl<const N: usize> Tables<N> {
    /// Empty tables.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Tables { pool: UnsafeCell::new([const { Table([0; 512]) }; N]), used: UnsafeCell::new(1) }
    }

    /// The address of the root table.
    pub fn root(&self) -> u64 {
        self.pool.get() as u64
    }

    /// Maps a range with the largest blocks that fit, 2 MiB or 4 KiB.
    pub fn map(&self, from: u64, to: u64, size: u64, attributes: u64) {
        let mut at = 0;
        while at < size {
            let block = (from + at).is_multiple_of(1 << 21)
                && (to + at).is_multiple_of(1 << 21)
                && size - at >= 1 << 21;
            let (level, step) = if block { (2, 1 << 21) } else { (3, 1 << 12) };
            self.set(from + at, level, (to + at) | attributes | if block { 1 } else { 3 });
            at += step;
        }
        instruction!("dsb ish", "isb");
    }

    /// Sets the descriptor for an address at a level (1 to 3), making the tables on the way. No TLB maintenance.
    pub fn set(&self, address: u64, level: u32, descriptor: u64) {
        let mut table = self.root();
        for step in 1..level {
            let entry = Self::entry(table, address, step);
            // SAFETY: an entry of one of our tables.
            let mut next = unsafe { entry.read_volatile() };
            assert!(next & 3 != 1, "a block is in the way at {address:#x}");
            if next & 1 == 0 {
                next = self.fresh() | 3;
                // SAFETY: an entry of one of our tables.
                unsafe { entry.write_volatile(next) };
            }
            table = next & ADDRESS;
        }
        // SAFETY: an entry of one of our tables.
        unsafe { Self::entry(table, address, level).write_volatile(descriptor) };
    }

    /// Reads the descriptor for an address at a level; 0 if the tables end before.
    pub fn get(&self, address: u64, level: u32) -> u64 {
        let mut table = self.root();
        for step in 1..=level {
            // SAFETY: an entry of one of our tables.
            let next = unsafe { Self::entry(table, address, step).read_volatile() };
            if step == level || next & 3 != 3 {
                return if step == level { next } else { 0 };
            }
            table = next & ADDRESS;
        }
        0
    }

    fn entry(table: u64, address: u64, level: u32) -> *mut u64 {
        let index = address >> (39 - 9 * level) & 0x1ff;
        (table + index * 8) as *mut u64
    }

    fn fresh(&self) -> u64 {
        // SAFETY: one CPU changes the tables at a time.
        let used = unsafe { &mut *self.used.get() };
        assert!(*used < N, "out of page tables");
        *used += 1;
        self.root() + (*used as u64 - 1) * 4096
    }

    /// Turns stage 1 of the current level on, with these tables and caches enabled.
    pub fn enable(&self) {
        // Attr0 Device-nGnRE, Attr1 Normal write-back, Attr2 Normal non-cacheable.
        let mair = 0x44_ff_04;
        // 39 bits, inner shareable write-back walks; 40-bit output.
        let common = 25 | 1 << 8 | 1 << 10 | 3 << 12;
        if current_el() == 2 {
            msr!("mair_el2", mair);
            msr!("tcr_el2", common | 2 << 16 | 1 << 23 | 1 << 31);
            msr!("ttbr0_el2", self.root());
            instruction!("tlbi alle2", "dsb sy", "isb");
            msr!("sctlr_el2", mrs!("sctlr_el2") | 1 | 1 << 2 | 1 << 12);
        } else {
            msr!("mair_el1", mair);
            msr!("tcr_el1", common | 2 << 32 | 1 << 23);
            msr!("ttbr0_el1", self.root());
            instruction!("tlbi vmalle1", "dsb sy", "isb");
            msr!("sctlr_el1", mrs!("sctlr_el1") | 1 | 1 << 2 | 1 << 12);
        }
    }
}

/// Turns stage 1 of the current level off.
pub fn disable() {
    if current_el() == 2 {
        msr!("sctlr_el2", mrs!("sctlr_el2") & !1);
    } else {
        msr!("sctlr_el1", mrs!("sctlr_el1") & !1);
    }
}

/// Forgets all translations of the current regime, on all CPUs.
pub fn flush() {
    if current_el() == 2 {
        instruction!("dsb ishst", "tlbi alle2is", "dsb ish", "isb");
    } else {
        instruction!("dsb ishst", "tlbi vmalle1is", "dsb ish", "isb");
    }
}
