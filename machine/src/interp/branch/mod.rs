//! Branches, exception generation, hints, barriers and PSTATE: the manual's `control` groups, without
//! system registers and system instructions, which are in `sysreg`.

pub(crate) mod barriers;
pub(crate) mod branch_imm;
pub(crate) mod branch_reg;
pub(crate) mod compbranch;
pub(crate) mod compbranch_regs;
pub(crate) mod condbranch;
pub(crate) mod exception;
pub(crate) mod hints;
pub(crate) mod pstate;
pub(crate) mod testbranch;
pub(crate) mod wfxt;

use super::{Exec, Flow};
use crate::cpu::Vcpu;

/// Branches to the current PC plus `offset`.
#[inline(always)]
fn jump_by(cpu: &mut Vcpu, offset: u64) -> Exec {
    cpu.state.pc = cpu.state.pc.wrapping_add(offset);
    Ok(Flow::Jump)
}
