//! Loads and stores, without the AdvSIMD structure forms, which are in `simd`.
//!
//! No register changes when an access faults: values are loaded first, then the base is written back, then
//! the destinations are written, so that a destination which is also the base ends with the loaded value.

pub(crate) mod addressing;
pub(crate) mod comswap;
pub(crate) mod ldapstl;
pub(crate) mod ldst_immpost;
pub(crate) mod ldst_immpre;
pub(crate) mod ldst_pac;
pub(crate) mod ldst_pos;
pub(crate) mod ldst_regoff;
pub(crate) mod ldst_unpriv;
pub(crate) mod ldst_unscaled;
pub(crate) mod ldstexcl;
pub(crate) mod ldstord;
pub(crate) mod ldstpair;
pub(crate) mod loadlit;
pub(crate) mod memcms;
pub(crate) mod memop;
pub(crate) mod memop_128;
mod pair;
pub(crate) mod transfer;

use super::operand::rn;
use crate::cpu::Vcpu;
use crate::interp::Abort;

/// Returns the base register Rn or SP; SP with its alignment check.
#[inline(always)]
fn base(cpu: &mut Vcpu, insn: u32) -> Result<u64, Abort> {
    let n = rn(insn);
    if n == 31 {
        cpu.check_sp_alignment()?;
        return Ok(cpu.state.sp);
    }
    Ok(cpu.x(n))
}
