//! Loads and stores with a scaled unsigned offset: LDR, STR and their sizes.

use super::addressing::{Scaled, load, store};
use super::transfer::{Gpr, Signed32, Signed64, Vector};
use crate::interp::Handler;
use crate::interp::branch::hints::nop;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::STRB_32_ldst_pos => store::<Scaled, Gpr<u8>>,
        Encoding::LDRB_32_ldst_pos => load::<Scaled, Gpr<u8>>,
        Encoding::LDRSB_64_ldst_pos => load::<Scaled, Signed64<u8>>,
        Encoding::LDRSB_32_ldst_pos => load::<Scaled, Signed32<u8>>,
        Encoding::STR_B_ldst_pos => store::<Scaled, Vector<u8>>,
        Encoding::LDR_B_ldst_pos => load::<Scaled, Vector<u8>>,
        Encoding::STR_Q_ldst_pos => store::<Scaled, Vector<u128>>,
        Encoding::LDR_Q_ldst_pos => load::<Scaled, Vector<u128>>,
        Encoding::STRH_32_ldst_pos => store::<Scaled, Gpr<u16>>,
        Encoding::LDRH_32_ldst_pos => load::<Scaled, Gpr<u16>>,
        Encoding::LDRSH_64_ldst_pos => load::<Scaled, Signed64<u16>>,
        Encoding::LDRSH_32_ldst_pos => load::<Scaled, Signed32<u16>>,
        Encoding::STR_H_ldst_pos => store::<Scaled, Vector<u16>>,
        Encoding::LDR_H_ldst_pos => load::<Scaled, Vector<u16>>,
        Encoding::STR_32_ldst_pos => store::<Scaled, Gpr<u32>>,
        Encoding::LDR_32_ldst_pos => load::<Scaled, Gpr<u32>>,
        Encoding::LDRSW_64_ldst_pos => load::<Scaled, Signed64<u32>>,
        Encoding::STR_S_ldst_pos => store::<Scaled, Vector<u32>>,
        Encoding::LDR_S_ldst_pos => load::<Scaled, Vector<u32>>,
        Encoding::STR_64_ldst_pos => store::<Scaled, Gpr<u64>>,
        Encoding::LDR_64_ldst_pos => load::<Scaled, Gpr<u64>>,
        Encoding::PRFM_P_ldst_pos => nop,
        Encoding::STR_D_ldst_pos => store::<Scaled, Vector<u64>>,
        Encoding::LDR_D_ldst_pos => load::<Scaled, Vector<u64>>,
        _ => return None,
    })
}
