//! Conditional compare: CCMN, CCMP, immediate and register. The manual's groups `condcmp_imm` and `condcmp_reg`.

use crate::cpu::Vcpu;
use crate::interp::operand::{Width, bits, condition_holds, rm, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::CCMN_32_condcmp_imm => compare::<u32, false, true>,
        Encoding::CCMP_32_condcmp_imm => compare::<u32, true, true>,
        Encoding::CCMN_64_condcmp_imm => compare::<u64, false, true>,
        Encoding::CCMP_64_condcmp_imm => compare::<u64, true, true>,
        Encoding::CCMN_32_condcmp_reg => compare::<u32, false, false>,
        Encoding::CCMP_32_condcmp_reg => compare::<u32, true, false>,
        Encoding::CCMN_64_condcmp_reg => compare::<u64, false, false>,
        Encoding::CCMP_64_condcmp_reg => compare::<u64, true, false>,
        _ => return None,
    })
}

fn compare<W: Width, const SUBTRACT: bool, const IMMEDIATE: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    cpu.state.nzcv.set(if condition_holds(cpu.state.nzcv.bits(), bits::<12, 4>(insn)) {
        let x = W::get(cpu, rn(insn));
        let y = if IMMEDIATE { W::truncate(u64::from(rm(insn))) } else { W::get(cpu, rm(insn)) };
        if SUBTRACT { x.sub_flags(y).1 } else { x.add_with_carry(y, false).1 }
    } else {
        bits::<0, 4>(insn) << 28
    });
    Ok(Flow::Next)
}
