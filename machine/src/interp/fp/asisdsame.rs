//! AdvSIMD scalar three same: single and double precision.

use super::lanes::on;
use super::ops;
use crate::fp;
use crate::interp::Handler;
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FMULX_asisdsame_only => on!(by_size scalar2, fp::mulx),
        FCMEQ_asisdsame_only => on!(by_size scalar2, ops::cmeq),
        FRECPS_asisdsame_only => on!(by_size scalar2, fp::recip_step),
        FRSQRTS_asisdsame_only => on!(by_size scalar2, fp::rsqrt_step),
        FCMGE_asisdsame_only => on!(by_size scalar2, ops::cmge),
        FACGE_asisdsame_only => on!(by_size scalar2, ops::acge),
        FABD_asisdsame_only => on!(by_size scalar2, fp::abs_diff),
        FCMGT_asisdsame_only => on!(by_size scalar2, ops::cmgt),
        FACGT_asisdsame_only => on!(by_size scalar2, ops::acgt),
        _ => return None,
    };
    Some(handler)
}
