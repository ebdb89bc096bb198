//! Exclusive loads and stores of one register and of a pair. The manual's groups `ldstexclr` and
//! `ldstexclp`.

use super::base;
use super::transfer::Word;
use crate::cpu::Vcpu;
use crate::interp::operand::{ra, rd, rm};
use crate::interp::{Exec, Flow, Handler};
use crate::mmu::Access;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::STXRB_SR32_ldstexclr | Encoding::STLXRB_SR32_ldstexclr => store::<u8>,
        Encoding::STXRH_SR32_ldstexclr | Encoding::STLXRH_SR32_ldstexclr => store::<u16>,
        Encoding::STXR_SR32_ldstexclr | Encoding::STLXR_SR32_ldstexclr => store::<u32>,
        Encoding::STXR_SR64_ldstexclr | Encoding::STLXR_SR64_ldstexclr => store::<u64>,
        Encoding::LDXRB_LR32_ldstexclr | Encoding::LDAXRB_LR32_ldstexclr => load::<u8>,
        Encoding::LDXRH_LR32_ldstexclr | Encoding::LDAXRH_LR32_ldstexclr => load::<u16>,
        Encoding::LDXR_LR32_ldstexclr | Encoding::LDAXR_LR32_ldstexclr => load::<u32>,
        Encoding::LDXR_LR64_ldstexclr | Encoding::LDAXR_LR64_ldstexclr => load::<u64>,
        Encoding::STXP_SP32_ldstexclp | Encoding::STLXP_SP32_ldstexclp => store_pair_32,
        Encoding::STXP_SP64_ldstexclp | Encoding::STLXP_SP64_ldstexclp => store_pair_64,
        Encoding::LDXP_LP32_ldstexclp | Encoding::LDAXP_LP32_ldstexclp => load_pair_32,
        Encoding::LDXP_LP64_ldstexclp | Encoding::LDAXP_LP64_ldstexclp => load_pair_64,
        _ => return None,
    })
}

fn load<T: Word>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?;
    let value = cpu.load_exclusive::<T>(address, Access::EXCLUSIVE)?;
    cpu.set_x(rd(insn), value.zero_extend());
    Ok(Flow::Next)
}

fn store<T: Word>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?;
    let value = T::truncate(cpu.x(rd(insn)));
    let stored = cpu.store_exclusive::<T>(address, value, Access::EXCLUSIVE)?;
    cpu.set_w(rm(insn), u32::from(!stored));
    Ok(Flow::Next)
}

fn load_pair_32(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?;
    let value = cpu.load_exclusive::<u64>(address, Access::EXCLUSIVE)?;
    let (first, second) = cpu.split_32(value);
    cpu.set_w(rd(insn), first);
    cpu.set_w(ra(insn), second);
    Ok(Flow::Next)
}

fn load_pair_64(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?;
    let value = cpu.load_exclusive::<u128>(address, Access::EXCLUSIVE)?;
    let (first, second) = cpu.split_64(value);
    cpu.set_x(rd(insn), first);
    cpu.set_x(ra(insn), second);
    Ok(Flow::Next)
}

fn store_pair_32(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?;
    let value = cpu.join_32(cpu.w(rd(insn)), cpu.w(ra(insn)));
    let stored = cpu.store_exclusive::<u64>(address, value, Access::EXCLUSIVE)?;
    cpu.set_w(rm(insn), u32::from(!stored));
    Ok(Flow::Next)
}

fn store_pair_64(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?;
    let value = cpu.join_64(cpu.x(rd(insn)), cpu.x(ra(insn)));
    let stored = cpu.store_exclusive::<u128>(address, value, Access::EXCLUSIVE)?;
    cpu.set_w(rm(insn), u32::from(!stored));
    Ok(Flow::Next)
}
