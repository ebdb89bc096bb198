//! AdvSIMD scalar two-register miscellaneous: half precision.

use super::lanes::on;
use super::ops;
use crate::fp;
use crate::interp::Handler;
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FCVTNS_asisdmiscfp16_R => on!(scalar1::<Half>, ops::cvtns),
        FCVTNU_asisdmiscfp16_R => on!(scalar1::<Half>, ops::cvtnu),
        FCVTPS_asisdmiscfp16_R => on!(scalar1::<Half>, ops::cvtps),
        FCVTPU_asisdmiscfp16_R => on!(scalar1::<Half>, ops::cvtpu),
        FCVTMS_asisdmiscfp16_R => on!(scalar1::<Half>, ops::cvtms),
        FCVTMU_asisdmiscfp16_R => on!(scalar1::<Half>, ops::cvtmu),
        FCVTZS_asisdmiscfp16_R => on!(scalar1::<Half>, ops::cvtzs),
        FCVTZU_asisdmiscfp16_R => on!(scalar1::<Half>, ops::cvtzu),
        FCVTAS_asisdmiscfp16_R => on!(scalar1::<Half>, ops::cvtas),
        FCVTAU_asisdmiscfp16_R => on!(scalar1::<Half>, ops::cvtau),
        SCVTF_asisdmiscfp16_R => on!(scalar1::<Half>, ops::scvtf),
        UCVTF_asisdmiscfp16_R => on!(scalar1::<Half>, ops::ucvtf),
        FCMGT_asisdmiscfp16_FZ => on!(scalar1::<Half>, ops::cmgt_zero),
        FCMEQ_asisdmiscfp16_FZ => on!(scalar1::<Half>, ops::cmeq_zero),
        FCMLT_asisdmiscfp16_FZ => on!(scalar1::<Half>, ops::cmlt_zero),
        FCMGE_asisdmiscfp16_FZ => on!(scalar1::<Half>, ops::cmge_zero),
        FCMLE_asisdmiscfp16_FZ => on!(scalar1::<Half>, ops::cmle_zero),
        FRECPE_asisdmiscfp16_R => on!(scalar1::<Half>, fp::recip_estimate),
        FRSQRTE_asisdmiscfp16_R => on!(scalar1::<Half>, fp::rsqrt_estimate),
        FRECPX_asisdmiscfp16_R => on!(scalar1::<Half>, fp::recip_exponent),
        _ => return None,
    };
    Some(handler)
}
