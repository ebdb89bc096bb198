//! From a [`Fault`] to the exception it causes: target, class and syndrome (AArch64.Abort).

use droste_arch::fields::{esr_el1, esr_el2, hcr_el2};

use super::access::{Access, MAINTENANCE, NV2};
use super::fault::{Fault, FaultKind};
use crate::cpu::Vcpu;
use crate::exception::Exception;
use crate::interp::Abort;

/// Exception classes; an abort from the same level has the class after the one from a lower level.
const INSTRUCTION_ABORT_LOWER: u8 = 0x20;
const PC_ALIGNMENT: u8 = 0x22;
const DATA_ABORT_LOWER: u8 = 0x24;
const DATA_ABORT_SAME: u8 = 0x25;

impl Vcpu {
    /// Raises the data abort for a failed access to `va` (AArch64.DataAbort).
    #[cold]
    pub(crate) fn data_abort(&mut self, va: u64, fault: Fault, how: Access) -> Abort {
        let nv2 = how.is(NV2);
        let target = if nv2 { 2 } else { self.abort_target(&fault) };
        let class = if target > self.el() && !nv2 { DATA_ABORT_LOWER } else { DATA_ABORT_SAME };
        let exception = Exception::sync(target, class, data_iss(&fault, how)).with_far(va);
        self.raise(with_hpfar(exception, &fault))
    }

    /// Raises the instruction abort for a failed fetch from `va` (AArch64.InstructionAbort).
    #[cold]
    pub(crate) fn instruction_abort(&mut self, va: u64, fault: Fault) -> Abort {
        let target = self.abort_target(&fault);
        let class = INSTRUCTION_ABORT_LOWER + u8::from(target <= self.el());
        let exception = Exception::sync(target, class, common_iss(&fault)).with_far(va);
        self.raise(with_hpfar(exception, &fault))
    }

    /// Raises the PC alignment fault.
    #[cold]
    pub(crate) fn pc_alignment_fault(&mut self, pc: u64) -> Abort {
        let target = self.default_target();
        self.raise(Exception::sync(target, PC_ALIGNMENT, 0).with_far(pc))
    }

    /// Stage 2, TGE and TEA lead to EL2, everything else to the level that owns the regime.
    fn abort_target(&self, fault: &Fault) -> u8 {
        let tea = fault.kind.is_external() && hcr_el2::TEA.is_set(self.hcr());
        let routed = self.has_el2() && (self.mode.tge || fault.stage2.is_some() || tea);
        if self.el() == 2 || routed { 2 } else { 1 }
    }
}

/// HPFAR_EL2 holds the IPA of every fault of stage 2.
fn with_hpfar(exception: Exception, fault: &Fault) -> Exception {
    match fault.stage2 {
        Some(stage2) => exception.with_hpfar((stage2.ipa >> 12 & 0xff_ffff_ffff) << 4),
        None => exception,
    }
}

/// What instruction and data aborts have in common.
fn common_iss(fault: &Fault) -> u64 {
    let walk = fault.stage2.is_some_and(|stage2| stage2.table_walk);
    let iss = esr_el1::S1PTW.with(0, u64::from(walk)) | fault.status_code();
    // ISS2 begins at bit 32 of ESR_ELx.
    iss | u64::from(fault.dirty_bit) << (32 + 5)
}

/// AArch64.FaultSyndrome for data aborts.
fn data_iss(fault: &Fault, how: Access) -> u64 {
    let mut iss = common_iss(fault);
    let maintenance = how.is(MAINTENANCE);
    if fault.stage2.is_some_and(|stage2| !stage2.table_walk) && !fault.kind.is_external() {
        iss |= how.iss();
    }
    iss = esr_el2::VNCR.with(iss, u64::from(how.is(NV2)));
    iss = esr_el1::CM.with(iss, u64::from(maintenance));
    let write = fault.write || maintenance;
    esr_el1::WnR.with(iss, u64::from(write && fault.kind != FaultKind::UnsupportedAtomic))
}
