//! AdvSIMD three same: half precision.

use super::lanes::on;
use super::ops;
use crate::fp;
use crate::interp::Handler;
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FMAXNM_asimdsamefp16_only => on!(vector2::<Half>, fp::max_num),
        FADD_asimdsamefp16_only => on!(vector2::<Half>, fp::add),
        FMULX_asimdsamefp16_only => on!(vector2::<Half>, fp::mulx),
        FCMEQ_asimdsamefp16_only => on!(vector2::<Half>, ops::cmeq),
        FMAX_asimdsamefp16_only => on!(vector2::<Half>, fp::max),
        FRECPS_asimdsamefp16_only => on!(vector2::<Half>, fp::recip_step),
        FMINNM_asimdsamefp16_only => on!(vector2::<Half>, fp::min_num),
        FSUB_asimdsamefp16_only => on!(vector2::<Half>, fp::sub),
        FMIN_asimdsamefp16_only => on!(vector2::<Half>, fp::min),
        FRSQRTS_asimdsamefp16_only => on!(vector2::<Half>, fp::rsqrt_step),
        FMUL_asimdsamefp16_only => on!(vector2::<Half>, fp::mul),
        FCMGE_asimdsamefp16_only => on!(vector2::<Half>, ops::cmge),
        FACGE_asimdsamefp16_only => on!(vector2::<Half>, ops::acge),
        FDIV_asimdsamefp16_only => on!(vector2::<Half>, fp::div),
        FABD_asimdsamefp16_only => on!(vector2::<Half>, fp::abs_diff),
        FCMGT_asimdsamefp16_only => on!(vector2::<Half>, ops::cmgt),
        FACGT_asimdsamefp16_only => on!(vector2::<Half>, ops::acgt),
        FMLA_asimdsamefp16_only => on!(vector3::<Half>, ops::mla),
        FMLS_asimdsamefp16_only => on!(vector3::<Half>, ops::mls),
        FMAXNMP_asimdsamefp16_only => on!(pairwise::<Half>, fp::max_num),
        FADDP_asimdsamefp16_only => on!(pairwise::<Half>, fp::add),
        FMAXP_asimdsamefp16_only => on!(pairwise::<Half>, fp::max),
        FMINNMP_asimdsamefp16_only => on!(pairwise::<Half>, fp::min_num),
        FMINP_asimdsamefp16_only => on!(pairwise::<Half>, fp::min),
        _ => return None,
    };
    Some(handler)
}
