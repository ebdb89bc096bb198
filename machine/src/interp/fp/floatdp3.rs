//! Floating-point data-processing (3 source).

use super::lanes::on;
use super::ops;
use crate::interp::Handler;
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FMADD_S_floatdp3 => on!(scalar3::<Single>, ops::mla),
        FMSUB_S_floatdp3 => on!(scalar3::<Single>, ops::mls),
        FNMADD_S_floatdp3 => on!(scalar3::<Single>, ops::nmadd),
        FNMSUB_S_floatdp3 => on!(scalar3::<Single>, ops::nmsub),
        FMADD_D_floatdp3 => on!(scalar3::<Double>, ops::mla),
        FMSUB_D_floatdp3 => on!(scalar3::<Double>, ops::mls),
        FNMADD_D_floatdp3 => on!(scalar3::<Double>, ops::nmadd),
        FNMSUB_D_floatdp3 => on!(scalar3::<Double>, ops::nmsub),
        FMADD_H_floatdp3 => on!(scalar3::<Half>, ops::mla),
        FMSUB_H_floatdp3 => on!(scalar3::<Half>, ops::mls),
        FNMADD_H_floatdp3 => on!(scalar3::<Half>, ops::nmadd),
        FNMSUB_H_floatdp3 => on!(scalar3::<Half>, ops::nmsub),
        _ => return None,
    };
    Some(handler)
}
