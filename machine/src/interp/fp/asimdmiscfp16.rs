//! AdvSIMD two-register miscellaneous: half precision.

use super::lanes::on;
use super::ops;
use crate::fp;
use crate::interp::Handler;
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FRINTN_asimdmiscfp16_R => on!(vector1::<Half>, ops::rintn),
        FRINTM_asimdmiscfp16_R => on!(vector1::<Half>, ops::rintm),
        FRINTP_asimdmiscfp16_R => on!(vector1::<Half>, ops::rintp),
        FRINTZ_asimdmiscfp16_R => on!(vector1::<Half>, ops::rintz),
        FRINTA_asimdmiscfp16_R => on!(vector1::<Half>, ops::rinta),
        FRINTX_asimdmiscfp16_R => on!(vector1::<Half>, ops::rintx),
        FRINTI_asimdmiscfp16_R => on!(vector1::<Half>, ops::rinti),
        FABS_asimdmiscfp16_R => on!(vector1::<Half>, ops::abs),
        FNEG_asimdmiscfp16_R => on!(vector1::<Half>, ops::neg),
        FSQRT_asimdmiscfp16_R => on!(vector1::<Half>, fp::sqrt),
        FCVTNS_asimdmiscfp16_R => on!(vector1::<Half>, ops::cvtns),
        FCVTNU_asimdmiscfp16_R => on!(vector1::<Half>, ops::cvtnu),
        FCVTPS_asimdmiscfp16_R => on!(vector1::<Half>, ops::cvtps),
        FCVTPU_asimdmiscfp16_R => on!(vector1::<Half>, ops::cvtpu),
        FCVTMS_asimdmiscfp16_R => on!(vector1::<Half>, ops::cvtms),
        FCVTMU_asimdmiscfp16_R => on!(vector1::<Half>, ops::cvtmu),
        FCVTZS_asimdmiscfp16_R => on!(vector1::<Half>, ops::cvtzs),
        FCVTZU_asimdmiscfp16_R => on!(vector1::<Half>, ops::cvtzu),
        FCVTAS_asimdmiscfp16_R => on!(vector1::<Half>, ops::cvtas),
        FCVTAU_asimdmiscfp16_R => on!(vector1::<Half>, ops::cvtau),
        SCVTF_asimdmiscfp16_R => on!(vector1::<Half>, ops::scvtf),
        UCVTF_asimdmiscfp16_R => on!(vector1::<Half>, ops::ucvtf),
        FCMGT_asimdmiscfp16_FZ => on!(vector1::<Half>, ops::cmgt_zero),
        FCMEQ_asimdmiscfp16_FZ => on!(vector1::<Half>, ops::cmeq_zero),
        FCMLT_asimdmiscfp16_FZ => on!(vector1::<Half>, ops::cmlt_zero),
        FCMGE_asimdmiscfp16_FZ => on!(vector1::<Half>, ops::cmge_zero),
        FCMLE_asimdmiscfp16_FZ => on!(vector1::<Half>, ops::cmle_zero),
        FRECPE_asimdmiscfp16_R => on!(vector1::<Half>, fp::recip_estimate),
        FRSQRTE_asimdmiscfp16_R => on!(vector1::<Half>, fp::rsqrt_estimate),
        _ => return None,
    };
    Some(handler)
}
