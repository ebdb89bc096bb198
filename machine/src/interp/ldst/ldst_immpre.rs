//! Loads and stores with an immediate pre-index.

use super::addressing::{PreIndex, load, store};
use super::transfer::{Gpr, Signed32, Signed64, Vector};
use crate::interp::Handler;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::STRB_32_ldst_immpre => store::<PreIndex, Gpr<u8>>,
        Encoding::LDRB_32_ldst_immpre => load::<PreIndex, Gpr<u8>>,
        Encoding::LDRSB_64_ldst_immpre => load::<PreIndex, Signed64<u8>>,
        Encoding::LDRSB_32_ldst_immpre => load::<PreIndex, Signed32<u8>>,
        Encoding::STR_B_ldst_immpre => store::<PreIndex, Vector<u8>>,
        Encoding::LDR_B_ldst_immpre => load::<PreIndex, Vector<u8>>,
        Encoding::STR_Q_ldst_immpre => store::<PreIndex, Vector<u128>>,
        Encoding::LDR_Q_ldst_immpre => load::<PreIndex, Vector<u128>>,
        Encoding::STRH_32_ldst_immpre => store::<PreIndex, Gpr<u16>>,
        Encoding::LDRH_32_ldst_immpre => load::<PreIndex, Gpr<u16>>,
        Encoding::LDRSH_64_ldst_immpre => load::<PreIndex, Signed64<u16>>,
        Encoding::LDRSH_32_ldst_immpre => load::<PreIndex, Signed32<u16>>,
        Encoding::STR_H_ldst_immpre => store::<PreIndex, Vector<u16>>,
        Encoding::LDR_H_ldst_immpre => load::<PreIndex, Vector<u16>>,
        Encoding::STR_32_ldst_immpre => store::<PreIndex, Gpr<u32>>,
        Encoding::LDR_32_ldst_immpre => load::<PreIndex, Gpr<u32>>,
        Encoding::LDRSW_64_ldst_immpre => load::<PreIndex, Signed64<u32>>,
        Encoding::STR_S_ldst_immpre => store::<PreIndex, Vector<u32>>,
        Encoding::LDR_S_ldst_immpre => load::<PreIndex, Vector<u32>>,
        Encoding::STR_64_ldst_immpre => store::<PreIndex, Gpr<u64>>,
        Encoding::LDR_64_ldst_immpre => load::<PreIndex, Gpr<u64>>,
        Encoding::STR_D_ldst_immpre => store::<PreIndex, Vector<u64>>,
        Encoding::LDR_D_ldst_immpre => load::<PreIndex, Vector<u64>>,
        _ => return None,
    })
}
