//! AdvSIMD scalar by indexed element.

use super::lanes::on;
use super::ops;
use crate::fp;
use crate::interp::Handler;
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FMLA_asisdelem_RH_H => on!(indexed3::<Half, true>, ops::mla),
        FMLA_asisdelem_R_SD => on!(by_size indexed3::<true>, ops::mla),
        FMLS_asisdelem_RH_H => on!(indexed3::<Half, true>, ops::mls),
        FMLS_asisdelem_R_SD => on!(by_size indexed3::<true>, ops::mls),
        FMUL_asisdelem_RH_H => on!(indexed2::<Half, true>, fp::mul),
        FMUL_asisdelem_R_SD => on!(by_size indexed2::<true>, fp::mul),
        FMULX_asisdelem_RH_H => on!(indexed2::<Half, true>, fp::mulx),
        FMULX_asisdelem_R_SD => on!(by_size indexed2::<true>, fp::mulx),
        _ => return None,
    };
    Some(handler)
}
