//! What bare-metal guests cannot compare with QEMU: levels, locks, masks, and accesses of FEAT_NV2.

use super::watchpoint::{self, Watched};
use super::{breakpoint, registers_changed};
use crate::board::memory_map::RAM_BASE;
use crate::cpu::model::Model;
use crate::cpu::{PState, Vcpu};
use crate::machine::testing::cpus;
use droste_arch::fields::{hcr_el2, mdcr_el2, mdscr_el1, osdlr_el1, oslsr_el1};
use droste_arch::sysreg::SysReg;

const ENABLE: u64 = 1;
const EL1: u64 = 1 << 1;
const EL0: u64 = 2 << 1;
const HMC: u64 = 1 << 13;
const BYTES: u64 = 0xff << 5;
const STORES: u64 = 2 << 3;

/// A CPU at an Exception level with everything enabled and D clear.
fn cpu(el: u8) -> Vcpu {
    let mut cpu = cpus(Model::parse("max").expect("the model exists"), 1).remove(0);
    cpu.state.pc = RAM_BASE;
    cpu.set_sys(SysReg::OSLSR_EL1, 1 << 3);
    cpu.set_sys(SysReg::MDSCR_EL1, mdscr_el1::MDE.mask() | mdscr_el1::KDE.mask());
    cpu.state.pstate = PState { el, daif: 0, ..cpu.state.pstate };
    cpu.context_changed();
    cpu
}

fn set(cpu: &mut Vcpu, r: SysReg, value: u64) {
    cpu.set_sys(r, value);
    cpu.context_changed();
    registers_changed(cpu);
}

/// The EC and target of the breakpoint at the PC.
fn breakpoint(cpu: &mut Vcpu, control: u64) -> Option<(u8, u8)> {
    set(cpu, SysReg::DBGBVR0_EL1, RAM_BASE);
    set(cpu, SysReg::DBGBCR0_EL1, ENABLE | 0xf << 5 | control);
    cpu.mode.breakpoints.then(|| breakpoint::pending(cpu)).flatten().map(|e| (e.ec, e.target))
}

#[test]
fn breakpoints_match_the_levels_that_their_fields_name() {
    let ssc = |n: u64| n << 14;
    let table = [
        // Control, and whether EL0, EL1 and EL2 match.
        (EL1, [false, true, false]),
        (EL0, [true, false, false]),
        (EL0 | EL1, [true, true, false]),
        (HMC | EL1, [false, true, true]),
        (HMC | EL0 | EL1, [true, true, true]),
        (HMC | ssc(1), [false, false, true]),
        (HMC | ssc(3), [false, false, true]),
        (HMC | ssc(3) | EL1, [false, true, true]),
        // Reserved.
        (0, [false; 3]),
        (HMC, [false; 3]),
        (HMC | EL0, [false; 3]),
        (ssc(1) | EL1, [false; 3]),
        (ssc(2) | EL1, [false; 3]),
        (HMC | ssc(2), [false; 3]),
    ];
    for (control, matches) in table {
        for (el, expected) in (0_u8..).zip(matches) {
            let mut cpu = cpu(el);
            set(&mut cpu, SysReg::MDCR_EL2, mdcr_el2::TDE.mask());
            let ec = if el == 2 { 0x31 } else { 0x30 };
            let found = breakpoint(&mut cpu, control);
            assert_eq!(found, expected.then_some((ec, 2)), "{control:#x} at EL{el}");
        }
    }
}

#[test]
fn debug_exceptions_go_to_el1_unless_they_are_routed() {
    assert_eq!(breakpoint(&mut cpu(0), EL0), Some((0x30, 1)));
    assert_eq!(breakpoint(&mut cpu(1), EL1), Some((0x31, 1)));
    assert_eq!(breakpoint(&mut cpu(2), HMC | EL1), None, "EL2 is above EL1");
    let mut host = cpu(0);
    set(&mut host, SysReg::HCR_EL2, hcr_el2::TGE.mask() | hcr_el2::E2H.mask());
    assert_eq!(breakpoint(&mut host, EL0), Some((0x30, 2)));
}

#[test]
fn own_level_needs_kde_and_a_clear_mask() {
    let mut masked = cpu(1);
    masked.state.pstate.daif = PState::D;
    assert_eq!(breakpoint(&mut masked, EL1), None);
    let mut kernel = cpu(1);
    set(&mut kernel, SysReg::MDSCR_EL1, mdscr_el1::MDE.mask());
    assert_eq!(breakpoint(&mut kernel, EL1), None);
    let mut user = cpu(0);
    user.state.pstate.daif = PState::D;
    set(&mut user, SysReg::MDSCR_EL1, mdscr_el1::MDE.mask());
    assert_eq!(breakpoint(&mut user, EL0), Some((0x30, 1)));
}

