//! Loads of literals: LDR and LDRSW relative to the PC.

use super::transfer::{Gpr, Signed64, Transfer, Vector, with_syndrome};
use crate::cpu::Vcpu;
use crate::interp::branch::hints::nop;
use crate::interp::operand::{rd, sbits};
use crate::interp::{Exec, Flow, Handler};
use crate::mmu::Access;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::LDR_32_loadlit => literal::<Gpr<u32>>,
        Encoding::LDR_S_loadlit => literal::<Vector<u32>>,
        Encoding::LDR_64_loadlit => literal::<Gpr<u64>>,
        Encoding::LDR_D_loadlit => literal::<Vector<u64>>,
        Encoding::LDRSW_64_loadlit => literal::<Signed64<u32>>,
        Encoding::LDR_Q_loadlit => literal::<Vector<u128>>,
        Encoding::PRFM_P_loadlit => nop,
        _ => return None,
    })
}

fn literal<T: Transfer>(cpu: &mut Vcpu, insn: u32) -> Exec {
    T::check(cpu)?;
    let address = cpu.state.pc.wrapping_add(sbits::<5, 19>(insn) << 2);
    let value = cpu.load::<T::Unit>(address, with_syndrome::<T>(Access::NORMAL, rd(insn), false))?;
    T::set(cpu, rd(insn), value);
    Ok(Flow::Next)
}
