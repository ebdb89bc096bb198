//! Advanced SIMD modified immediate, integer: `asimdimm` (MOVI, MVNI, ORR, BIC).

use super::fields::{rd, set_vector};
use crate::cpu::Vcpu;
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding as E;
    Some(match e {
        E::MOVI_asimdimm_L_sl | E::MOVI_asimdimm_L_hl | E::MOVI_asimdimm_M_sm | E::MOVI_asimdimm_N_b => {
            |cpu, w| apply(cpu, w, |imm, _| imm)
        }
        // Both forms of the 64-bit immediate: scalar and vector differ in Q alone.
        E::MOVI_asimdimm_D_ds | E::MOVI_asimdimm_D2_d => movi_doubleword,
        E::MVNI_asimdimm_L_sl | E::MVNI_asimdimm_L_hl | E::MVNI_asimdimm_M_sm => {
            |cpu, w| apply(cpu, w, |imm, _| !imm)
        }
        E::ORR_asimdimm_L_sl | E::ORR_asimdimm_L_hl => |cpu, w| apply(cpu, w, |imm, d| d | imm),
        E::BIC_asimdimm_L_sl | E::BIC_asimdimm_L_hl => |cpu, w| apply(cpu, w, |imm, d| d & !imm),
        _ => return None,
    })
}

#[inline(always)]
fn imm8(w: u32) -> u32 {
    (w >> 16 & 7) << 5 | (w >> 5 & 31)
}

/// AdvSIMDExpandImm without the forms that MOVI to doublewords and FMOV use.
#[inline(always)]
fn expand(w: u32) -> u64 {
    let (cmode, imm) = (w >> 12 & 15, imm8(w));
    let word = match cmode {
        0..=7 => imm << (8 * (cmode >> 1)),
        8..=11 => (imm << (8 * (cmode >> 1 & 1))) * 0x1_0001,
        12 => imm << 8 | 0xff,
        13 => imm << 16 | 0xffff,
        _ => imm * 0x0101_0101,
    };
    u64::from(word) << 32 | u64::from(word)
}

#[inline(always)]
fn apply(cpu: &mut Vcpu, w: u32, f: impl Fn(u64, u64) -> u64) -> Exec {
    cpu.check_fp()?;
    let (imm, d) = (expand(w), cpu.v(rd(w)));
    let r = u128::from(f(imm, (d >> 64) as u64)) << 64 | u128::from(f(imm, d as u64));
    set_vector(cpu, w, r)
}

/// Each bit of the immediate becomes a byte.
fn movi_doubleword(cpu: &mut Vcpu, w: u32) -> Exec {
    cpu.check_fp()?;
    let imm = imm8(w);
    let d = (0..8).fold(0u64, |d, bit| if imm >> bit & 1 != 0 { d | 0xff << (8 * bit) } else { d });
    set_vector(cpu, w, u128::from(d) << 64 | u128::from(d))
}
