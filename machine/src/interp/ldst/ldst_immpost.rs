//! Loads and stores with an immediate post-index.

use super::addressing::{PostIndex, load, store};
use super::transfer::{Gpr, Signed32, Signed64, Vector};
use crate::interp::Handler;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::STRB_32_ldst_immpost => store::<PostIndex, Gpr<u8>>,
        Encoding::LDRB_32_ldst_immpost => load::<PostIndex, Gpr<u8>>,
        Encoding::LDRSB_64_ldst_immpost => load::<PostIndex, Signed64<u8>>,
        Encoding::LDRSB_32_ldst_immpost => load::<PostIndex, Signed32<u8>>,
        Encoding::STR_B_ldst_immpost => store::<PostIndex, Vector<u8>>,
        Encoding::LDR_B_ldst_immpost => load::<PostIndex, Vector<u8>>,
        Encoding::STR_Q_ldst_immpost => store::<PostIndex, Vector<u128>>,
        Encoding::LDR_Q_ldst_immpost => load::<PostIndex, Vector<u128>>,
        Encoding::STRH_32_ldst_immpost => store::<PostIndex, Gpr<u16>>,
        Encoding::LDRH_32_ldst_immpost => load::<PostIndex, Gpr<u16>>,
        Encoding::LDRSH_64_ldst_immpost => load::<PostIndex, Signed64<u16>>,
        Encoding::LDRSH_32_ldst_immpost => load::<PostIndex, Signed32<u16>>,
        Encoding::STR_H_ldst_immpost => store::<PostIndex, Vector<u16>>,
        Encoding::LDR_H_ldst_immpost => load::<PostIndex, Vector<u16>>,
        Encoding::STR_32_ldst_immpost => store::<PostIndex, Gpr<u32>>,
        Encoding::LDR_32_ldst_immpost => load::<PostIndex, Gpr<u32>>,
        Encoding::LDRSW_64_ldst_immpost => load::<PostIndex, Signed64<u32>>,
        Encoding::STR_S_ldst_immpost => store::<PostIndex, Vector<u32>>,
        Encoding::LDR_S_ldst_immpost => load::<PostIndex, Vector<u32>>,
        Encoding::STR_64_ldst_immpost => store::<PostIndex, Gpr<u64>>,
        Encoding::LDR_64_ldst_immpost => load::<PostIndex, Gpr<u64>>,
        Encoding::STR_D_ldst_immpost => store::<PostIndex, Vector<u64>>,
        Encoding::LDR_D_ldst_immpost => load::<PostIndex, Vector<u64>>,
        _ => return None,
    })
}
