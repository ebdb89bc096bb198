//! Waits with a time-out (FEAT_WFxT): WFET, WFIT. The manual's group `systeminstrswithreg`.

use crate::exception::{self, Wfx};
use crate::interp::Handler;
use crate::interp::operand::rd;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::WFET_only_systeminstrswithreg => |cpu, insn| exception::wfx(cpu, Wfx::Wfet, Some(rd(insn))),
        Encoding::WFIT_only_systeminstrswithreg => |cpu, insn| exception::wfx(cpu, Wfx::Wfit, Some(rd(insn))),
        _ => return None,
    })
}
