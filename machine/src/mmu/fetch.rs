//! Instruction fetch: where the code at a PC is.

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
}

impl Vcpu {
    /// Translates the PC, or raises its PC alignment fault or instruction abort. Cost of a hit: as of a load's.
    #[inline]
    pub fn fetch_page(&mut self, pc: u64) -> Result<FetchPage, Abort> {
        match self.tlb.fast_fetch(pc) {
            Some(entry) if pc & 3 == 0 => {
                Ok(FetchPage { pa: entry.pa | pc & 0xfff, guarded: entry.is_guarded() })
            }
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
        Ok(FetchPage { pa: entry.pa | pc & 0xfff, guarded: entry.is_guarded() })
    }
}
