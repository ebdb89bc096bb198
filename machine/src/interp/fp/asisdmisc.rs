//! AdvSIMD scalar two-register miscellaneous: single and double precision.

use super::lanes::{on, scalar1};
use super::ops;
use crate::fp::{self, Double};
use crate::interp::Handler;
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FCVTNS_asisdmisc_R => on!(by_size scalar1, ops::cvtns),
        FCVTNU_asisdmisc_R => on!(by_size scalar1, ops::cvtnu),
        FCVTPS_asisdmisc_R => on!(by_size scalar1, ops::cvtps),
        FCVTPU_asisdmisc_R => on!(by_size scalar1, ops::cvtpu),
        FCVTMS_asisdmisc_R => on!(by_size scalar1, ops::cvtms),
        FCVTMU_asisdmisc_R => on!(by_size scalar1, ops::cvtmu),
        FCVTZS_asisdmisc_R => on!(by_size scalar1, ops::cvtzs),
        FCVTZU_asisdmisc_R => on!(by_size scalar1, ops::cvtzu),
        FCVTAS_asisdmisc_R => on!(by_size scalar1, ops::cvtas),
        FCVTAU_asisdmisc_R => on!(by_size scalar1, ops::cvtau),
        SCVTF_asisdmisc_R => on!(by_size scalar1, ops::scvtf),
        UCVTF_asisdmisc_R => on!(by_size scalar1, ops::ucvtf),
        FCMGT_asisdmisc_FZ => on!(by_size scalar1, ops::cmgt_zero),
        FCMEQ_asisdmisc_FZ => on!(by_size scalar1, ops::cmeq_zero),
        FCMLT_asisdmisc_FZ => on!(by_size scalar1, ops::cmlt_zero),
        FCMGE_asisdmisc_FZ => on!(by_size scalar1, ops::cmge_zero),
        FCMLE_asisdmisc_FZ => on!(by_size scalar1, ops::cmle_zero),
        FRECPE_asisdmisc_R => on!(by_size scalar1, fp::recip_estimate),
        FRSQRTE_asisdmisc_R => on!(by_size scalar1, fp::rsqrt_estimate),
        FRECPX_asisdmisc_R => on!(by_size scalar1, fp::recip_exponent),
        FCVTXN_asisdmisc_N => |c, w| scalar1::<Double>(c, w, fp::convert_round_to_odd),
        _ => return None,
    };
    Some(handler)
}
