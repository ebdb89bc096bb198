//! Advanced SIMD two-register miscellaneous, integer: `asimdmisc`.

use super::asimdsame::{by_size, is_reserved};
use super::fields::{finish, q, rd, rn, set_half, set_qc, set_vector, size, sizes, v};
use super::loops::{Out, clamp_narrow, widen};
use super::ops::*;
use crate::cpu::Vcpu;
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

const S: bool = true;
const U: bool = false;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding as E;
    use sizes::{ALL, B, BH, BHS};
    Some(match e {
        E::REV64_asimdmisc_R => reverse::<3, BHS>,
        E::REV32_asimdmisc_R => reverse::<2, BH>,
        E::REV16_asimdmisc_R => reverse::<1, B>,
        E::SADDLP_asimdmisc_P => add_pairs::<AddHalves, S>,
        E::UADDLP_asimdmisc_P => add_pairs::<AddHalves, U>,
        E::SADALP_asimdmisc_P => add_pairs::<AddHalvesAdd, S>,
        E::UADALP_asimdmisc_P => add_pairs::<AddHalvesAdd, U>,
        E::SUQADD_asimdmisc_R => unary::<AddOtherSign, S, ALL>,
        E::USQADD_asimdmisc_R => unary::<AddOtherSign, U, ALL>,
        E::CLS_asimdmisc_R => unary::<CountLeadingSigns, S, BHS>,
        E::CLZ_asimdmisc_R => unary::<CountLeadingZeros, U, BHS>,
        E::CNT_asimdmisc_R => unary::<CountOnes, U, B>,
        E::SQABS_asimdmisc_R => unary::<SaturatingAbs, S, ALL>,
        E::SQNEG_asimdmisc_R => unary::<SaturatingNegate, S, ALL>,
        E::ABS_asimdmisc_R => unary::<Abs, S, ALL>,
        E::NEG_asimdmisc_R => unary::<Negate, U, ALL>,
        E::CMGT_asimdmisc_Z => unary::<Greater, S, ALL>,
        E::CMGE_asimdmisc_Z => unary::<GreaterEqual, S, ALL>,
        E::CMEQ_asimdmisc_Z => unary::<Equal, U, ALL>,
        E::CMLE_asimdmisc_Z => unary::<LessEqual, S, ALL>,
        E::CMLT_asimdmisc_Z => unary::<Less, S, ALL>,
        E::XTN_asimdmisc_N => narrowing::<First, U>,
        E::SQXTN_asimdmisc_N => narrowing::<ClampToHalf, S>,
        E::UQXTN_asimdmisc_N => narrowing::<ClampToHalf, U>,
        E::SQXTUN_asimdmisc_N => narrowing::<ClampToUnsignedHalf, S>,
        E::SHLL_asimdmisc_S => shll,
        E::NOT_asimdmisc_R => |cpu, w| bitwise(cpu, w, |v| !v),
        E::RBIT_asimdmisc_R => |cpu, w| bitwise(cpu, w, |v| v.reverse_bits().swap_bytes()),
        _ => return None,
    })
}

/// Applies `O` with zero as the second operand.
fn unary<O: Lanewise, const SIGNED: bool, const SIZES: u8>(cpu: &mut Vcpu, w: u32) -> Exec {
    if is_reserved(w, SIZES) {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let mut out = Out::default();
    by_size::<O, SIGNED>(&mut out, size(w), v(cpu, rn(w)), &0, v(cpu, rd(w)));
    finish(cpu, w, &out)
}

/// Applies `O` to the lanes of twice the size.
fn add_pairs<O: Lanewise, const SIGNED: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    if size(w) == 3 {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let mut out = Out::default();
    by_size::<O, SIGNED>(&mut out, size(w) + 1, v(cpu, rn(w)), &0, v(cpu, rd(w)));
    finish(cpu, w, &out)
}

/// Reverses the order of lanes within containers of `8 << CONTAINER` bits.
fn reverse<const CONTAINER: u32, const SIZES: u8>(cpu: &mut Vcpu, w: u32) -> Exec {
    if is_reserved(w, SIZES) {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    // Each step swaps neighbours of one size, from the lane size up to half the container.
    const LOWER: [u128; 3] = [u128::MAX / 0x101, u128::MAX / 0x1_0001, u128::MAX / 0x1_0000_0001];
    let mut r = cpu.v(rn(w));
    for step in size(w)..CONTAINER {
        let (bits, lower) = (8 << step, LOWER[step as usize]);
        r = (r >> bits & lower) | (r & lower) << bits;
    }
    set_vector(cpu, w, r)
}

/// Clamps lanes of twice the size with `C` and narrows them to lanes of `8 << size` bits.
#[inline(always)]
pub(super) fn clamp_by_size<C: Lanewise, const SIGNED: bool>(size: u32, n: &u128) -> Out {
    let mut out = Out::default();
    match (SIGNED, size) {
        (false, 0) => clamp_narrow::<C, u8>(&mut out, n),
        (false, 1) => clamp_narrow::<C, u16>(&mut out, n),
        (false, _) => clamp_narrow::<C, u32>(&mut out, n),
        (true, 0) => clamp_narrow::<C, i8>(&mut out, n),
        (true, 1) => clamp_narrow::<C, i16>(&mut out, n),
        (true, _) => clamp_narrow::<C, i32>(&mut out, n),
    }
    out
}

fn narrowing<C: Lanewise, const SIGNED: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    if size(w) == 3 {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let out = clamp_by_size::<C, SIGNED>(size(w), v(cpu, rn(w)));
    if out.saturated != 0 {
        set_qc(cpu);
    }
    set_half(cpu, w, out.value as u64)
}

fn shll(cpu: &mut Vcpu, w: u32) -> Exec {
    let n = v(cpu, rn(w));
    let wide = match size(w) {
        0 => widen::<u8>(n, q(w)),
        1 => widen::<u16>(n, q(w)),
        2 => widen::<u32>(n, q(w)),
        _ => return Err(cpu.undefined()),
    };
    cpu.check_fp()?;
    // The widened lanes have zero upper halves, so one shift of the register serves all.
    cpu.set_v(rd(w), wide << (8 << size(w)));
    Ok(Flow::Next)
}

#[inline(always)]
fn bitwise(cpu: &mut Vcpu, w: u32, f: impl Fn(u128) -> u128) -> Exec {
    cpu.check_fp()?;
    let r = f(cpu.v(rn(w)));
    set_vector(cpu, w, r)
}
