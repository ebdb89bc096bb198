//! Test a bit and branch: TBZ, TBNZ.

use super::jump_by;
use crate::cpu::Vcpu;
use crate::interp::operand::{bits, rd, sbits};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::TBZ_only_testbranch => test::<false>,
        Encoding::TBNZ_only_testbranch => test::<true>,
        _ => return None,
    })
}

fn test<const SET: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let position = bits::<31, 1>(insn) << 5 | bits::<19, 5>(insn);
    if (cpu.x(rd(insn)) >> position & 1 != 0) == SET {
        jump_by(cpu, sbits::<5, 14>(insn) << 2)
    } else {
        Ok(Flow::Next)
    }
}
