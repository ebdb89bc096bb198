//! Compare and swap (FEAT_LSE): CAS and CASP. The manual's groups `comswap` and `comswappr`.

use super::base;
use super::transfer::Word;
use crate::cpu::Vcpu;
use crate::interp::operand::{rd, rm};
use crate::interp::{Exec, Flow, Handler};
use crate::mmu::Access;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::CASB_C32_comswap
        | Encoding::CASLB_C32_comswap
        | Encoding::CASAB_C32_comswap
        | Encoding::CASALB_C32_comswap => cas::<u8>,
        Encoding::CASH_C32_comswap
        | Encoding::CASLH_C32_comswap
        | Encoding::CASAH_C32_comswap
        | Encoding::CASALH_C32_comswap => cas::<u16>,
        Encoding::CAS_C32_comswap
        | Encoding::CASL_C32_comswap
        | Encoding::CASA_C32_comswap
        | Encoding::CASAL_C32_comswap => cas::<u32>,
        Encoding::CAS_C64_comswap
        | Encoding::CASL_C64_comswap
        | Encoding::CASA_C64_comswap
        | Encoding::CASAL_C64_comswap => cas::<u64>,
        Encoding::CASP_CP32_comswappr
        | Encoding::CASPL_CP32_comswappr
        | Encoding::CASPA_CP32_comswappr
        | Encoding::CASPAL_CP32_comswappr => casp_32,
        Encoding::CASP_CP64_comswappr
        | Encoding::CASPL_CP64_comswappr
        | Encoding::CASPA_CP64_comswappr
        | Encoding::CASPAL_CP64_comswappr => casp_64,
        _ => return None,
    })
}

fn cas<T: Word>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?;
    let (expected, new) = (T::truncate(cpu.x(rm(insn))), T::truncate(cpu.x(rd(insn))));
    let old = cpu.cas::<T>(address, Access::ATOMIC, expected, new)?;
    cpu.set_x(rm(insn), old.zero_extend());
    Ok(Flow::Next)
}

/// Returns whether Rs or Rt is odd, which is reserved.
#[inline(always)]
fn odd_pair(insn: u32) -> bool {
    insn & (1 << 16 | 1) != 0
}

fn casp_32(cpu: &mut Vcpu, insn: u32) -> Exec {
    if odd_pair(insn) {
        return Err(cpu.undefined());
    }
    let address = base(cpu, insn)?;
    let (s, t) = (rm(insn), rd(insn));
    let expected = cpu.join_32(cpu.w(s), cpu.w(s + 1));
    let new = cpu.join_32(cpu.w(t), cpu.w(t + 1));
    let old = cpu.cas::<u64>(address, Access::ATOMIC, expected, new)?;
    let (first, second) = cpu.split_32(old);
    cpu.set_w(s, first);
    cpu.set_w(s + 1, second);
    Ok(Flow::Next)
}

fn casp_64(cpu: &mut Vcpu, insn: u32) -> Exec {
    if odd_pair(insn) {
        return Err(cpu.undefined());
    }
    let address = base(cpu, insn)?;
    let (s, t) = (rm(insn), rd(insn));
    let expected = cpu.join_64(cpu.x(s), cpu.x(s + 1));
    let new = cpu.join_64(cpu.x(t), cpu.x(t + 1));
    let old = cpu.cas::<u128>(address, Access::ATOMIC, expected, new)?;
    let (first, second) = cpu.split_64(old);
    cpu.set_x(s, first);
    cpu.set_x(s + 1, second);
    Ok(Flow::Next)
}
