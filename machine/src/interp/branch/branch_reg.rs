//! Branches to a register: BR, BLR, RET, their authenticated forms, and exception returns.

use crate::cpu::Vcpu;
use crate::exception::{self, EretKind};
use crate::interp::operand::{rd, rn};
use crate::interp::{Abort, Exec, Handler};
use crate::pauth::PacKey;
use droste_arch::a64::Encoding;
use droste_arch::feature::Feature;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::BR_64_branch_reg => br,
        Encoding::BRAAZ_64_branch_reg => br_auth::<false, true>,
        Encoding::BRABZ_64_branch_reg => br_auth::<true, true>,
        Encoding::BRAA_64P_branch_reg => br_auth::<false, false>,
        Encoding::BRAB_64P_branch_reg => br_auth::<true, false>,
        Encoding::BLR_64_branch_reg => blr,
        Encoding::BLRAAZ_64_branch_reg => blr_auth::<false, true>,
        Encoding::BLRABZ_64_branch_reg => blr_auth::<true, true>,
        Encoding::BLRAA_64P_branch_reg => blr_auth::<false, false>,
        Encoding::BLRAB_64P_branch_reg => blr_auth::<true, false>,
        Encoding::RET_64R_branch_reg => ret,
        Encoding::RETAA_64E_branch_reg => ret_auth::<false>,
        Encoding::RETAB_64E_branch_reg => ret_auth::<true>,
        Encoding::ERET_64E_branch_reg => |cpu, _| exception::eret(cpu, EretKind::Plain),
        Encoding::ERETAA_64E_branch_reg => |cpu, _| exception::eret(cpu, EretKind::KeyA),
        Encoding::ERETAB_64E_branch_reg => |cpu, _| exception::eret(cpu, EretKind::KeyB),
        // Only defined in Debug state, which the machine does not have.
        Encoding::DRPS_64E_branch_reg => |cpu, _| Err(cpu.undefined()),
        _ => return None,
    })
}

/// PSTATE.BTYPE after a branch that links.
const CALL: u8 = 0b10;

/// Sets PSTATE.BTYPE for the next instruction; the run loop has cleared it for this one.
#[inline(always)]
fn set_btype(cpu: &mut Vcpu, btype: u8) {
    if cpu.has(Feature::FEAT_BTI) {
        cpu.state.pstate.btype = btype;
    }
}

/// Sets PSTATE.BTYPE for a branch to Xn that does not link (BTypeNext).
#[inline(always)]
fn set_jump_btype(cpu: &mut Vcpu, register: u32) {
    if cpu.has(Feature::FEAT_BTI) {
        let veneer = register == 16 || register == 17;
        let guarded = !veneer && cpu.fetch_page(cpu.state.pc).is_ok_and(|page| page.guarded);
        cpu.state.pstate.btype = if guarded { 0b11 } else { 0b01 };
    }
}

fn br(cpu: &mut Vcpu, insn: u32) -> Exec {
    let n = rn(insn);
    set_jump_btype(cpu, n);
    cpu.branch_to(cpu.x(n))
}

fn blr(cpu: &mut Vcpu, insn: u32) -> Exec {
    let target = cpu.x(rn(insn));
    cpu.set_x(30, cpu.state.pc.wrapping_add(4));
    set_btype(cpu, CALL);
    cpu.branch_to(target)
}

fn ret(cpu: &mut Vcpu, insn: u32) -> Exec {
    cpu.branch_to(cpu.x(rn(insn)))
}

/// Returns the authenticated Xn; the modifier is Xm or SP, or zero.
#[inline(always)]
fn authenticated<const B: bool, const ZERO: bool>(cpu: &mut Vcpu, insn: u32) -> Result<u64, Abort> {
    let modifier = if ZERO { 0 } else { cpu.xsp(rd(insn)) };
    cpu.auth(if B { PacKey::IB } else { PacKey::IA }, cpu.x(rn(insn)), modifier, true)
}

fn br_auth<const B: bool, const ZERO: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let target = authenticated::<B, ZERO>(cpu, insn)?;
    set_jump_btype(cpu, rn(insn));
    cpu.branch_to(target)
}

fn blr_auth<const B: bool, const ZERO: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let target = authenticated::<B, ZERO>(cpu, insn)?;
    cpu.set_x(30, cpu.state.pc.wrapping_add(4));
    set_btype(cpu, CALL);
    cpu.branch_to(target)
}

fn ret_auth<const B: bool>(cpu: &mut Vcpu, _insn: u32) -> Exec {
    let key = if B { PacKey::IB } else { PacKey::IA };
    let target = cpu.auth(key, cpu.x(30), cpu.state.sp, true)?;
    cpu.branch_to(target)
}
