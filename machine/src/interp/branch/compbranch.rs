//! Compare with zero and branch: CBZ, CBNZ.

use super::jump_by;
use crate::cpu::Vcpu;
use crate::interp::operand::{Width, rd, sbits};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::CBZ_32_compbranch => compare::<u32, true>,
        Encoding::CBNZ_32_compbranch => compare::<u32, false>,
        Encoding::CBZ_64_compbranch => compare::<u64, true>,
        Encoding::CBNZ_64_compbranch => compare::<u64, false>,
        _ => return None,
    })
}

fn compare<W: Width, const ZERO: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    if (W::get(cpu, rd(insn)) == W::ZERO) == ZERO {
        jump_by(cpu, sbits::<5, 19>(insn) << 2)
    } else {
        Ok(Flow::Next)
    }
}
