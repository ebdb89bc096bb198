//! Branch targets and stack-pointer checks.

use super::Vcpu;
use crate::exception::Exception;
use crate::interp::{Abort, Exec, Flow};

impl Vcpu {
    /// Branches to `target`, as AArch64.BranchTo does: a top byte that is ignored is made canonical.
    #[inline]
    pub fn branch_to(&mut self, target: u64) -> Exec {
        self.state.pc = self.branch_address(target);
        Ok(Flow::Jump)
    }

    /// AArch64.BranchAddr for the current regime.
    #[inline]
    pub(crate) fn branch_address(&self, target: u64) -> u64 {
        let high = (target >> 55) & 1;
        if !self.mode.tbi_instruction[usize::from(high != 0)] {
            return target;
        }
        if high != 0 && (self.mode.el < 2 || self.mode.in_host) {
            target | 0xff << 56
        } else {
            target & !(0xff << 56)
        }
    }

    /// Raises the SP alignment fault if the stack pointer is misaligned and checked.
    #[inline]
    pub fn check_sp_alignment(&mut self) -> Result<(), Abort> {
        if self.state.sp & 15 != 0 && self.mode.sp_align_check {
            let target = self.default_target();
            return Err(self.raise(Exception::sync(target, 0x26, 0)));
        }
        Ok(())
    }
}
