//! Registers that are views of PSTATE, and the banked stack pointers.

use crate::cpu::{PState, Vcpu};
use crate::interp::Flow;
use droste_arch::feature::Feature;
use droste_arch::fields::{self, hcr_el2};
use droste_arch::sysreg::SysReg;

use super::plan::View;
use super::registers::{Behaviour, Read, Write, ignore};

pub(super) fn behaviour(r: SysReg) -> Option<Behaviour> {
    let (read, write): (Read, Write) = match r {
        SysReg::CurrentEL => (current_el, ignore),
        SysReg::NZCV => (
            |cpu, _| u64::from(cpu.state.nzcv.bits()),
            |cpu, _, v| {
                cpu.state.nzcv.set(v as u32 & 0xf000_0000);
                Flow::Next
            },
        ),
        SysReg::DAIF => (|cpu, _| u64::from(cpu.state.pstate.daif) << 6, write_daif),
        SysReg::SPSel => (|cpu, _| u64::from(cpu.state.pstate.spsel), write_spsel),
        SysReg::PAN => (
            |cpu, _| flag(cpu.state.pstate.pan, 22),
            |cpu, _, v| {
                cpu.state.pstate.pan = fields::pan::PAN.is_set(v);
                changed(cpu)
            },
        ),
        SysReg::UAO => (
            |cpu, _| flag(cpu.state.pstate.uao, 23),
            |cpu, _, v| {
                cpu.state.pstate.uao = fields::uao::UAO.is_set(v);
                changed(cpu)
            },
        ),
        SysReg::DIT => (
            |cpu, _| flag(cpu.state.pstate.dit, 24),
            |cpu, _, v| {
                cpu.state.pstate.dit = fields::dit::DIT.is_set(v);
                Flow::Next
            },
        ),
        SysReg::SSBS => (
            |cpu, _| flag(cpu.state.pstate.ssbs, 12),
            |cpu, _, v| {
                cpu.state.pstate.ssbs = fields::ssbs::SSBS.is_set(v);
                Flow::Next
            },
        ),
        SysReg::TCO => (
            |cpu, _| flag(cpu.state.pstate.tco, 25),
            |cpu, _, v| {
                cpu.state.pstate.tco = fields::tco::TCO.is_set(v);
                changed(cpu)
            },
        ),
        SysReg::ALLINT => (
            |cpu, _| flag(cpu.state.pstate.allint, 13),
            |cpu, _, v| {
                cpu.state.pstate.allint = fields::allint::ALLINT.is_set(v);
                changed(cpu)
            },
        ),
        // Where one of them is the stack pointer in use, the access is UNDEFINED.
        SysReg::SP_EL0 => (
            |cpu, _| cpu.state.sp_el[0],
            |cpu, _, v| {
                cpu.state.sp_el[0] = v;
                Flow::Next
            },
        ),
        SysReg::SP_EL1 => (
            |cpu, _| cpu.state.sp_el[1],
            |cpu, _, v| {
                cpu.state.sp_el[1] = v;
                Flow::Next
            },
        ),
        SysReg::SP_EL2 => (
            |cpu, _| cpu.state.sp_el[2],
            |cpu, _, v| {
                cpu.state.sp_el[2] = v;
                Flow::Next
            },
        ),
        _ => return None,
    };
    let view = match r {
        SysReg::NZCV => Some(View::NZCV),
        SysReg::DAIF => Some(View::DAIF),
        SysReg::SPSel => Some(View::SPSEL),
        SysReg::SP_EL0 => Some(View::banked_sp(0)),
        SysReg::SP_EL1 => Some(View::banked_sp(1)),
        SysReg::SP_EL2 => Some(View::banked_sp(2)),
        _ => None,
    };
    let stores = matches!(r, SysReg::SP_EL0 | SysReg::SP_EL1 | SysReg::SP_EL2);
    Some(Behaviour { view, stores, ..Behaviour::new(read, write) })
}

fn flag(on: bool, bit: u8) -> u64 {
    u64::from(on) << bit
}

fn changed(cpu: &mut Vcpu) -> Flow {
    cpu.pstate_changed();
    Flow::Sync
}

/// A guest hypervisor at EL1 is told that it runs at EL2 (R_GFLDX).
fn current_el(cpu: &mut Vcpu, _: SysReg) -> u64 {
    let virtual_el2 = cpu.el() == 1 && cpu.has(Feature::FEAT_NV) && hcr_el2::NV.is_set(cpu.hcr());
    u64::from(if virtual_el2 { 2 } else { cpu.el() }) << 2
}

/// Kernels save and restore interrupt masks this way all the time: only a change of D concerns anything
/// that is derived, and only what is unmasked can be taken.
fn write_daif(cpu: &mut Vcpu, _: SysReg, value: u64) -> Flow {
    let (old, new) = (cpu.state.pstate.daif, (value >> 6 & 0xf) as u8);
    cpu.state.pstate.daif = new;
    if (old ^ new) & PState::D != 0 {
        return changed(cpu);
    }
    if old & !new != 0 { Flow::Sync } else { Flow::Next }
}

fn write_spsel(cpu: &mut Vcpu, _: SysReg, value: u64) -> Flow {
    cpu.bank_sp();
    cpu.state.pstate.spsel = value & 1 != 0;
    cpu.unbank_sp();
    changed(cpu)
}
