//! Load-acquire and store-release: LDAR, STLR, and the limited-ordering LDLAR and STLLR, which order more
//! than they must. The barrier between a store-release and a later load-acquire is part of the store.

use super::base;
use super::transfer::{Gpr, Word, with_syndrome};
use crate::cpu::Vcpu;
use crate::interp::operand::rd;
use crate::interp::{Exec, Flow, Handler};
use crate::mmu::Access;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::STLLRB_SL32_ldstord | Encoding::STLRB_SL32_ldstord => release::<u8>,
        Encoding::STLLRH_SL32_ldstord | Encoding::STLRH_SL32_ldstord => release::<u16>,
        Encoding::STLLR_SL32_ldstord | Encoding::STLR_SL32_ldstord => release::<u32>,
        Encoding::STLLR_SL64_ldstord | Encoding::STLR_SL64_ldstord => release::<u64>,
        Encoding::LDLARB_LR32_ldstord | Encoding::LDARB_LR32_ldstord => acquire::<u8>,
        Encoding::LDLARH_LR32_ldstord | Encoding::LDARH_LR32_ldstord => acquire::<u16>,
        Encoding::LDLAR_LR32_ldstord | Encoding::LDAR_LR32_ldstord => acquire::<u32>,
        Encoding::LDLAR_LR64_ldstord | Encoding::LDAR_LR64_ldstord => acquire::<u64>,
        _ => return None,
    })
}

fn release<T: Word>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?;
    let value = T::truncate(cpu.x(rd(insn)));
    cpu.store::<T>(address, value, with_syndrome::<Gpr<T>>(Access::ORDERED, rd(insn), true))?;
    Ok(Flow::Next)
}

fn acquire<T: Word>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?;
    let value = cpu.load::<T>(address, with_syndrome::<Gpr<T>>(Access::ORDERED, rd(insn), true))?;
    cpu.set_x(rd(insn), value.zero_extend());
    Ok(Flow::Next)
}
