//! Loads and stores with an unscaled offset: LDUR, STUR and their sizes.

use super::addressing::{Unscaled, load, store};
use super::transfer::{Gpr, Signed32, Signed64, Vector};
use crate::interp::Handler;
use crate::interp::branch::hints::nop;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::STURB_32_ldst_unscaled => store::<Unscaled, Gpr<u8>>,
        Encoding::LDURB_32_ldst_unscaled => load::<Unscaled, Gpr<u8>>,
        Encoding::LDURSB_64_ldst_unscaled => load::<Unscaled, Signed64<u8>>,
        Encoding::LDURSB_32_ldst_unscaled => load::<Unscaled, Signed32<u8>>,
        Encoding::STUR_B_ldst_unscaled => store::<Unscaled, Vector<u8>>,
        Encoding::LDUR_B_ldst_unscaled => load::<Unscaled, Vector<u8>>,
        Encoding::STUR_Q_ldst_unscaled => store::<Unscaled, Vector<u128>>,
        Encoding::LDUR_Q_ldst_unscaled => load::<Unscaled, Vector<u128>>,
        Encoding::STURH_32_ldst_unscaled => store::<Unscaled, Gpr<u16>>,
        Encoding::LDURH_32_ldst_unscaled => load::<Unscaled, Gpr<u16>>,
        Encoding::LDURSH_64_ldst_unscaled => load::<Unscaled, Signed64<u16>>,
        Encoding::LDURSH_32_ldst_unscaled => load::<Unscaled, Signed32<u16>>,
        Encoding::STUR_H_ldst_unscaled => store::<Unscaled, Vector<u16>>,
        Encoding::LDUR_H_ldst_unscaled => load::<Unscaled, Vector<u16>>,
        Encoding::STUR_32_ldst_unscaled => store::<Unscaled, Gpr<u32>>,
        Encoding::LDUR_32_ldst_unscaled => load::<Unscaled, Gpr<u32>>,
        Encoding::LDURSW_64_ldst_unscaled => load::<Unscaled, Signed64<u32>>,
        Encoding::STUR_S_ldst_unscaled => store::<Unscaled, Vector<u32>>,
        Encoding::LDUR_S_ldst_unscaled => load::<Unscaled, Vector<u32>>,
        Encoding::STUR_64_ldst_unscaled => store::<Unscaled, Gpr<u64>>,
        Encoding::LDUR_64_ldst_unscaled => load::<Unscaled, Gpr<u64>>,
        Encoding::PRFUM_P_ldst_unscaled => nop,
        Encoding::STUR_D_ldst_unscaled => store::<Unscaled, Vector<u64>>,
        Encoding::LDUR_D_ldst_unscaled => load::<Unscaled, Vector<u64>>,
        _ => return None,
    })
}
