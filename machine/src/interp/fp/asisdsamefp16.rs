//! AdvSIMD scalar three same: half precision.

use super::lanes::on;
use super::ops;
use crate::fp;
use crate::interp::Handler;
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FMULX_asisdsamefp16_only => on!(scalar2::<Half>, fp::mulx),
        FCMEQ_asisdsamefp16_only => on!(scalar2::<Half>, ops::cmeq),
        FRECPS_asisdsamefp16_only => on!(scalar2::<Half>, fp::recip_step),
        FRSQRTS_asisdsamefp16_only => on!(scalar2::<Half>, fp::rsqrt_step),
        FCMGE_asisdsamefp16_only => on!(scalar2::<Half>, ops::cmge),
        FACGE_asisdsamefp16_only => on!(scalar2::<Half>, ops::acge),
        FABD_asisdsamefp16_only => on!(scalar2::<Half>, fp::abs_diff),
        FCMGT_asisdsamefp16_only => on!(scalar2::<Half>, ops::cmgt),
        FACGT_asisdsamefp16_only => on!(scalar2::<Half>, ops::acgt),
        _ => return None,
    };
    Some(handler)
}
