//! Advanced SIMD instructions on integers, and its loads and stores: one file per group of the manual,
//! the scalar forms beside or behind their vector forms.
//!
//! Floating-point encodings of the same groups are in `fp`.

mod asimdall;
mod asimddiff;
mod asimdelem;
mod asimdimm;
mod asimdins;
mod asimdmisc;
mod asimdperm;
mod asimdsame;
mod asimdsame2;
mod asimdshf;
mod asimdtbl;
mod crypto;
mod fields;
mod lanes;
mod loads;
mod loops;
mod ops;
mod scalar;

#[cfg(test)]
mod tests;

use super::Handler;
use droste_arch::a64::{Encoding, Group};

/// The implementation of an encoding of these groups.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Group as G;
    match e.group() {
        G::SimdDpAsimdsame => asimdsame::handler(e),
        G::SimdDpAsimdsame2 => asimdsame2::handler(e),
        G::SimdDpAsimddiff => asimddiff::handler(e),
        G::SimdDpAsimdmisc => asimdmisc::handler(e),
        G::SimdDpAsimdelem => asimdelem::handler(e),
        G::SimdDpAsimdall => asimdall::handler(e),
        G::SimdDpAsimdins | G::SimdDpAsisdone => asimdins::handler(e),
        G::SimdDpAsimdext | G::SimdDpAsimdperm => asimdperm::handler(e),
        G::SimdDpAsimdtbl => asimdtbl::handler(e),
        G::SimdDpAsimdimm => asimdimm::handler(e),
        G::SimdDpAsimdshf | G::SimdDpAsisdshf => asimdshf::handler(e),
        G::SimdDpAsisdsame
        | G::SimdDpAsisdsame2
        | G::SimdDpAsisddiff
        | G::SimdDpAsisdelem
        | G::SimdDpAsisdmisc
        | G::SimdDpAsisdpair => scalar::handler(e),
        G::SimdDpCryptoaes
        | G::SimdDpCryptosha2
        | G::SimdDpCryptosha3
        | G::SimdDpCryptosha5122
        | G::SimdDpCryptosha5123
        | G::SimdDpCrypto3Imm2
        | G::SimdDpCrypto3Imm6
        | G::SimdDpCrypto4 => crypto::handler(e),
        G::LdstAsisdlse | G::LdstAsisdlsep | G::LdstAsisdlso | G::LdstAsisdlsop => loads::handler(e),
        _ => None,
    }
}
