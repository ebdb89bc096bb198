//! Loads and stores with a register offset.

use super::addressing::{Register, load, store};
use super::transfer::{Gpr, Signed32, Signed64, Vector};
use crate::interp::Handler;
use crate::interp::branch::hints::nop;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::STRB_32B_ldst_regoff => store::<Register, Gpr<u8>>,
        Encoding::STRB_32BL_ldst_regoff => store::<Register, Gpr<u8>>,
        Encoding::LDRB_32B_ldst_regoff => load::<Register, Gpr<u8>>,
        Encoding::LDRB_32BL_ldst_regoff => load::<Register, Gpr<u8>>,
        Encoding::LDRSB_64B_ldst_regoff => load::<Register, Signed64<u8>>,
        Encoding::LDRSB_64BL_ldst_regoff => load::<Register, Signed64<u8>>,
        Encoding::LDRSB_32B_ldst_regoff => load::<Register, Signed32<u8>>,
        Encoding::LDRSB_32BL_ldst_regoff => load::<Register, Signed32<u8>>,
        Encoding::STR_B_ldst_regoff => store::<Register, Vector<u8>>,
        Encoding::STR_BL_ldst_regoff => store::<Register, Vector<u8>>,
        Encoding::LDR_B_ldst_regoff => load::<Register, Vector<u8>>,
        Encoding::LDR_BL_ldst_regoff => load::<Register, Vector<u8>>,
        Encoding::STR_Q_ldst_regoff => store::<Register, Vector<u128>>,
        Encoding::LDR_Q_ldst_regoff => load::<Register, Vector<u128>>,
        Encoding::STRH_32_ldst_regoff => store::<Register, Gpr<u16>>,
        Encoding::LDRH_32_ldst_regoff => load::<Register, Gpr<u16>>,
        Encoding::LDRSH_64_ldst_regoff => load::<Register, Signed64<u16>>,
        Encoding::LDRSH_32_ldst_regoff => load::<Register, Signed32<u16>>,
        Encoding::STR_H_ldst_regoff => store::<Register, Vector<u16>>,
        Encoding::LDR_H_ldst_regoff => load::<Register, Vector<u16>>,
        Encoding::STR_32_ldst_regoff => store::<Register, Gpr<u32>>,
        Encoding::LDR_32_ldst_regoff => load::<Register, Gpr<u32>>,
        Encoding::LDRSW_64_ldst_regoff => load::<Register, Signed64<u32>>,
        Encoding::STR_S_ldst_regoff => store::<Register, Vector<u32>>,
        Encoding::LDR_S_ldst_regoff => load::<Register, Vector<u32>>,
        Encoding::STR_64_ldst_regoff => store::<Register, Gpr<u64>>,
        Encoding::LDR_64_ldst_regoff => load::<Register, Gpr<u64>>,
        Encoding::PRFM_P_ldst_regoff => nop,
        Encoding::RPRFM_R_ldst_regoff => nop,
        Encoding::STR_D_ldst_regoff => store::<Register, Vector<u64>>,
        Encoding::LDR_D_ldst_regoff => load::<Register, Vector<u64>>,
        _ => return None,
    })
}
