//! Branch target identification: FEAT_BTI.

use crate::cpu::Vcpu;
use droste_arch::fields::sctlr_el1;

/// Whether an instruction may be the target of an indirect branch of type `btype` in a guarded page:
/// BTypeCompatible.
pub(crate) fn compatible(cpu: &Vcpu, word: u32, btype: u8) -> bool {
    const BRK: u32 = 0xd420_0000;
    const HLT: u32 = 0xd440_0000;
    if word & 0xffe0_001f == BRK || word & 0xffe0_001f == HLT {
        return true;
    }
    // BT0 and BT1: whether PACIxSP is not a target for BTYPE 0b11.
    let bt = if cpu.el() == 0 { sctlr_el1::BT0 } else { sctlr_el1::BT1 };
    match word {
        0xd503_241f => false,                                                  // BTI
        0xd503_245f => btype != 3,                                             // BTI c
        0xd503_249f => btype != 2,                                             // BTI j
        0xd503_24df => true,                                                   // BTI jc
        0xd503_233f | 0xd503_237f => btype != 3 || !bt.is_set(cpu.mode.sctlr), // PACIASP, PACIBSP
        _ => false,
    }
}
