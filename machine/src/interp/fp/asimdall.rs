//! AdvSIMD across lanes.

use super::lanes::on;
use crate::fp;
use crate::interp::Handler;
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FMAXNMV_asimdall_only_H => on!(reduce::<Half>, fp::max_num),
        FMAXNMV_asimdall_only_SD => on!(reduce::<Single>, fp::max_num),
        FMAXV_asimdall_only_H => on!(reduce::<Half>, fp::max),
        FMAXV_asimdall_only_SD => on!(reduce::<Single>, fp::max),
        FMINNMV_asimdall_only_H => on!(reduce::<Half>, fp::min_num),
        FMINNMV_asimdall_only_SD => on!(reduce::<Single>, fp::min_num),
        FMINV_asimdall_only_H => on!(reduce::<Half>, fp::min),
        FMINV_asimdall_only_SD => on!(reduce::<Single>, fp::min),
        _ => return None,
    };
    Some(handler)
}
