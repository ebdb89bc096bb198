//! Walks over hand-built tables.

mod faults;
mod permissions;
mod sizes;
mod stage2;
mod updates;

use std::cell::RefCell;
use std::collections::HashMap;

use super::*;
use crate::mmu::fault::FaultKind;

/// Sparse physical memory with a bump allocator for tables. Unwritten words are zero; `hole` does not answer.
#[derive(Default)]
pub(in crate::mmu) struct FakeMemory {
    words: RefCell<HashMap<u64, u64>>,
    next: RefCell<u64>,
    pub(in crate::mmu) hole: Option<u64>,
}

impl PhysMem for FakeMemory {
    fn read(&self, pa: u64) -> Option<u64> {
        assert_eq!(pa % 8, 0, "descriptors are aligned");
        (self.hole != Some(pa & !0xfff)).then(|| self.words.borrow().get(&pa).copied().unwrap_or(0))
    }

    fn compare_exchange(&self, pa: u64, expected: u64, new: u64) -> Option<u64> {
        let found = self.read(pa)?;
        if found == expected {
            self.write(pa, new);
        }
        Some(found)
    }
}

/// The shape of a table tree.
#[derive(Clone, Copy)]
pub(in crate::mmu) struct Shape {
    pub(in crate::mmu) granule: Granule,
    pub(in crate::mmu) start_level: i8,
    pub(in crate::mmu) input_bits: u8,
    pub(in crate::mmu) ds: bool,
}

/// Descriptor bits that tests set.
pub(in crate::mmu) mod bit {
    pub(in crate::mmu) const USER: u64 = 1 << 6;
    pub(in crate::mmu) const READ_ONLY: u64 = 1 << 7;
    pub(in crate::mmu) const AF: u64 = 1 << 10;
    pub(in crate::mmu) const NG: u64 = 1 << 11;
    pub(in crate::mmu) const DBM: u64 = 1 << 51;
    pub(in crate::mmu) const PXN: u64 = 1 << 53;
    pub(in crate::mmu) const UXN: u64 = 1 << 54;
    /// Stage 2: read and write, Normal Write-Back.
    pub(in crate::mmu) const S2_RW: u64 = 3 << 6 | 0xf << 2 | AF;
    pub(in crate::mmu) const S2_READ: u64 = 1 << 6 | 0xf << 2 | AF;
}

impl FakeMemory {
    /// Tables are allocated from 16 MiB up, aligned to 64 KiB.
    pub(in crate::mmu) fn allocate(&self) -> u64 {
        let mut next = self.next.borrow_mut();
        *next += 0x1_0000;
        0x100_0000 + *next
    }

    /// Concatenated tables need more alignment.
    pub(in crate::mmu) fn allocate_aligned(&self, align: u64) -> u64 {
        let mut next = self.next.borrow_mut();
        *next = (0x100_0000 + *next + 0x1_0000).next_multiple_of(align.max(0x1_0000)) - 0x100_0000;
        let base = 0x100_0000 + *next;
        *next += align.next_multiple_of(0x1_0000);
        base
    }

    pub(in crate::mmu) fn write(&self, pa: u64, value: u64) {
        self.words.borrow_mut().insert(pa, value);
    }

    /// Maps `address` by a leaf at `level`, making tables on the way with `table_bits`; gives the leaf's address.
    pub(in crate::mmu) fn map_with(
        &self,
        root: u64,
        shape: Shape,
        address: u64,
        level: i8,
        leaf: u64,
        table_bits: u64,
    ) -> u64 {
        let mut table = root;
        let mut at_level = shape.start_level;
        let mut bits = shape.input_bits - shape.granule.block_log2(at_level);
        loop {
            let index = address >> shape.granule.block_log2(at_level) & ((1 << bits) - 1);
            let slot = table + 8 * index;
            if at_level == level {
                let kind = if level == 3 { 3 } else { 1 };
                self.write(slot, leaf | kind);
                return slot;
            }
            let old = self.read(slot).unwrap();
            table = if old & 3 == 3 {
                shape.granule.descriptor_address(old, shape.ds, false)
            } else {
                self.allocate()
            };
            self.write(slot, table | 3 | table_bits);
            at_level += 1;
            bits = shape.granule.stride();
        }
    }

    pub(in crate::mmu) fn map(&self, root: u64, shape: Shape, address: u64, level: i8, leaf: u64) -> u64 {
        self.map_with(root, shape, address, level, leaf, 0)
    }
}

/// Every feature that a test may use.
pub(in crate::mmu) const FEATURES: MmuFeatures = MmuFeatures {
    pa_bits: 48,
    lpa: false,
    lva: false,
    lpa2: [false; 2],
    lpa2_stage2: [false; 2],
    ttst: true,
    access_flag: true,
    dirty_state: true,
    hpds: true,
    e0pd: true,
    xnx: true,
    epan: true,
    s1pie: false,
    s2pie: false,
    vmid16: true,
    asid16: true,
};

pub(in crate::mmu) const SHAPE: Shape =
    Shape { granule: Granule::K4, start_level: 0, input_bits: 48, ds: false };

/// SCTLR with M, C and I.
pub(in crate::mmu) const SCTLR_ON: u64 = 1 | 1 << 2 | 1 << 12;
/// TCR of EL1&0 or EL2&0: 4 KiB, 48 bits in both ranges, 48-bit output, TBI0.
pub(in crate::mmu) const TCR_48: u64 = 16 | 16 << 16 | 0b10 << 30 | 0b101 << 32 | 1 << 37;

/// Registers of a 48-bit regime with 4 KiB pages and Normal memory as attribute 0, Device as attribute 1.
pub(in crate::mmu) fn registers() -> Registers {
    Registers { sctlr: SCTLR_ON, tcr: TCR_48, mair: 0x00ff, ..Registers::default() }
}

pub(in crate::mmu) fn config(regime: Regime, registers: Registers) -> WalkConfig {
    WalkConfig::new(regime, &registers, &FEATURES)
}

fn read(privilege: Privilege) -> Request {
    Request::new(Kind::Read, privilege)
}

fn write(privilege: Privilege) -> Request {
    Request::new(Kind::Write, privilege)
}

/// A walk in EL1&0 without stage 2 over one page at `va`.
fn one_page(registers: Registers, va: u64, leaf: u64, request: Request) -> Result<Translation, Fault> {
    let memory = FakeMemory::default();
    let root = memory.allocate();
    memory.map(root, SHAPE, va, 3, leaf);
    let tables = Tables { ttbr: [root; 2], vttbr: 0 };
    translate(&memory, &config(Regime::El10, registers), &tables, va, request)
}

fn kind_and_level(result: Result<Translation, Fault>) -> (FaultKind, i8) {
    let fault = result.expect_err("a fault");
    (fault.kind, fault.level)
}
