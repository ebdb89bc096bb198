//! Load-acquire RCpc and store-release with offsets (FEAT_LRCPC2, FEAT_LRCPC3): LDAPUR, STLUR, the
//! write-back forms of LDAPR and STLR, LDIAPP, STILP. The manual's groups `ldapstl_unscaled`,
//! `ldapstl_simd`, `ldapstl_writeback` and `ldiappstilp`.

use super::addressing::{UnscaledOrdered, load, store};
use super::base;
use super::pair::{load_two, store_two};
use super::transfer::{Gpr, Signed32, Signed64, Vector, Word};
use crate::cpu::Vcpu;
use crate::interp::operand::{rd, rm, rn};
use crate::interp::{Exec, Flow, Handler};
use crate::mmu::Access;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::STLURB_32_ldapstl_unscaled => store::<UnscaledOrdered, Gpr<u8>>,
        Encoding::LDAPURB_32_ldapstl_unscaled => load::<UnscaledOrdered, Gpr<u8>>,
        Encoding::LDAPURSB_64_ldapstl_unscaled => load::<UnscaledOrdered, Signed64<u8>>,
        Encoding::LDAPURSB_32_ldapstl_unscaled => load::<UnscaledOrdered, Signed32<u8>>,
        Encoding::STLURH_32_ldapstl_unscaled => store::<UnscaledOrdered, Gpr<u16>>,
        Encoding::LDAPURH_32_ldapstl_unscaled => load::<UnscaledOrdered, Gpr<u16>>,
        Encoding::LDAPURSH_64_ldapstl_unscaled => load::<UnscaledOrdered, Signed64<u16>>,
        Encoding::LDAPURSH_32_ldapstl_unscaled => load::<UnscaledOrdered, Signed32<u16>>,
        Encoding::STLUR_32_ldapstl_unscaled => store::<UnscaledOrdered, Gpr<u32>>,
        Encoding::LDAPUR_32_ldapstl_unscaled => load::<UnscaledOrdered, Gpr<u32>>,
        Encoding::LDAPURSW_64_ldapstl_unscaled => load::<UnscaledOrdered, Signed64<u32>>,
        Encoding::STLUR_64_ldapstl_unscaled => store::<UnscaledOrdered, Gpr<u64>>,
        Encoding::LDAPUR_64_ldapstl_unscaled => load::<UnscaledOrdered, Gpr<u64>>,
        Encoding::STLUR_B_ldapstl_simd => store::<UnscaledOrdered, Vector<u8>>,
        Encoding::LDAPUR_B_ldapstl_simd => load::<UnscaledOrdered, Vector<u8>>,
        Encoding::STLUR_H_ldapstl_simd => store::<UnscaledOrdered, Vector<u16>>,
        Encoding::LDAPUR_H_ldapstl_simd => load::<UnscaledOrdered, Vector<u16>>,
        Encoding::STLUR_S_ldapstl_simd => store::<UnscaledOrdered, Vector<u32>>,
        Encoding::LDAPUR_S_ldapstl_simd => load::<UnscaledOrdered, Vector<u32>>,
        Encoding::STLUR_D_ldapstl_simd => store::<UnscaledOrdered, Vector<u64>>,
        Encoding::LDAPUR_D_ldapstl_simd => load::<UnscaledOrdered, Vector<u64>>,
        Encoding::STLUR_Q_ldapstl_simd => store::<UnscaledOrdered, Vector<u128>>,
        Encoding::LDAPUR_Q_ldapstl_simd => load::<UnscaledOrdered, Vector<u128>>,
        Encoding::STLR_32S_ldapstl_writeback => stlr_pre::<u32>,
        Encoding::STLR_64S_ldapstl_writeback => stlr_pre::<u64>,
        Encoding::LDAPR_32L_ldapstl_writeback => ldapr_post::<u32>,
        Encoding::LDAPR_64L_ldapstl_writeback => ldapr_post::<u64>,
        Encoding::STILP_32SE_ldiappstilp => stilp::<u32, true>,
        Encoding::STILP_32S_ldiappstilp => stilp::<u32, false>,
        Encoding::STILP_64SS_ldiappstilp => stilp::<u64, true>,
        Encoding::STILP_64S_ldiappstilp => stilp::<u64, false>,
        Encoding::LDIAPP_32LE_ldiappstilp => ldiapp::<u32, true>,
        Encoding::LDIAPP_32L_ldiappstilp => ldiapp::<u32, false>,
        Encoding::LDIAPP_64LS_ldiappstilp => ldiapp::<u64, true>,
        Encoding::LDIAPP_64L_ldiappstilp => ldiapp::<u64, false>,
        _ => return None,
    })
}

fn stlr_pre<T: Word>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?.wrapping_sub(T::SIZE);
    cpu.store::<T>(address, T::truncate(cpu.x(rd(insn))), Access::ORDERED)?;
    cpu.set_xsp(rn(insn), address);
    Ok(Flow::Next)
}

fn ldapr_post<T: Word>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?;
    let value = cpu.load::<T>(address, Access::ORDERED)?;
    cpu.set_xsp(rn(insn), address.wrapping_add(T::SIZE));
    cpu.set_x(rd(insn), value.zero_extend());
    Ok(Flow::Next)
}

fn stilp<T: Word, const WRITEBACK: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let base = base(cpu, insn)?;
    let address = if WRITEBACK { base.wrapping_sub(2 * T::SIZE) } else { base };
    let values = (T::truncate(cpu.x(rd(insn))), T::truncate(cpu.x(rm(insn))));
    store_two::<T>(cpu, address, values, Access::ORDERED)?;
    if WRITEBACK {
        cpu.set_xsp(rn(insn), address);
    }
    Ok(Flow::Next)
}

fn ldiapp<T: Word, const WRITEBACK: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?;
    let (first, second) = load_two::<T>(cpu, address, Access::ORDERED)?;
    if WRITEBACK {
        cpu.set_xsp(rn(insn), address.wrapping_add(2 * T::SIZE));
    }
    cpu.set_x(rd(insn), first.zero_extend());
    cpu.set_x(rm(insn), second.zero_extend());
    Ok(Flow::Next)
}
