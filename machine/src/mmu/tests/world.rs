//! A TLB over fake memory, with tables for two VMIDs of two ASIDs each.

use std::cell::Cell;

use super::super::resolve::RegimeRegisters;
use super::super::tlbi::{Scope, TlbiOp};
use super::super::translate::{Memory, Tlb};
use super::super::walk::tests::{FEATURES, FakeMemory, SHAPE, bit, registers};
use super::super::walk::{Kind, PhysMem, Privilege, Regime, Registers, Tables};
use crate::cpu::Level;

/// Fake memory that counts descriptor reads, to tell hits from walks.
#[derive(Default)]
pub(super) struct Counted {
    pub(super) memory: FakeMemory,
    pub(super) reads: Cell<u64>,
}

impl PhysMem for Counted {
    fn read(&self, pa: u64) -> Option<u64> {
        self.reads.set(self.reads.get() + 1);
        self.memory.read(pa)
    }

    fn compare_exchange(&self, pa: u64, expected: u64, new: u64) -> Option<u64> {
        self.memory.compare_exchange(pa, expected, new)
    }
}

impl Memory for Counted {
    fn host_page(&self, pa: u64) -> *mut u8 {
        std::ptr::without_provenance_mut((HOST + pa) as usize)
    }
}

/// The host address of physical address 0, where nothing is.
pub(super) const HOST: u64 = 0x7f00_0000_0000;

pub(super) const HIGH: u64 = 0xffff_0000_0000_0000;
pub(super) const LOW_PAGE: u64 = 0x1234_5000;
pub(super) const HIGH_PAGE: u64 = HIGH | 0x8765_4000;

/// A CPU's view: one TLB, tables for two VMIDs with two ASIDs each.
pub(super) struct World {
    pub(super) memory: Counted,
    pub(super) tlb: Tlb,
    /// TTBR0 by {VMID, ASID}, TTBR1 by VMID.
    pub(super) low: [[u64; 2]; 2],
    pub(super) high: [u64; 2],
    pub(super) vmid: usize,
    pub(super) asid: usize,
}

impl World {
    pub(super) fn new() -> Self {
        let memory = Counted::default();
        let table = || memory.memory.allocate();
        let low = [[table(), table()], [table(), table()]];
        let high = [table(), table()];
        let mut world = Self { tlb: Tlb::new(FEATURES), memory, low, high, vmid: 0, asid: 0 };
        world.switch(0, 0);
        world
    }

    pub(super) fn registers(&self) -> RegimeRegisters {
        let asid = self.asid as u16 + 1;
        let ttbr = [self.low[self.vmid][self.asid] | u64::from(asid) << 48, self.high[self.vmid]];
        RegimeRegisters {
            // All memory is Normal.
            control: Registers { mair: u64::MAX, ..registers() },
            tables: Tables { ttbr, vttbr: 0 },
            asid,
            vmid: self.vmid as u16 + 1,
        }
    }

    pub(super) fn switch(&mut self, vmid: usize, asid: usize) {
        (self.vmid, self.asid) = (vmid, asid);
        self.resolve();
    }

    pub(super) fn resolve(&mut self) {
        let registers = self.registers();
        self.tlb.resolve(Regime::El10, registers);
        self.tlb.select(Regime::El10, [Privilege::Privileged; 2], Level::default(), false, false);
    }

    pub(super) fn map(&self, va: u64, pa: u64, bits: u64) {
        self.map_at(va, 3, pa, bits);
    }

    pub(super) fn map_at(&self, va: u64, level: i8, pa: u64, bits: u64) {
        let root = if va >= HIGH { self.high[self.vmid] } else { self.low[self.vmid][self.asid] };
        let size = SHAPE.granule.block_log2(level);
        self.memory.memory.map(root, SHAPE, va & !HIGH, level, pa >> size << size | bits | bit::AF);
    }

    pub(super) fn unmap(&self, va: u64, level: i8) {
        let root = if va >= HIGH { self.high[self.vmid] } else { self.low[self.vmid][self.asid] };
        let slot = self.memory.memory.map(root, SHAPE, va & !HIGH, level, 0);
        self.memory.memory.write(slot, 0);
    }

    pub(super) fn read(&mut self, va: u64) -> Option<u64> {
        let found = self.tlb.translate(&self.memory, Regime::El10, va, Kind::Read, Privilege::Privileged);
        found.ok().map(|entry| entry.pa)
    }

    /// Translates and tells whether the tables were walked.
    pub(super) fn walks(&mut self, va: u64) -> bool {
        let before = self.memory.reads.get();
        self.read(va).expect("a mapped page");
        self.memory.reads.get() != before
    }

    pub(super) fn maintain(&mut self, vmid: Option<usize>, scope: Scope) {
        self.tlb.maintain(TlbiOp { regime: Regime::El10, vmid: vmid.map(|v| v as u16 + 1), scope });
        self.resolve();
    }

    pub(super) fn invalidate_va(&mut self, va: u64, asid: Option<usize>) {
        let asid = asid.map(|a| a as u16 + 1);
        self.maintain(Some(self.vmid), Scope::Range { first: va & !0xfff, last: va | 0xfff, asid });
    }
}
