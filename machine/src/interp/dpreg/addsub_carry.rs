//! Add and subtract with carry: ADC, ADCS, SBC, SBCS.

use crate::cpu::Vcpu;
use crate::interp::operand::{Width, rd, rm, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::ADC_32_addsub_carry => carry::<u32, false, false>,
        Encoding::ADCS_32_addsub_carry => carry::<u32, false, true>,
        Encoding::SBC_32_addsub_carry => carry::<u32, true, false>,
        Encoding::SBCS_32_addsub_carry => carry::<u32, true, true>,
        Encoding::ADC_64_addsub_carry => carry::<u64, false, false>,
        Encoding::ADCS_64_addsub_carry => carry::<u64, false, true>,
        Encoding::SBC_64_addsub_carry => carry::<u64, true, false>,
        Encoding::SBCS_64_addsub_carry => carry::<u64, true, true>,
        _ => return None,
    })
}

fn carry<W: Width, const SUBTRACT: bool, const FLAGS: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let y = W::get(cpu, rm(insn));
    let y = if SUBTRACT { !y } else { y };
    let (result, flags) = W::get(cpu, rn(insn)).add_with_carry(y, cpu.state.nzcv.bits() & 1 << 29 != 0);
    if FLAGS {
        cpu.state.nzcv.set(flags);
    }
    result.set(cpu, rd(insn));
    Ok(Flow::Next)
}
