//! Stage 1 of EL2: made and turned on by the first core, the same for all.

use super::console;
use super::entry;
use super::memory::{self, Regime, clean_to_memory};
use super::panic::refuse;
use super::registers::msr;
use super::state::{BLOCKS, Block, GUARD_BYTES, STACK_BYTES, stack_top};
use droste_arch::fields::hcr_el2;
use droste_hyp_core::address::{PAGE_BYTES, Pa, PaRange};
use droste_hyp_core::audit::checksum as checksum_of;
use droste_hyp_core::el2::Registers;
use droste_hyp_core::psci::MAX_CPUS;
use droste_hyp_core::symbols;
use droste_hyp_core::tables::{MAIR, MapError, Stage1Kind, TableMemory as _, Tables, stage1_attributes};

// SAFETY: the linker script defines these symbols, of which only the addresses are used.
unsafe extern "C" {
    static __text_start: u8;
    static __text_end: u8;
    static __data_start: u8;
    static __data_end: u8;
}

/// A sum over code, constants and symbols, none of which changes once the MMU is on.
pub(crate) fn checksum() -> u64 {
    let address = |symbol: *const u8| symbol as u64;
    let (text, data) = (address(&raw const __text_start), address(&raw const __data_start));
    let symbols = super::state::image_base() + symbols::OFFSET as u64;
    let sum = |start: u64, bytes: u64| {
        // SAFETY: mapped, and nothing writes there.
        checksum_of(unsafe { core::slice::from_raw_parts(start as *const u8, bytes as usize) })
    };
    sum(text, data - text) ^ sum(symbols, symbols::BYTES as u64).rotate_left(1)
}

/// Our stage 1.
pub(crate) struct OwnMap {
    tables: Tables,
    e2h: bool,
}

impl OwnMap {
    /// Maps a range identically.
    pub(crate) fn map(&self, range: PaRange, kind: Stage1Kind) {
        self.map_in(&mut memory::lock(Regime::Own), range, kind);
    }

    /// Takes a range out.
    pub(crate) fn unmap(&self, range: PaRange) {
        self.unmap_in(&mut memory::lock(Regime::Own), range);
    }

    fn map_in(&self, memory: &mut memory::Locked, range: PaRange, kind: Stage1Kind) {
        let attributes = stage1_attributes(kind, self.e2h);
        check(range, self.tables.map(memory, range, Pa(range.start), attributes));
    }

    fn unmap_in(&self, memory: &mut memory::Locked, range: PaRange) {
        check(range, self.tables.unmap(memory, range));
    }
}

fn check(range: PaRange, done: Result<(), MapError>) {
    if let Err(why) = done {
        refuse(format_args!("EL2's map cannot be changed at {range}: {why:?}"));
    }
}

/// Makes our stage 1 of the region, the loader's device tree and the console, and turns it on.
pub(crate) fn enable(registers: &Registers, region: PaRange, tree: PaRange) -> OwnMap {
    let mut pool = memory::before_mmu();
    let Some(root) = pool.allocate() else { refuse(format_args!("no table for the root")) };
    let own = OwnMap { tables: Tables::new(root, 0, 48), e2h: registers.e2h };
    let address = |symbol: *const u8| symbol as u64;
    let (text_start, text_end) = (address(&raw const __text_start), address(&raw const __text_end));
    let (data_start, data_end) = (address(&raw const __data_start), address(&raw const __data_end));
    let range = |start, end| PaRange { start, end };
    own.map_in(&mut pool, range(region.start, text_start), Stage1Kind::Constants);
    own.map_in(&mut pool, range(text_start, text_end), Stage1Kind::Code);
    own.map_in(&mut pool, range(text_end, data_start), Stage1Kind::Constants);
    own.map_in(&mut pool, range(data_start, data_end), Stage1Kind::Data);
    let symbols = region.start + symbols::OFFSET as u64;
    own.map_in(&mut pool, range(symbols, symbols + symbols::BYTES as u64), Stage1Kind::Constants);
    for cpu in 0..=MAX_CPUS {
        let bottom = stack_top(cpu) - STACK_BYTES as u64;
        own.unmap_in(&mut pool, range(bottom, bottom + GUARD_BYTES as u64));
    }
    own.map_in(&mut pool, tree, Stage1Kind::Constants);
    own.map_in(&mut pool, range(console::EARLY, console::EARLY + PAGE_BYTES), Stage1Kind::Device);
    BLOCKS.set_all(Block {
        // Nothing of the host yet; TLB maintenance and the layouts follow E2H.
        hcr: hcr_el2::RW.mask() | if registers.e2h { hcr_el2::E2H.mask() } else { 0 },
        mair: MAIR,
        tcr: registers.tcr,
        ttbr0: root.0,
        sctlr: registers.sctlr,
    });
    msr!("vttbr_el2", 0);
    // What was written with the MMU off has to be seen with caches on, here and by other cores with theirs off.
    clean_to_memory(region.start, region.end);
    entry::enable_mmu();
    own
}
