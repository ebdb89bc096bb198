//! Reliability: a node without error records; and LORegions of which there are none.

use droste_arch::sysreg::SysReg;

use super::registers::{Behaviour, ZERO};

pub(super) fn behaviour(r: SysReg) -> Option<Behaviour> {
    let name = r.name();
    let is_record = name.starts_with("ERX") || matches!(r, SysReg::ERRIDR_EL1 | SysReg::ERRSELR_EL1);
    let is_region = name.starts_with("LOR");
    (is_record || is_region).then_some(ZERO)
}
