//! Barriers and CLREX.

use crate::jit::compile::Compiler;
use crate::jit::layout::{MONITOR_VALID, UNSYNCHRONISED};
use crate::jit::x64::{Alu, Cond, Label, Size};
use droste_arch::a64::Encoding;

impl Compiler<'_> {
    /// DMB, DSB, SB and CLREX. Even a machine of one CPU has devices on other threads.
    pub(super) fn barrier(&mut self, encoding: Encoding, word: u32) -> bool {
        match encoding {
            Encoding::CLREX_BN_barriers => self.asm.store_imm(Size::B, MONITOR_VALID, 0),
            // Nothing is executed speculatively.
            Encoding::SB_only_barriers => {}
            // The host keeps the order of loads, and of stores.
            Encoding::DMB_BO_barriers if matches!(word >> 8 & 3, 1 | 2) => {}
            Encoding::DMB_BO_barriers => {
                self.clobber_flags();
                self.asm.full_barrier();
            }
            Encoding::DSB_BO_barriers | Encoding::DSB_BOn_barriers => {
                self.clobber_flags();
                let before = self.cache;
                let mut slow = Label::default();
                self.asm.alu_mem_imm(Alu::Cmp, Size::B, UNSYNCHRONISED, 0);
                self.asm.jcc(Cond::Ne, &mut slow);
                self.asm.full_barrier();
                self.push_slow_handler(slow, before);
            }
            _ => return false,
        }
        true
    }
}