#[test]
fn locks_forbid_everything() {
    let mut os = cpu(0);
    set(&mut os, SysReg::OSLSR_EL1, 1 << 3 | oslsr_el1::OSLK.mask());
    assert_eq!(breakpoint(&mut os, EL0), None);
    let mut double = cpu(0);
    set(&mut double, SysReg::OSDLR_EL1, osdlr_el1::DLK.mask());
    assert_eq!(breakpoint(&mut double, EL0), None);
    set(&mut double, SysReg::DBGPRCR_EL1, 1);
    assert_eq!(breakpoint(&mut double, EL0), Some((0x30, 1)), "CORENPDRQ = 1");
}

#[test]
fn context_breakpoints_compare_what_their_type_says() {
    let matches = |cpu: &mut Vcpu, bt: u64, value: u64| {
        set(cpu, SysReg::DBGBVR5_EL1, value);
        set(cpu, SysReg::DBGBCR5_EL1, ENABLE | 3 << 1 | HMC | bt << 20);
        breakpoint::pending(cpu).is_some()
    };
    let mut guest = cpu(0);
    set(&mut guest, SysReg::CONTEXTIDR_EL1, 0x11);
    set(&mut guest, SysReg::CONTEXTIDR_EL2, 0x22);
    set(&mut guest, SysReg::VTTBR_EL2, 0x133 << 48);
    for (bt, value, expected) in [
        (0b0010, 0x11, true),
        (0b0010, 0x22, false),
        (0b0011, 0x11, false),
        (0b0110, 0x11, true),
        (0b1000, 0x33 << 32, true),
        (0b1000, 0x34 << 32, false),
        (0b1010, 0x33 << 32 | 0x11, true),
        (0b1010, 0x33 << 32 | 0x12, false),
        (0b1100, 0x22 << 32, true),
        (0b1110, 0x22 << 32 | 0x11, true),
        (0b1110, 0x22 << 32 | 0x12, false),
        (0b0100, 0x11, false),
    ] {
        assert_eq!(matches(&mut guest, bt, value), expected, "BT = {bt:04b}, {value:#x}");
    }
    set(&mut guest, SysReg::VTCR_EL2, droste_arch::fields::vtcr_el2::VS.mask());
    assert!(!matches(&mut guest, 0b1000, 0x33 << 32), "16-bit VMIDs");
    assert!(matches(&mut guest, 0b1000, 0x133 << 32));
    let mut host = cpu(0);
    set(&mut host, SysReg::HCR_EL2, hcr_el2::TGE.mask() | hcr_el2::E2H.mask());
    set(&mut host, SysReg::CONTEXTIDR_EL2, 0x22);
    assert!(matches(&mut host, 0b0010, 0x22), "in the host it is CONTEXTIDR_EL2");
    assert!(!matches(&mut host, 0b0110, 0));
    assert!(!matches(&mut host, 0b1000, 0));
    set(&mut guest, SysReg::DBGBCR5_EL1, 0);
    set(&mut guest, SysReg::DBGBVR0_EL1, 0x11);
    set(&mut guest, SysReg::DBGBCR0_EL1, ENABLE | 3 << 1 | 0b0010 << 20);
    assert!(breakpoint::pending(&guest).is_none(), "only the last two compare contexts");
}

#[test]
fn accesses_of_nv2_are_watched_as_accesses_of_el2() {
    let mut cpu = cpu(1);
    let access = Watched { va: RAM_BASE, size: 8, write: true, user: false, nv2: true, maintenance: false };
    set(&mut cpu, SysReg::DBGWVR0_EL1, RAM_BASE);
    set(&mut cpu, SysReg::DBGWCR0_EL1, ENABLE | HMC | 3 << 14 | STORES | BYTES);
    set(&mut cpu, SysReg::MDCR_EL2, 0);
    assert!(watchpoint::check(&cpu, access).is_none(), "EL2 is above EL1");
    set(&mut cpu, SysReg::MDCR_EL2, mdcr_el2::TDE.mask());
    cpu.state.pstate.daif = PState::D;
    let taken = watchpoint::check(&cpu, access).expect("D does not mask them");
    assert_eq!((taken.target, taken.ec, taken.iss), (2, 0x35, 1 << 13 | 1 << 6 | 0x22));
    assert!(watchpoint::check(&cpu, Watched { nv2: false, ..access }).is_none());
}
