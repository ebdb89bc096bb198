//! AdvSIMD scalar pairwise.

use super::lanes::on;
use crate::fp;
use crate::interp::Handler;
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FMAXNMP_asisdpair_only_H => on!(scalar_pair::<Half>, fp::max_num),
        FMAXNMP_asisdpair_only_SD => on!(by_size scalar_pair, fp::max_num),
        FADDP_asisdpair_only_H => on!(scalar_pair::<Half>, fp::add),
        FADDP_asisdpair_only_SD => on!(by_size scalar_pair, fp::add),
        FMAXP_asisdpair_only_H => on!(scalar_pair::<Half>, fp::max),
        FMAXP_asisdpair_only_SD => on!(by_size scalar_pair, fp::max),
        FMINNMP_asisdpair_only_H => on!(scalar_pair::<Half>, fp::min_num),
        FMINNMP_asisdpair_only_SD => on!(by_size scalar_pair, fp::min_num),
        FMINP_asisdpair_only_H => on!(scalar_pair::<Half>, fp::min),
        FMINP_asisdpair_only_SD => on!(by_size scalar_pair, fp::min),
        _ => return None,
    };
    Some(handler)
}
