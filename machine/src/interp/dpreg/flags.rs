//! Flag manipulation (FEAT_FlagM): RMIF, SETF8, SETF16. The manual's groups `rmif` and `setf`.

use crate::cpu::Vcpu;
use crate::interp::operand::{bits, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::RMIF_only_rmif => rmif,
        Encoding::SETF8_only_setf => setf::<8>,
        Encoding::SETF16_only_setf => setf::<16>,
        _ => return None,
    })
}

fn rmif(cpu: &mut Vcpu, insn: u32) -> Exec {
    let rotated = cpu.x(rn(insn)).rotate_right(bits::<15, 6>(insn)) as u32;
    let mask = bits::<0, 4>(insn) << 28;
    cpu.state.nzcv.set(cpu.state.nzcv.bits() & !mask | rotated << 28 & mask);
    Ok(Flow::Next)
}

fn setf<const BITS: u32>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let value = cpu.w(rn(insn));
    let negative = value >> (BITS - 1) & 1;
    let overflow = negative ^ (value >> BITS & 1);
    let zero = u32::from(value << (32 - BITS) == 0);
    cpu.state.nzcv.set(cpu.state.nzcv.bits() & 1 << 29 | negative << 31 | zero << 30 | overflow << 28);
    Ok(Flow::Next)
}
