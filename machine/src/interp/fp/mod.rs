//! Scalar floating point and the floating-point instructions of AdvSIMD: one file per manual group.
//!
//! The arithmetic is in [`crate::fp`]; these handlers take operands from registers, lane by lane, and keep
//! FPSR. Reserved field values are UNDEFINED before any access trap is considered. Groups that mix integer
//! and floating-point encodings are shared with `interp::simd`: `handler` answers only for the
//! floating-point ones.

mod asimdall;
mod asimdelem;
mod asimdimm;
mod asimdmisc;
mod asimdmiscfp16;
mod asimdsame;
mod asimdsame2;
mod asimdsamefp16;
mod asimdshf;
mod asisdelem;
mod asisdmisc;
mod asisdmiscfp16;
mod asisdpair;
mod asisdsame;
mod asisdsamefp16;
mod asisdshf;
mod float2fix;
mod float2int;
mod floatccmp;
mod floatcmp;
mod floatdp1;
mod floatdp2;
mod floatdp3;
mod floatimm;
mod floatsel;
mod lanes;
mod ops;

#[cfg(test)]
mod tests;

use crate::interp::Handler;
use droste_arch::a64::{Encoding, Group};

/// The handler of a floating-point encoding.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    match e.group() {
        Group::SimdDpAsimdall => asimdall::handler(e),
        Group::SimdDpAsimdelem => asimdelem::handler(e),
        Group::SimdDpAsimdimm => asimdimm::handler(e),
        Group::SimdDpAsimdmisc => asimdmisc::handler(e),
        Group::SimdDpAsimdmiscfp16 => asimdmiscfp16::handler(e),
        Group::SimdDpAsimdsame => asimdsame::handler(e),
        Group::SimdDpAsimdsame2 => asimdsame2::handler(e),
        Group::SimdDpAsimdsamefp16 => asimdsamefp16::handler(e),
        Group::SimdDpAsimdshf => asimdshf::handler(e),
        Group::SimdDpAsisdelem => asisdelem::handler(e),
        Group::SimdDpAsisdmisc => asisdmisc::handler(e),
        Group::SimdDpAsisdmiscfp16 => asisdmiscfp16::handler(e),
        Group::SimdDpAsisdpair => asisdpair::handler(e),
        Group::SimdDpAsisdsame => asisdsame::handler(e),
        Group::SimdDpAsisdsamefp16 => asisdsamefp16::handler(e),
        Group::SimdDpAsisdshf => asisdshf::handler(e),
        Group::SimdDpFloat2fix => float2fix::handler(e),
        Group::SimdDpFloat2int => float2int::handler(e),
        Group::SimdDpFloatccmp => floatccmp::handler(e),
        Group::SimdDpFloatcmp => floatcmp::handler(e),
        Group::SimdDpFloatdp1 => floatdp1::handler(e),
        Group::SimdDpFloatdp2 => floatdp2::handler(e),
        Group::SimdDpFloatdp3 => floatdp3::handler(e),
        Group::SimdDpFloatimm => floatimm::handler(e),
        Group::SimdDpFloatsel => floatsel::handler(e),
        _ => None,
    }
}
