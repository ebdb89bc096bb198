//! Minimum and maximum, immediate (FEAT_CSSC): SMAX, SMIN, UMAX, UMIN.

use crate::cpu::Vcpu;
use crate::interp::operand::{Width, bits, rd, rn, sbits};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::SMAX_32_minmax_imm => signed::<u32, true>,
        Encoding::SMIN_32_minmax_imm => signed::<u32, false>,
        Encoding::UMAX_32U_minmax_imm => unsigned::<u32, true>,
        Encoding::UMIN_32U_minmax_imm => unsigned::<u32, false>,
        Encoding::SMAX_64_minmax_imm => signed::<u64, true>,
        Encoding::SMIN_64_minmax_imm => signed::<u64, false>,
        Encoding::UMAX_64U_minmax_imm => unsigned::<u64, true>,
        Encoding::UMIN_64U_minmax_imm => unsigned::<u64, false>,
        _ => return None,
    })
}

fn signed<W: Width, const MAX: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let (x, y) = (W::get(cpu, rn(insn)).signed(), sbits::<10, 8>(insn) as i64);
    W::truncate(if MAX { x.max(y) } else { x.min(y) } as u64).set(cpu, rd(insn));
    Ok(Flow::Next)
}

fn unsigned<W: Width, const MAX: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let (x, y) = (W::get(cpu, rn(insn)), W::truncate(u64::from(bits::<10, 8>(insn))));
    if MAX { x.max(y) } else { x.min(y) }.set(cpu, rd(insn));
    Ok(Flow::Next)
}
