//! What the current Exception level and control registers mean for execution, precomputed.

use super::{Level, Vcpu};
use crate::pauth::{NativePointers, PointerRange};
use droste_arch::fields::{
    cpacr_el1, cptr_el2, cptr_el2_e2h, hcr_el2, sctlr_el1, tcr_el1, tcr_el2, tcr_el2_e2h,
};
use droste_arch::sysreg::SysReg;

/// Whether FP and AdvSIMD instructions execute, or where they trap to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FpAccess {
    /// They execute.
    Allowed,
    /// They trap to the given Exception level with EC 0x07.
    Trap(u8),
}

/// State derived from PSTATE and system registers; recomputed whenever one of them changes. Aligned to be copied fast.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
pub struct Mode {
    /// The current Exception level.
    pub el: u8,
    /// HCR_EL2.E2H, effective.
    pub e2h: bool,
    /// HCR_EL2.TGE, effective.
    pub tge: bool,
    /// Whether EL0 or EL2 executes in the EL2&0 translation regime.
    pub in_host: bool,
    /// Whether a misaligned SP used as a base faults.
    pub sp_align_check: bool,
    /// FP and AdvSIMD access.
    pub fp: FpAccess,
    /// Whether that is to trap.
    pub fp_traps: bool,
    /// Whether instruction addresses have a top byte to ignore, low half and high half.
    pub tbi_instruction: [bool; 2],
    /// SCTLR_ELx of the current translation regime.
    pub sctlr: u64,
    /// Whether software step is active.
    pub stepping: bool,
    /// Whether breakpoints may match.
    pub breakpoints: bool,
    /// Whether executors must look at each instruction before they execute it: for one of these, or for an illegal
    /// state.
    pub by_instruction: bool,
    /// What blocks are compiled for.
    pub(crate) level: Level,
    /// Which pointers generated code signs and checks by itself.
    pub(crate) pointers: NativePointers,
}

impl Mode {
    /// The mode of a CPU that has not computed it yet.
    pub(crate) const UNKNOWN: Mode = Mode {
        el: 0,
        e2h: false,
        tge: false,
        in_host: false,
        sp_align_check: false,
        fp: FpAccess::Allowed,
        fp_traps: false,
        tbi_instruction: [false; 2],
        sctlr: 0,
        stepping: false,
        breakpoints: false,
        by_instruction: false,
        level: Level::from_bits(0),
        pointers: NativePointers { ranges: [[PointerRange { above: 0, field: 0 }; 2]; 2], keys: 0 },
    };

    /// Computes the mode from the state of `cpu`, but for debug exceptions and pointer authentication.
    pub(crate) fn of(cpu: &Vcpu) -> Mode {
        let el = cpu.state.pstate.el;
        let hcr = cpu.hcr();
        let (e2h, tge) = (hcr_el2::E2H.is_set(hcr), hcr_el2::TGE.is_set(hcr));
        let in_host = e2h && (el == 2 || (el == 0 && tge));
        let sctlr = cpu.sys(if el == 2 || in_host { SysReg::SCTLR_EL2 } else { SysReg::SCTLR_EL1 });
        let sa = if el == 0 { sctlr_el1::SA0 } else { sctlr_el1::SA };
        let fp = fp_access(cpu, el, in_host, e2h, tge);
        Mode {
            el,
            e2h,
            tge,
            in_host,
            sp_align_check: sa.is_set(sctlr),
            fp,
            fp_traps: fp != FpAccess::Allowed,
            tbi_instruction: tbi_instruction(cpu, el, in_host),
            sctlr,
            stepping: false,
            breakpoints: false,
            by_instruction: false,
            level: Level::of(cpu),
            pointers: NativePointers::default(),
        }
    }
}

/// AArch64.CheckFPAdvSIMDEnabled and AArch64.CheckFPAdvSIMDTrap.
fn fp_access(cpu: &Vcpu, el: u8, in_host: bool, e2h: bool, tge: bool) -> FpAccess {
    if el < 2 && !in_host {
        let disabled = match cpacr_el1::FPEN.get(cpu.sys(SysReg::CPACR_EL1)) {
            0 | 2 => true,
            1 => el == 0,
            _ => false,
        };
        if disabled {
            return FpAccess::Trap(1);
        }
    }
    if !cpu.has_el2() {
        return FpAccess::Allowed;
    }
    let cptr = cpu.sys(SysReg::CPTR_EL2);
    let disabled = if e2h {
        match cptr_el2_e2h::FPEN.get(cptr) {
            0 | 2 => true,
            1 => el == 0 && tge,
            _ => false,
        }
    } else {
        cptr_el2::TFP.is_set(cptr)
    };
    if disabled { FpAccess::Trap(2) } else { FpAccess::Allowed }
}

/// Whether TBI applies to instruction fetches of each half: EffectiveTBI with TBID.
fn tbi_instruction(cpu: &Vcpu, el: u8, in_host: bool) -> [bool; 2] {
    if el == 2 && !in_host {
        let tcr = cpu.sys(SysReg::TCR_EL2);
        let on = tcr_el2::TBI.is_set(tcr) && !tcr_el2::TBID.is_set(tcr);
        return [on, on];
    }
    let (tcr, [tbi0, tbi1, tbid0, tbid1]) = if in_host {
        (
            cpu.sys(SysReg::TCR_EL2),
            [tcr_el2_e2h::TBI0, tcr_el2_e2h::TBI1, tcr_el2_e2h::TBID0, tcr_el2_e2h::TBID1],
        )
    } else {
        (cpu.sys(SysReg::TCR_EL1), [tcr_el1::TBI0, tcr_el1::TBI1, tcr_el1::TBID0, tcr_el1::TBID1])
    };
    [tbi0.is_set(tcr) && !tbid0.is_set(tcr), tbi1.is_set(tcr) && !tbid1.is_set(tcr)]
}
