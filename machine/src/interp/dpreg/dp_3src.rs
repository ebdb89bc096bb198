//! Multiply, multiply-add, multiply-long and multiply-high.

use crate::cpu::Vcpu;
use crate::interp::operand::{Width, ra, rd, rm, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::MADD_32A_dp_3src => multiply_add::<u32, false>,
        Encoding::MSUB_32A_dp_3src => multiply_add::<u32, true>,
        Encoding::MADD_64A_dp_3src => multiply_add::<u64, false>,
        Encoding::MSUB_64A_dp_3src => multiply_add::<u64, true>,
        Encoding::SMADDL_64WA_dp_3src => multiply_long::<true, false>,
        Encoding::SMSUBL_64WA_dp_3src => multiply_long::<true, true>,
        Encoding::UMADDL_64WA_dp_3src => multiply_long::<false, false>,
        Encoding::UMSUBL_64WA_dp_3src => multiply_long::<false, true>,
        Encoding::SMULH_64_dp_3src => smulh,
        Encoding::UMULH_64_dp_3src => umulh,
        _ => return None,
    })
}

fn multiply_add<W: Width, const SUBTRACT: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let product = W::get(cpu, rn(insn)).mul(W::get(cpu, rm(insn)));
    let addend = W::get(cpu, ra(insn));
    if SUBTRACT { addend.sub(product) } else { addend.add(product) }.set(cpu, rd(insn));
    Ok(Flow::Next)
}

fn multiply_long<const SIGNED: bool, const SUBTRACT: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let widen = |w: u32| if SIGNED { w as i32 as u64 } else { u64::from(w) };
    let product = widen(cpu.w(rn(insn))).mul(widen(cpu.w(rm(insn))));
    let addend = cpu.x(ra(insn));
    cpu.set_x(rd(insn), if SUBTRACT { addend.sub(product) } else { addend.add(product) });
    Ok(Flow::Next)
}

fn smulh(cpu: &mut Vcpu, insn: u32) -> Exec {
    let product = i128::from(cpu.x(rn(insn)) as i64) * i128::from(cpu.x(rm(insn)) as i64);
    cpu.set_x(rd(insn), (product >> 64) as u64);
    Ok(Flow::Next)
}

fn umulh(cpu: &mut Vcpu, insn: u32) -> Exec {
    let product = u128::from(cpu.x(rn(insn))) * u128::from(cpu.x(rm(insn)));
    cpu.set_x(rd(insn), (product >> 64) as u64);
    Ok(Flow::Next)
}
