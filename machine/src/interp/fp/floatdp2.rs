//! Floating-point data-processing (2 source).

use super::lanes::on;
use super::ops;
use crate::fp;
use crate::interp::Handler;
use droste_arch::a64::Encoding;

/// The handler of a floating-point encoding of the group.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding::*;
    let handler: Handler = match e {
        FMUL_S_floatdp2 => on!(scalar2::<Single>, fp::mul),
        FDIV_S_floatdp2 => on!(scalar2::<Single>, fp::div),
        FADD_S_floatdp2 => on!(scalar2::<Single>, fp::add),
        FSUB_S_floatdp2 => on!(scalar2::<Single>, fp::sub),
        FMAX_S_floatdp2 => on!(scalar2::<Single>, fp::max),
        FMIN_S_floatdp2 => on!(scalar2::<Single>, fp::min),
        FMAXNM_S_floatdp2 => on!(scalar2::<Single>, fp::max_num),
        FMINNM_S_floatdp2 => on!(scalar2::<Single>, fp::min_num),
        FNMUL_S_floatdp2 => on!(scalar2::<Single>, ops::nmul),
        FMUL_D_floatdp2 => on!(scalar2::<Double>, fp::mul),
        FDIV_D_floatdp2 => on!(scalar2::<Double>, fp::div),
        FADD_D_floatdp2 => on!(scalar2::<Double>, fp::add),
        FSUB_D_floatdp2 => on!(scalar2::<Double>, fp::sub),
        FMAX_D_floatdp2 => on!(scalar2::<Double>, fp::max),
        FMIN_D_floatdp2 => on!(scalar2::<Double>, fp::min),
        FMAXNM_D_floatdp2 => on!(scalar2::<Double>, fp::max_num),
        FMINNM_D_floatdp2 => on!(scalar2::<Double>, fp::min_num),
        FNMUL_D_floatdp2 => on!(scalar2::<Double>, ops::nmul),
        FMUL_H_floatdp2 => on!(scalar2::<Half>, fp::mul),
        FDIV_H_floatdp2 => on!(scalar2::<Half>, fp::div),
        FADD_H_floatdp2 => on!(scalar2::<Half>, fp::add),
        FSUB_H_floatdp2 => on!(scalar2::<Half>, fp::sub),
        FMAX_H_floatdp2 => on!(scalar2::<Half>, fp::max),
        FMIN_H_floatdp2 => on!(scalar2::<Half>, fp::min),
        FMAXNM_H_floatdp2 => on!(scalar2::<Half>, fp::max_num),
        FMINNM_H_floatdp2 => on!(scalar2::<Half>, fp::min_num),
        FNMUL_H_floatdp2 => on!(scalar2::<Half>, ops::nmul),
        _ => return None,
    };
    Some(handler)
}
