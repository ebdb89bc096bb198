//! Unprivileged loads and stores: LDTR, STTR and their sizes.

use super::addressing::{Unprivileged, load, store};
use super::transfer::{Gpr, Signed32, Signed64};
use crate::interp::Handler;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::STTRB_32_ldst_unpriv => store::<Unprivileged, Gpr<u8>>,
        Encoding::LDTRB_32_ldst_unpriv => load::<Unprivileged, Gpr<u8>>,
        Encoding::LDTRSB_64_ldst_unpriv => load::<Unprivileged, Signed64<u8>>,
        Encoding::LDTRSB_32_ldst_unpriv => load::<Unprivileged, Signed32<u8>>,
        Encoding::STTRH_32_ldst_unpriv => store::<Unprivileged, Gpr<u16>>,
        Encoding::LDTRH_32_ldst_unpriv => load::<Unprivileged, Gpr<u16>>,
        Encoding::LDTRSH_64_ldst_unpriv => load::<Unprivileged, Signed64<u16>>,
        Encoding::LDTRSH_32_ldst_unpriv => load::<Unprivileged, Signed32<u16>>,
        Encoding::STTR_32_ldst_unpriv => store::<Unprivileged, Gpr<u32>>,
        Encoding::LDTR_32_ldst_unpriv => load::<Unprivileged, Gpr<u32>>,
        Encoding::LDTRSW_64_ldst_unpriv => load::<Unprivileged, Signed64<u32>>,
        Encoding::STTR_64_ldst_unpriv => store::<Unprivileged, Gpr<u64>>,
        Encoding::LDTR_64_ldst_unpriv => load::<Unprivileged, Gpr<u64>>,
        _ => return None,
    })
}
