//! Hints. Those of features that the CPU lacks, and unallocated ones, do nothing.

use crate::cpu::{PState, Vcpu};
use crate::exception::{self, Wfx};
use crate::interp::{Exec, Flow, Handler};
use crate::pauth::PacKey;
use droste_arch::a64::Encoding;
use droste_arch::feature::Feature;
use droste_arch::fields::hcr_el2;
use droste_arch::sysreg::SysReg;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::WFE_HI_hints => |cpu, _| exception::wfx(cpu, Wfx::Wfe, None),
        Encoding::WFI_HI_hints => |cpu, _| exception::wfx(cpu, Wfx::Wfi, None),
        Encoding::YIELD_HI_hints => yield_slice,
        Encoding::SEV_HI_hints => send_event::<true>,
        Encoding::SEVL_HI_hints => send_event::<false>,
        Encoding::XPACLRI_HI_hints => xpaclri,
        Encoding::PACIA1716_HI_hints => pac::<IA, 17, X16>,
        Encoding::PACIB1716_HI_hints => pac::<IB, 17, X16>,
        Encoding::AUTIA1716_HI_hints => aut::<IA, 17, X16>,
        Encoding::AUTIB1716_HI_hints => aut::<IB, 17, X16>,
        Encoding::PACIAZ_HI_hints => pac::<IA, 30, ZERO>,
        Encoding::PACIBZ_HI_hints => pac::<IB, 30, ZERO>,
        Encoding::AUTIAZ_HI_hints => aut::<IA, 30, ZERO>,
        Encoding::AUTIBZ_HI_hints => aut::<IB, 30, ZERO>,
        Encoding::PACIASP_HI_hints => pac::<IA, 30, SP>,
        Encoding::PACIBSP_HI_hints => pac::<IB, 30, SP>,
        Encoding::AUTIASP_HI_hints => aut::<IA, 30, SP>,
        Encoding::AUTIBSP_HI_hints => aut::<IB, 30, SP>,
        Encoding::CHKFEAT_HF_hints => chkfeat,
        Encoding::ESB_HI_hints => esb,
        Encoding::NOP_HI_hints
        | Encoding::DGH_HI_hints
        | Encoding::PSB_HC_hints
        | Encoding::TSB_HC_hints
        | Encoding::GCSB_HD_hints
        | Encoding::CSDB_HI_hints
        | Encoding::CLRBHB_HI_hints
        | Encoding::BTI_HB_hints
        | Encoding::PACM_HI_hints
        | Encoding::STSHH_HI_hints
        | Encoding::SHUH_HI_hints
        | Encoding::STCPH_HI_hints
        | Encoding::SRLS_HI_hints
        | Encoding::SLBND_HI_hints
        | Encoding::HINT_HM_hints => nop,
        _ => return None,
    })
}

/// Does nothing; also what prefetches do.
pub(crate) fn nop(_cpu: &mut Vcpu, _insn: u32) -> Exec {
    Ok(Flow::Next)
}

fn yield_slice(cpu: &mut Vcpu, _insn: u32) -> Exec {
    cpu.yield_slice();
    Ok(Flow::Sync)
}

/// Sends an event: to all CPUs, or to this one.
fn send_event<const ALL: bool>(cpu: &mut Vcpu, _insn: u32) -> Exec {
    exception::send_event(cpu, ALL);
    Ok(Flow::Next)
}

/// Executes ESB: defers a virtual SError that is pending and masked (AArch64.vESBOperation). Physical ones do
/// not exist.
fn esb(cpu: &mut Vcpu, _insn: u32) -> Exec {
    let hcr = cpu.hcr();
    let pending = hcr_el2::VSE.is_set(hcr) && hcr_el2::AMO.is_set(hcr) && !hcr_el2::TGE.is_set(hcr);
    if pending && cpu.el() < 2 && cpu.state.pstate.daif & PState::A != 0 && cpu.has(Feature::FEAT_RAS) {
        let syndrome = cpu.sys(SysReg::VSESR_EL2) & 0x1ff_ffff;
        cpu.set_sys(SysReg::VDISR_EL2, 1 << 31 | syndrome);
        let raw = cpu.sys(SysReg::HCR_EL2);
        cpu.set_sys(SysReg::HCR_EL2, raw & !hcr_el2::VSE.mask());
    }
    Ok(Flow::Next)
}

/// Clears the bits of X16 that ask about enabled features: of those only GCS is defined, which the
/// machine does not have, so that its bit stays set.
fn chkfeat(_cpu: &mut Vcpu, _insn: u32) -> Exec {
    Ok(Flow::Next)
}

const IA: bool = false;
const IB: bool = true;

const ZERO: u8 = 0;
const X16: u8 = 1;
const SP: u8 = 2;

#[inline(always)]
fn modifier<const MODIFIER: u8>(cpu: &Vcpu) -> u64 {
    match MODIFIER {
        ZERO => 0,
        X16 => cpu.x(16),
        _ => cpu.state.sp,
    }
}

fn pac<const B: bool, const REGISTER: u32, const MODIFIER: u8>(cpu: &mut Vcpu, _insn: u32) -> Exec {
    if cpu.has(Feature::FEAT_PAuth) {
        let key = if B { PacKey::IB } else { PacKey::IA };
        let result = cpu.add_pac(key, cpu.x(REGISTER), modifier::<MODIFIER>(cpu))?;
        cpu.set_x(REGISTER, result);
    }
    Ok(Flow::Next)
}

fn aut<const B: bool, const REGISTER: u32, const MODIFIER: u8>(cpu: &mut Vcpu, _insn: u32) -> Exec {
    if cpu.has(Feature::FEAT_PAuth) {
        let key = if B { PacKey::IB } else { PacKey::IA };
        let result = cpu.auth(key, cpu.x(REGISTER), modifier::<MODIFIER>(cpu), false)?;
        cpu.set_x(REGISTER, result);
    }
    Ok(Flow::Next)
}

fn xpaclri(cpu: &mut Vcpu, _insn: u32) -> Exec {
    if cpu.has(Feature::FEAT_PAuth) {
        let result = cpu.strip(cpu.x(30), false);
        cpu.set_x(30, result);
    }
    Ok(Flow::Next)
}
