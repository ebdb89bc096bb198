//! Instruction fetch: where the code at a PC is.

use super::tlb::Entry;
use super::walk::Kind;
use crate::cpu::Vcpu;
use crate::interp::Abort;

/// Where an instruction is, for the block cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchPage {
    /// Physical address of the instruction.
    pub pa: u64,
    /// Whether the page is guarded (FEAT_BTI).
    pub guarded: bool,
    /// log2 of the size in bytes of the stage 1 translation, a page or a block.
    pub size_log2: u8,
    /// Whether the translation is that of all ASIDs.
    pub global: bool,
}

impl FetchPage {
    fn new(entry: &Entry, pc: u64) -> Self {
        Self {
            pa: entry.pa | pc & 0xfff,
            guarded: entry.is_guarded(),
            size_log2: entry.size_log2(),
            global: entry.is_global(),
        }
    }
}

impl Vcpu {
    /// Translates the PC, or raises its PC alignment fault or instruction abort. Cost of a hit: as of a load's.
    #[inline]
    pub fn fetch_page(&mut self, pc: u64) -> Result<FetchPage, Abort> {
        match self.tlb.fast_fetch(pc) {
            Some(entry) if pc & 3 == 0 => Ok(FetchPage::new(entry, pc)),
            _ => self.fetch_slow(pc),
        }
    }

    #[inline(never)]
    fn fetch_slow(&mut self, pc: u64) -> Result<FetchPage, Abort> {
        if pc & 3 != 0 {
            return Err(self.pc_alignment_fault(pc));
        }
        let (regime, privilege) = (self.tlb.current(), self.tlb.privilege(false));
        let found = self.translate(regime, pc, Kind::Execute, privilege);
        let entry = found.map_err(|fault| self.instruction_abort(pc, fault))?;
        Ok(FetchPage::new(&entry, pc))
    }
}
