//! AdvSIMD three same: single and double precision.

use super::lanes::{build, lane, on, q, write};
use super::ops;
use crate::cpu::Vcpu;
use crate::fp::{self, Half, Single};
use crate::interp::operand::{rd, rm, rn};
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FMAXNM_asimdsame_only => on!(by_size vector2, fp::max_num),
        FADD_asimdsame_only => on!(by_size vector2, fp::add),
        FMULX_asimdsame_only => on!(by_size vector2, fp::mulx),
        FCMEQ_asimdsame_only => on!(by_size vector2, ops::cmeq),
        FMAX_asimdsame_only => on!(by_size vector2, fp::max),
        FRECPS_asimdsame_only => on!(by_size vector2, fp::recip_step),
        FMINNM_asimdsame_only => on!(by_size vector2, fp::min_num),
        FSUB_asimdsame_only => on!(by_size vector2, fp::sub),
        FMIN_asimdsame_only => on!(by_size vector2, fp::min),
        FRSQRTS_asimdsame_only => on!(by_size vector2, fp::rsqrt_step),
        FMUL_asimdsame_only => on!(by_size vector2, fp::mul),
        FCMGE_asimdsame_only => on!(by_size vector2, ops::cmge),
        FACGE_asimdsame_only => on!(by_size vector2, ops::acge),
        FDIV_asimdsame_only => on!(by_size vector2, fp::div),
        FABD_asimdsame_only => on!(by_size vector2, fp::abs_diff),
        FCMGT_asimdsame_only => on!(by_size vector2, ops::cmgt),
        FACGT_asimdsame_only => on!(by_size vector2, ops::acgt),
        FMLA_asimdsame_only => on!(by_size vector3, ops::mla),
        FMLS_asimdsame_only => on!(by_size vector3, ops::mls),
        FMAXNMP_asimdsame_only => on!(by_size pairwise, fp::max_num),
        FADDP_asimdsame_only => on!(by_size pairwise, fp::add),
        FMAXP_asimdsame_only => on!(by_size pairwise, fp::max),
        FMINNMP_asimdsame_only => on!(by_size pairwise, fp::min_num),
        FMINP_asimdsame_only => on!(by_size pairwise, fp::min),
        FMLAL_asimdsame_F => widening::<false, false>,
        FMLSL_asimdsame_F => widening::<true, false>,
        FMLAL2_asimdsame_F => widening::<false, true>,
        FMLSL2_asimdsame_F => widening::<true, true>,
        _ => return None,
    };
    Some(handler)
}

/// FMLAL, FMLSL and, on the upper half of the operands, FMLAL2, FMLSL2.
fn widening<const SUBTRACT: bool, const UPPER: bool>(cpu: &mut Vcpu, word: u32) -> Exec {
    write(cpu, word, |cpu, env| {
        let (d, n, m) = (cpu.v(rd(word)), cpu.v(rn(word)), cpu.v(rm(word)));
        let lane_count = if q(word) { 4 } else { 2 };
        let from = if UPPER { lane_count } else { 0 };
        build::<Single>(q(word), |i| {
            let n = lane::<Half>(n, from + i);
            let n = if SUBTRACT { fp::neg::<Half>(n) } else { n };
            fp::mul_add_half(lane::<Single>(d, i), n, lane::<Half>(m, from + i), env)
        })
    })
}
