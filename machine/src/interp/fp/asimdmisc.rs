//! AdvSIMD two-register miscellaneous: single and double precision.

use super::lanes::{build, lane, on, q, sz, vector1, write};
use super::ops;
use crate::cpu::Vcpu;
use crate::fp::{self, Bfloat16, Double, Format, FpEnv, Half, Single};
use crate::interp::operand::{rd, rn};
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FRINTN_asimdmisc_R => on!(by_size vector1, ops::rintn),
        FRINTM_asimdmisc_R => on!(by_size vector1, ops::rintm),
        FRINTP_asimdmisc_R => on!(by_size vector1, ops::rintp),
        FRINTZ_asimdmisc_R => on!(by_size vector1, ops::rintz),
        FRINTA_asimdmisc_R => on!(by_size vector1, ops::rinta),
        FRINTX_asimdmisc_R => on!(by_size vector1, ops::rintx),
        FRINTI_asimdmisc_R => on!(by_size vector1, ops::rinti),
        FABS_asimdmisc_R => on!(by_size vector1, ops::abs),
        FNEG_asimdmisc_R => on!(by_size vector1, ops::neg),
        FSQRT_asimdmisc_R => on!(by_size vector1, fp::sqrt),
        FCVTNS_asimdmisc_R => on!(by_size vector1, ops::cvtns),
        FCVTNU_asimdmisc_R => on!(by_size vector1, ops::cvtnu),
        FCVTPS_asimdmisc_R => on!(by_size vector1, ops::cvtps),
        FCVTPU_asimdmisc_R => on!(by_size vector1, ops::cvtpu),
        FCVTMS_asimdmisc_R => on!(by_size vector1, ops::cvtms),
        FCVTMU_asimdmisc_R => on!(by_size vector1, ops::cvtmu),
        FCVTZS_asimdmisc_R => on!(by_size vector1, ops::cvtzs),
        FCVTZU_asimdmisc_R => on!(by_size vector1, ops::cvtzu),
        FCVTAS_asimdmisc_R => on!(by_size vector1, ops::cvtas),
        FCVTAU_asimdmisc_R => on!(by_size vector1, ops::cvtau),
        SCVTF_asimdmisc_R => on!(by_size vector1, ops::scvtf),
        UCVTF_asimdmisc_R => on!(by_size vector1, ops::ucvtf),
        FCMGT_asimdmisc_FZ => on!(by_size vector1, ops::cmgt_zero),
        FCMEQ_asimdmisc_FZ => on!(by_size vector1, ops::cmeq_zero),
        FCMLT_asimdmisc_FZ => on!(by_size vector1, ops::cmlt_zero),
        FCMGE_asimdmisc_FZ => on!(by_size vector1, ops::cmge_zero),
        FCMLE_asimdmisc_FZ => on!(by_size vector1, ops::cmle_zero),
        FRECPE_asimdmisc_R => on!(by_size vector1, fp::recip_estimate),
        FRSQRTE_asimdmisc_R => on!(by_size vector1, fp::rsqrt_estimate),
        FRINT32Z_asimdmisc_R => on!(by_size vector1, ops::rint32z),
        FRINT32X_asimdmisc_R => on!(by_size vector1, ops::rint32x),
        FRINT64Z_asimdmisc_R => on!(by_size vector1, ops::rint64z),
        FRINT64X_asimdmisc_R => on!(by_size vector1, ops::rint64x),
        URECPE_asimdmisc_R => |c, w| estimate(c, w, ops::urecpe),
        URSQRTE_asimdmisc_R => |c, w| estimate(c, w, ops::ursqrte),
        FCVTN_asimdmisc_N => |c, w| {
            if sz(w) {
                narrow::<Double, Single>(c, w, fp::convert::<Double, Single>)
            } else {
                narrow::<Single, Half>(c, w, fp::convert::<Single, Half>)
            }
        },
        FCVTXN_asimdmisc_N => |c, w| narrow::<Double, Single>(c, w, fp::convert_round_to_odd),
        BFCVTN_asimdmisc_4S => |c, w| narrow::<Single, Bfloat16>(c, w, fp::to_bfloat16),
        FCVTL_asimdmisc_L => {
            |c, w| if sz(w) { widen::<Single, Double>(c, w) } else { widen::<Half, Single>(c, w) }
        }
        _ => return None,
    };
    Some(handler)
}

/// URECPE and URSQRTE: 32-bit lanes only.
#[inline(always)]
fn estimate(cpu: &mut Vcpu, word: u32, op: impl Fn(u64, &mut FpEnv) -> u64) -> Exec {
    if sz(word) { Err(cpu.undefined()) } else { vector1::<Single>(cpu, word, op) }
}

/// Narrows the lanes of `Rn` into one half of `Rd`: the lower and zeros above, or (`Q`) the upper, keeping
/// the lower.
#[inline(always)]
fn narrow<From: Format, To: Format>(cpu: &mut Vcpu, word: u32, op: impl Fn(u64, &mut FpEnv) -> u64) -> Exec {
    write(cpu, word, |cpu, env| {
        let n = cpu.v(rn(word));
        let half = build::<To>(false, |i| op(lane::<From>(n, i), env));
        if q(word) { half << 64 | u128::from(cpu.v(rd(word)) as u64) } else { half }
    })
}

/// Widens the lower or (`Q`) upper half of `Rn`.
fn widen<From: Format, To: Format>(cpu: &mut Vcpu, word: u32) -> Exec {
    write(cpu, word, |cpu, env| {
        let n = cpu.v(rn(word)) >> if q(word) { 64 } else { 0 };
        build::<To>(true, |i| fp::convert::<From, To>(lane::<From>(n, i), env))
    })
}
