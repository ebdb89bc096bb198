//! Floating-point data-processing (1 source).

use super::lanes::{on, scalar1};
use super::ops;
use crate::fp::{self, Double, Half, Single};
use crate::interp::Handler;
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FMOV_S_floatdp1 => on!(scalar1::<Single>, ops::mov),
        FABS_S_floatdp1 => on!(scalar1::<Single>, ops::abs),
        FNEG_S_floatdp1 => on!(scalar1::<Single>, ops::neg),
        FSQRT_S_floatdp1 => on!(scalar1::<Single>, fp::sqrt),
        FRINTN_S_floatdp1 => on!(scalar1::<Single>, ops::rintn),
        FRINTP_S_floatdp1 => on!(scalar1::<Single>, ops::rintp),
        FRINTM_S_floatdp1 => on!(scalar1::<Single>, ops::rintm),
        FRINTZ_S_floatdp1 => on!(scalar1::<Single>, ops::rintz),
        FRINTA_S_floatdp1 => on!(scalar1::<Single>, ops::rinta),
        FRINTX_S_floatdp1 => on!(scalar1::<Single>, ops::rintx),
        FRINTI_S_floatdp1 => on!(scalar1::<Single>, ops::rinti),
        FRINT32Z_S_floatdp1 => on!(scalar1::<Single>, ops::rint32z),
        FRINT32X_S_floatdp1 => on!(scalar1::<Single>, ops::rint32x),
        FRINT64Z_S_floatdp1 => on!(scalar1::<Single>, ops::rint64z),
        FRINT64X_S_floatdp1 => on!(scalar1::<Single>, ops::rint64x),
        FMOV_D_floatdp1 => on!(scalar1::<Double>, ops::mov),
        FABS_D_floatdp1 => on!(scalar1::<Double>, ops::abs),
        FNEG_D_floatdp1 => on!(scalar1::<Double>, ops::neg),
        FSQRT_D_floatdp1 => on!(scalar1::<Double>, fp::sqrt),
        FRINTN_D_floatdp1 => on!(scalar1::<Double>, ops::rintn),
        FRINTP_D_floatdp1 => on!(scalar1::<Double>, ops::rintp),
        FRINTM_D_floatdp1 => on!(scalar1::<Double>, ops::rintm),
        FRINTZ_D_floatdp1 => on!(scalar1::<Double>, ops::rintz),
        FRINTA_D_floatdp1 => on!(scalar1::<Double>, ops::rinta),
        FRINTX_D_floatdp1 => on!(scalar1::<Double>, ops::rintx),
        FRINTI_D_floatdp1 => on!(scalar1::<Double>, ops::rinti),
        FRINT32Z_D_floatdp1 => on!(scalar1::<Double>, ops::rint32z),
        FRINT32X_D_floatdp1 => on!(scalar1::<Double>, ops::rint32x),
        FRINT64Z_D_floatdp1 => on!(scalar1::<Double>, ops::rint64z),
        FRINT64X_D_floatdp1 => on!(scalar1::<Double>, ops::rint64x),
        FMOV_H_floatdp1 => on!(scalar1::<Half>, ops::mov),
        FABS_H_floatdp1 => on!(scalar1::<Half>, ops::abs),
        FNEG_H_floatdp1 => on!(scalar1::<Half>, ops::neg),
        FSQRT_H_floatdp1 => on!(scalar1::<Half>, fp::sqrt),
        FRINTN_H_floatdp1 => on!(scalar1::<Half>, ops::rintn),
        FRINTP_H_floatdp1 => on!(scalar1::<Half>, ops::rintp),
        FRINTM_H_floatdp1 => on!(scalar1::<Half>, ops::rintm),
        FRINTZ_H_floatdp1 => on!(scalar1::<Half>, ops::rintz),
        FRINTA_H_floatdp1 => on!(scalar1::<Half>, ops::rinta),
        FRINTX_H_floatdp1 => on!(scalar1::<Half>, ops::rintx),
        FRINTI_H_floatdp1 => on!(scalar1::<Half>, ops::rinti),
        FCVT_DS_floatdp1 => |c, w| scalar1::<Single>(c, w, fp::convert::<Single, Double>),
        FCVT_HS_floatdp1 => |c, w| scalar1::<Single>(c, w, fp::convert::<Single, Half>),
        FCVT_SD_floatdp1 => |c, w| scalar1::<Double>(c, w, fp::convert::<Double, Single>),
        FCVT_HD_floatdp1 => |c, w| scalar1::<Double>(c, w, fp::convert::<Double, Half>),
        FCVT_SH_floatdp1 => |c, w| scalar1::<Half>(c, w, fp::convert::<Half, Single>),
        FCVT_DH_floatdp1 => |c, w| scalar1::<Half>(c, w, fp::convert::<Half, Double>),
        BFCVT_BS_floatdp1 => |c, w| scalar1::<Single>(c, w, fp::to_bfloat16),
        _ => return None,
    };
    Some(handler)
}
