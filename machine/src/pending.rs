//! Interfaces whose owners have not landed yet. Each piece is deleted when the real one lands.
#![allow(missing_docs, unused_variables)]

use crate::cpu::Vcpu;
use crate::interp::{Abort, Handler};
use droste_arch::a64::Encoding;

/// mmu: where the instruction at a PC is.
pub(crate) struct FetchPage {
    /// Physical address of the instruction.
    pub(crate) pa: u64,
    /// Whether the page is guarded (GP), for BTI.
    pub(crate) guarded: bool,
}

impl Vcpu {
    pub(crate) fn fetch_page(&mut self, pc: u64) -> Result<FetchPage, Abort> {
        Err(Abort)
    }
}

pub(crate) mod timer {
    use super::Vcpu;
    /// Raises and lowers the timers' interrupts for the current time.
    pub(crate) fn poll(cpu: &mut Vcpu) {}
    /// The count at which the next timer fires, as CNTPCT_EL0 counts.
    pub(crate) fn next_deadline(cpu: &Vcpu) -> Option<u64> {
        None
    }
    /// CNTVCT_EL0.
    pub(crate) fn virtual_count(cpu: &Vcpu) -> u64 {
        cpu.physical_count()
    }
}

/// interp/table.rs
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    None
}
