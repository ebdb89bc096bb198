//! Address translation instructions: AArch64.AT and PAR_EL1.

use droste_arch::fields::par_el1;
use droste_arch::sysreg::{SysInsn, SysReg};

use super::access::Access;
use super::fault::Fault;
use super::registers::Physical;
use super::walk::{self, Attributes, Kind, Privilege, Regime, Request, Translation};
use crate::cpu::Vcpu;
use crate::interp::Abort;

/// What an AT instruction asks.
#[derive(Debug, Clone, Copy)]
struct Query {
    regime: Regime,
    both_stages: bool,
    kind: Kind,
    privilege: Privilege,
    check: bool,
}

/// Executes an AT instruction: the result goes to PAR_EL1, unless the walk itself failed in a way that is an exception.
pub(crate) fn at(cpu: &mut Vcpu, insn: SysInsn, va: u64) -> Result<(), Abort> {
    let query = decode(cpu, insn);
    cpu.resolve_regime(query.regime);
    let request = Request { update: false, check: query.check, ..Request::new(query.kind, query.privilege) };
    let (config, tables) = cpu.tlb.walk_inputs(query.regime);
    let memory = Physical::of(&cpu.machine);
    let result = if query.both_stages {
        walk::translate(&memory, config, tables, va, request)
    } else {
        walk::translate_stage1(&memory, config, tables, va, request)
    };
    let par = match result {
        Ok(translation) => success(&translation),
        Err(fault) => {
            let walk = fault.stage2.is_some_and(|stage2| stage2.table_walk);
            if fault.kind.is_external() || (cpu.el() == 1 && walk) {
                return Err(cpu.data_abort(va, fault, Access::MAINTENANCE));
            }
            failure(&fault)
        }
    };
    cpu.set_sys(SysReg::PAR_EL1, par);
    Ok(())
}

fn decode(cpu: &Vcpu, insn: SysInsn) -> Query {
    let encoding = insn.encoding();
    let (op1, crm, op2) = (encoding.op1(), encoding.crm(), encoding.op2());
    let host = cpu.el() == 2 && cpu.mode.e2h && cpu.mode.tge;
    let el1 = if host { Regime::El20 } else { Regime::El10 };
    let kind = if op2 & 1 != 0 { Kind::Write } else { Kind::Read };
    let check = !(crm == 9 && op2 == 2);
    let plain = |regime, both_stages, privilege| Query { regime, both_stages, kind, privilege, check };
    match (op1, crm, op2) {
        (4, _, 4 | 5) => plain(Regime::El10, true, Privilege::Privileged),
        (4, _, 6 | 7) => plain(Regime::El10, true, Privilege::User),
        (4, ..) => plain(cpu.el2_regime(), false, Privilege::Privileged),
        (_, 8, 2 | 3) => plain(el1, false, Privilege::User),
        (_, 9, 0 | 1) if cpu.pan_is_effective() => plain(el1, false, Privilege::PrivilegedPan),
        _ => plain(el1, false, Privilege::Privileged),
    }
}

/// PAR_EL1 of a translation, with F = 0.
fn success(translation: &Translation) -> u64 {
    let Attributes { mair, shareability } = translation.attributes;
    let par = translation.pa & 0xf_ffff_ffff_f000 | RES1;
    let par = par_el1::NS.with(par, 1);
    par_el1::ATTR.with(par_el1::SH.with(par, u64::from(shareability)), u64::from(mair))
}

/// PAR_EL1 of a fault, with F = 1.
fn failure(fault: &Fault) -> u64 {
    let par = par_el1::FST.with(RES1 | par_el1::F.mask(), fault.status_code());
    let par = par_el1::DirtyBit.with(par, u64::from(fault.dirty_bit));
    let Some(stage2) = fault.stage2 else {
        return par;
    };
    par_el1::PTW.with(par_el1::S.with(par, 1), u64::from(stage2.table_walk))
}

/// PAR_EL1 bit 11.
const RES1: u64 = 1 << 11;

#[cfg(test)]
mod tests {
    use super::super::fault::{FaultKind, Stage2Fault};
    use super::*;

    #[test]
    fn a_fault_of_stage_2_on_a_table_walk_sets_s_and_ptw() {
        let fault = Fault::stage1(FaultKind::Translation, 3, false);
        assert_eq!(failure(&fault), 0x800 | 0b00_0111 << 1 | 1);
        let stage2 = Some(Stage2Fault { ipa: 0, table_walk: true });
        assert_eq!(failure(&Fault { stage2, ..fault }), 0x800 | 1 << 9 | 1 << 8 | 0b00_0111 << 1 | 1);
    }
}
