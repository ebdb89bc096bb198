//! PSTATE, hints and barriers.

use super::{RAM, cpu, cpu_with, execute};
use crate::cpu::{PState, Vcpu};
use crate::interp::{Abort, BlockCache, Flow, run};
use droste_arch::feature::Feature;
use droste_arch::fields::sctlr_el1;
use droste_arch::sysreg::SysReg;

fn at_el0() -> Vcpu {
    let mut cpu = cpu();
    cpu.state.pstate.el = 0;
    cpu.state.pstate.spsel = false;
    cpu.context_changed();
    cpu
}

const DAIFSET_I: u32 = 0xd503_42df;
const DAIFCLR_I: u32 = 0xd503_42ff;

#[test]
fn daif_immediates_set_and_clear_the_named_bits() {
    let mut cpu = cpu();
    cpu.state.pstate.daif = PState::D;
    execute(&mut cpu, DAIFSET_I).expect("msr daifset, #2");
    assert_eq!(cpu.state.pstate.daif, PState::D | PState::I);
    assert_eq!(execute(&mut cpu, DAIFCLR_I), Ok(Flow::Sync), "interrupts are looked at");
    assert_eq!(cpu.state.pstate.daif, PState::D);
}

#[test]
fn daif_immediates_at_el0_trap_unless_uma() {
    let mut cpu = at_el0();
    assert_eq!(execute(&mut cpu, DAIFSET_I), Err(Abort));
    assert_eq!((cpu.abort.ec, cpu.abort.target), (0x18, 1));
    // Op0 0, Op2 6, Op1 3, CRn 4, Rt 31, CRm 2, write.
    assert_eq!(cpu.abort.iss, 6 << 17 | 3 << 14 | 4 << 10 | 31 << 5 | 2 << 1);
    cpu.set_sys(SysReg::SCTLR_EL1, sctlr_el1::UMA.mask());
    cpu.context_changed();
    assert_eq!(execute(&mut cpu, DAIFSET_I), Ok(Flow::Next));
}

#[test]
fn stack_pointer_selection_swaps_the_banks() {
    let mut cpu = cpu();
    cpu.state.sp = 0x1110;
    cpu.state.sp_el[0] = 0x2220;
    execute(&mut cpu, 0xd500_40bf).expect("msr spsel, #0");
    assert_eq!((cpu.state.sp, cpu.state.sp_el[1]), (0x2220, 0x1110));
    execute(&mut cpu, 0xd500_41bf).expect("msr spsel, #1");
    assert_eq!(cpu.state.sp, 0x1110);
}

#[test]
fn privileged_pstate_immediates_are_undefined_at_el0_and_without_their_feature() {
    let msr_pan = 0xd500_419f;
    let mut cpu = cpu();
    execute(&mut cpu, msr_pan).expect("msr pan, #1");
    assert!(cpu.state.pstate.pan);
    let mut cpu = at_el0();
    assert_eq!(execute(&mut cpu, msr_pan), Err(Abort));
    assert_eq!(cpu.abort.ec, 0);
    let mut cpu = cpu_with(&[]);
    assert_eq!(execute(&mut cpu, msr_pan), Err(Abort));
}

#[test]
fn pointer_authentication_hints_do_nothing_without_the_feature() {
    let mut cpu = cpu_with(&[]);
    cpu.state.x[30] = 0x1234;
    for word in [0xd503_233f, 0xd503_23bf, 0xd503_20ff, 0xd503_211f] {
        assert_eq!(execute(&mut cpu, word), Ok(Flow::Next));
    }
    assert_eq!(cpu.x(30), 0x1234);
}

#[test]
fn calls_set_btype_only_with_bti() {
    let mut cpu = cpu_with(&[Feature::FEAT_BTI]);
    execute(&mut cpu, 0xd63f_0000).expect("blr x0");
    assert_eq!(cpu.state.pstate.btype, 2);
    let mut cpu = cpu_with(&[]);
    execute(&mut cpu, 0xd63f_0000).expect("blr x0");
    assert_eq!(cpu.state.pstate.btype, 0);
}

#[test]
fn isb_and_context_changes_end_the_block() {
    let mut cpu = cpu();
    assert_eq!(execute(&mut cpu, 0xd503_3fdf), Ok(Flow::Sync), "isb");
    assert_eq!(execute(&mut cpu, 0xd503_3fbf), Ok(Flow::Next), "dmb sy");
}

#[test]
fn exception_generating_instructions_carry_their_immediate() {
    let mut cpu = cpu();
    assert_eq!(execute(&mut cpu, 0xd41f_ffe1), Err(Abort));
    assert_eq!((cpu.abort.ec, cpu.abort.iss, cpu.abort.target), (0x15, 0xffff, 1), "svc #65535");
    assert_eq!(execute(&mut cpu, 0xd400_0022), Err(Abort));
    assert_eq!((cpu.abort.ec, cpu.abort.iss, cpu.abort.target), (0x16, 1, 2), "hvc #1");
    assert_eq!(execute(&mut cpu, 0x0000_0000), Err(Abort));
    assert_eq!(cpu.abort.ec, 0, "udf #0");
}

/// Puts code at RAM and at RAM + 0x1000, executes up to `limit` instructions, and returns the CPU.
fn run_code(features: &[Feature], code: &[(u64, u32)], limit: u64) -> Vcpu {
    let mut cpu = cpu_with(features);
    for (offset, word) in code {
        cpu.machine.ram.write(RAM + offset, *word).expect("code");
    }
    cpu.state.x[0] = RAM + 0x1000;
    run(&mut cpu, &mut BlockCache::default(), limit);
    cpu
}

#[test]
fn branch_type_is_cleared_by_the_first_instruction_at_the_target() {
    let code = [(0, 0xd63f_0000), (0x1000, 0xd503_201f), (0x1004, 0x1400_0000)];
    let cpu = run_code(&[Feature::FEAT_BTI], &code, 1);
    assert_eq!((cpu.state.pc, cpu.state.pstate.btype), (RAM + 0x1000, 2), "blr x0");
    let cpu = run_code(&[Feature::FEAT_BTI], &code, 3);
    assert_eq!((cpu.state.pc, cpu.state.pstate.btype), (RAM + 0x1004, 0));
    assert_eq!(cpu.state.insn_count, 3);
}

#[test]
fn branch_type_is_saved_by_an_exception_of_the_first_instruction() {
    let code = [(0, 0xd63f_0000), (0x1000, 0x0000_0000)];
    let cpu = run_code(&[Feature::FEAT_BTI], &code, 2);
    assert_eq!(cpu.sys(SysReg::SPSR_EL1) >> 10 & 3, 2);
    assert_eq!((cpu.sys(SysReg::ELR_EL1), cpu.state.pstate.btype), (RAM + 0x1000, 0));
}

#[test]
fn branches_at_the_target_leave_their_own_branch_type() {
    let code = [(0, 0xd63f_0000), (0x1000, 0xd65f_03c0), (4, 0x1400_0000)];
    let cpu = run_code(&[Feature::FEAT_BTI], &code, 2);
    assert_eq!((cpu.state.pc, cpu.state.pstate.btype), (RAM + 4, 0), "ret");
}
