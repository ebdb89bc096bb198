//! Data and instruction cache maintenance, and DC ZVA.
//!
//! There are no caches: what is left of maintenance by address is its faults. Decoded code is made stale by stores;
//! IC IVAU does it again for code that another CPU decoded while the store was on its way.

use droste_arch::fields::{ctr_el0, dczid_el0};
use droste_arch::sysreg::{SysInsn, SysReg};

use super::access::Access;
use super::fault::{Fault, FaultKind};
use super::registers::Physical;
use super::walk::{self, Kind, Request};
use crate::cpu::Vcpu;
use crate::interp::Abort;

/// Executes a DC instruction.
pub(crate) fn dc(cpu: &mut Vcpu, insn: SysInsn, xt: u64) -> Result<(), Abort> {
    const ZERO: u8 = 4;
    const INVALIDATE: u8 = 6;
    let encoding = insn.encoding();
    match (encoding.op1(), encoding.crm(), encoding.op2()) {
        (3, ZERO, 1) => zero_block(cpu, xt),
        // Set and way: op2 is even.
        (0, _, 2 | 4 | 6) => Ok(()),
        (0, INVALIDATE, _) => by_address(cpu, xt, Kind::Write),
        _ => by_address(cpu, xt, Kind::Read),
    }
}

/// Executes an IC instruction.
pub(crate) fn ic(cpu: &mut Vcpu, insn: SysInsn, xt: u64) -> Result<(), Abort> {
    let by_va = insn.encoding().op1() == 3;
    if !by_va {
        return Ok(());
    }
    by_address(cpu, xt, Kind::Read)?;
    let (regime, privilege) = (cpu.tlb.current(), cpu.tlb.privilege(false));
    let found = cpu.translate(regime, xt, Kind::Read, privilege);
    if let Some(host) = found.ok().and_then(|entry| entry.host(xt)) {
        cpu.note_write(host, 1);
    }
    Ok(())
}

/// Faults as maintenance of an address does: permissions matter to EL0, and to invalidation, which may lose data.
fn by_address(cpu: &mut Vcpu, va: u64, kind: Kind) -> Result<(), Abort> {
    let (regime, privilege) = (cpu.tlb.current(), cpu.tlb.privilege(false));
    let found = if kind == Kind::Read {
        cpu.translate(regime, va, kind, privilege).map(|_| ())
    } else {
        let request = Request { update: false, ..Request::new(kind, privilege) };
        let (config, tables) = cpu.tlb.walk_inputs(regime);
        walk::translate(&Physical::of(&cpu.machine), config, tables, va, request).map(|_| ())
    };
    match found {
        Err(fault) if fault.kind == FaultKind::Permission && kind == Kind::Read && cpu.el() != 0 => {
            let walk = fault.stage2.is_some_and(|stage2| stage2.table_walk);
            if walk { Err(cpu.data_abort(va, fault, Access::MAINTENANCE)) } else { Ok(()) }
        }
        Err(fault) => Err(cpu.data_abort(va, fault, Access::MAINTENANCE)),
        // Of all maintenance, watchpoints only watch what may lose data.
        Ok(()) if kind == Kind::Write => {
            let line = 4_u64 << ctr_el0::DminLine.get(cpu.sys(SysReg::CTR_EL0));
            cpu.check_watchpoints(va & !(line - 1), line, true, Access::MAINTENANCE)
        }
        Ok(()) => Ok(()),
    }
}

/// DC ZVA (AArch64.MemZero). A block never crosses a page, so one look-up serves it.
fn zero_block(cpu: &mut Vcpu, va: u64) -> Result<(), Abort> {
    let size = 4_u64 << dczid_el0::BS.get(cpu.sys(SysReg::DCZID_EL0));
    let entry = cpu.data_entry(va, Kind::Write, Access::DC_ZVA)?;
    if entry.is_device() {
        let fault = Fault::stage1(FaultKind::Alignment, 0, true);
        return Err(cpu.data_abort(va, fault, Access::DC_ZVA));
    }
    let start = va & !(size - 1);
    cpu.check_watchpoints(start, size, true, Access::DC_ZVA)?;
    if let Some(host) = entry.host(start) {
        host.fill(size, 0);
        cpu.note_write(host, size);
        return Ok(());
    }
    (start..start + size).step_by(4).try_for_each(|word| cpu.store(word, 0_u32, Access::DC_ZVA))
}
