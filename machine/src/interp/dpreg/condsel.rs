//! Conditional select: CSEL, CSINC, CSINV, CSNEG and their aliases (CSET, CINC ...).

use crate::cpu::Vcpu;
use crate::interp::operand::{Width, bits, condition_holds, rd, rm, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::CSEL_32_condsel => select::<u32, false, false>,
        Encoding::CSINC_32_condsel => select::<u32, false, true>,
        Encoding::CSINV_32_condsel => select::<u32, true, false>,
        Encoding::CSNEG_32_condsel => select::<u32, true, true>,
        Encoding::CSEL_64_condsel => select::<u64, false, false>,
        Encoding::CSINC_64_condsel => select::<u64, false, true>,
        Encoding::CSINV_64_condsel => select::<u64, true, false>,
        Encoding::CSNEG_64_condsel => select::<u64, true, true>,
        _ => return None,
    })
}

fn select<W: Width, const INVERT: bool, const INCREMENT: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let (taken, mut other) = (W::get(cpu, rn(insn)), W::get(cpu, rm(insn)));
    if INVERT {
        other = !other;
    }
    if INCREMENT {
        other = other.add(W::truncate(1));
    }
    let holds = condition_holds(cpu.state.nzcv.bits(), bits::<12, 4>(insn));
    if holds { taken } else { other }.set(cpu, rd(insn));
    Ok(Flow::Next)
}
