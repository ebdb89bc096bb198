//! List registers, ICV_* and the maintenance interrupt.

use super::*;

const MAINTENANCE: u32 = 25;

/// A list register: pending, Group 1.
const PENDING: u64 = 1 << 62 | 1 << 60;
const ACTIVE: u64 = 1 << 63;
const STATE: u64 = 3 << 62;
const HW: u64 = 1 << 61;
const EOI: u64 = 1 << 41;

/// ICH_HCR_EL2 bits.
const EN: u64 = 1;
const UIE: u64 = 2;
const LRENPIE: u64 = 4;
const NPIE: u64 = 8;

fn lr(intid: u64, priority: u64) -> u64 {
    PENDING | priority << 48 | intid
}

/// A board whose CPU 0 has a virtual interface with both groups enabled and nothing masked.
fn board() -> Board {
    let mut board = Board::new();
    board.set(0, SysReg::ICH_VMCR_EL2, 0xf8 << 24 | 3);
    board.set(0, SysReg::ICH_HCR_EL2, EN);
    board.enable_private(0, MAINTENANCE, 0x40);
    board
}

/// Whether the maintenance interrupt of CPU 0 is pending.
fn maintenance(board: &Board) -> bool {
    board.redistributors().read(0x1_0200, 4) >> MAINTENANCE & 1 != 0
}

#[test]
fn list_register_goes_from_pending_to_active_to_free() {
    let mut board = board();
    assert_eq!(board.get(0, SysReg::ICH_ELRSR_EL2), 0xf);
    board.set(0, SysReg::ICH_LR1_EL2, lr(40, 0x80));
    assert_eq!(board.gic.pins(0).load(), IrqPins::VIRQ);
    assert_eq!(board.get(0, SysReg::ICH_ELRSR_EL2), 0xd);
    assert_eq!(board.get(0, SysReg::ICV_HPPIR1_EL1), 40);
    assert_eq!(board.get(0, SysReg::ICV_IAR1_EL1), 40);
    assert_eq!(board.gic.pins(0).load(), 0);
    assert_eq!(board.get(0, SysReg::ICH_LR1_EL2) & STATE, ACTIVE);
    assert_eq!(board.get(0, SysReg::ICV_RPR_EL1), 0x80);
    assert_eq!(board.get(0, SysReg::ICH_AP1R0_EL2), 1 << 16);
    board.set(0, SysReg::ICV_EOIR1_EL1, 40);
    assert_eq!(board.get(0, SysReg::ICH_LR1_EL2) & STATE, 0);
    assert_eq!(board.get(0, SysReg::ICV_RPR_EL1), 0xff);
    assert_eq!(board.get(0, SysReg::ICH_ELRSR_EL2), 0xf);
}

#[test]
fn pending_and_active_interrupt_is_signalled_again_after_its_end() {
    let mut board = board();
    board.set(0, SysReg::ICH_LR0_EL2, lr(40, 0x80));
    board.get(0, SysReg::ICV_IAR1_EL1);
    board.set(0, SysReg::ICH_LR0_EL2, lr(40, 0x80) | ACTIVE);
    assert_eq!(board.gic.pins(0).load(), 0);
    board.set(0, SysReg::ICV_EOIR1_EL1, 40);
    assert_eq!(board.gic.pins(0).load(), IrqPins::VIRQ);
    assert_eq!(board.get(0, SysReg::ICH_LR0_EL2), lr(40, 0x80));
}

#[test]
fn hardware_list_register_deactivates_the_physical_interrupt() {
    let mut board = board();
    board.enable_private(0, 27, 0x80);
    board.set(0, SysReg::ICC_CTLR_EL1, 2);
    board.gic.set_ppi(0, 27, true);
    assert_eq!(board.get(0, SysReg::ICC_IAR1_EL1), 27);
    board.set(0, SysReg::ICC_EOIR1_EL1, 27);
    board.set(0, SysReg::ICH_LR0_EL2, lr(27, 0x80) | HW | 27 << 32);
    assert_eq!(board.get(0, SysReg::ICV_IAR1_EL1), 27);
    let active = 0x1_0300;
    assert_eq!(board.redistributors().read(active, 4), 1 << 27);
    assert_eq!(board.gic.pins(0).load(), 0);
    board.set(0, SysReg::ICV_EOIR1_EL1, 27);
    assert_eq!(board.redistributors().read(active, 4), 0);
    assert_eq!(board.gic.pins(0).load(), IrqPins::IRQ, "its line is still high");
}

#[test]
fn disabled_interface_signals_nothing() {
    let mut board = board();
    board.set(0, SysReg::ICH_HCR_EL2, 0);
    board.set(0, SysReg::ICH_LR0_EL2, lr(40, 0x80));
    assert_eq!(board.gic.pins(0).load(), 0);
    assert_eq!(board.get(0, SysReg::ICV_IAR1_EL1), 1023);
    board.set(0, SysReg::ICH_HCR_EL2, EN);
    assert_eq!(board.gic.pins(0).load(), IrqPins::VIRQ);
}

#[test]
fn group_0_is_a_virtual_fiq() {
    let mut board = board();
    board.set(0, SysReg::ICH_LR0_EL2, lr(40, 0x80) & !(1 << 60));
    assert_eq!(board.gic.pins(0).load(), IrqPins::VFIQ);
    assert_eq!(board.get(0, SysReg::ICV_IAR1_EL1), 1023);
    assert_eq!(board.get(0, SysReg::ICV_IAR0_EL1), 40);
    assert_eq!(board.get(0, SysReg::ICH_AP0R0_EL2), 1 << 16);
}

#[test]
fn virtual_priority_mask_and_preemption_select_the_interrupt() {
    let mut board = board();
    board.set(0, SysReg::ICH_LR0_EL2, lr(40, 0x80));
    board.set(0, SysReg::ICV_PMR_EL1, 0x80);
    assert_eq!(board.gic.pins(0).load(), 0);
    board.set(0, SysReg::ICV_PMR_EL1, 0xf0);
    assert_eq!(board.get(0, SysReg::ICH_VMCR_EL2) >> 24, 0xf0);
    assert_eq!(board.get(0, SysReg::ICV_IAR1_EL1), 40);
    board.set(0, SysReg::ICH_LR1_EL2, lr(41, 0x80));
    assert_eq!(board.gic.pins(0).load(), 0, "equal priority does not preempt");
    board.set(0, SysReg::ICH_LR2_EL2, lr(42, 0x40));
    assert_eq!(board.get(0, SysReg::ICV_IAR1_EL1), 42);
    board.set(0, SysReg::ICV_EOIR1_EL1, 42);
    assert_eq!(board.get(0, SysReg::ICV_RPR_EL1), 0x80);
    board.set(0, SysReg::ICV_EOIR1_EL1, 40);
    assert_eq!(board.gic.pins(0).load(), IrqPins::VIRQ);
}

#[test]
fn guest_binary_points_live_in_vmcr() {
    let mut board = board();
    board.set(0, SysReg::ICV_BPR0_EL1, 0);
    board.set(0, SysReg::ICV_BPR1_EL1, 0);
    assert_eq!(board.get(0, SysReg::ICV_BPR0_EL1), 2);
    assert_eq!(board.get(0, SysReg::ICV_BPR1_EL1), 3);
    board.set(0, SysReg::ICV_CTLR_EL1, 1);
    assert_eq!(board.get(0, SysReg::ICH_VMCR_EL2) & 1 << 4, 1 << 4);
    assert_eq!(board.get(0, SysReg::ICV_BPR1_EL1), 3, "VBPR0 + 1");
    board.set(0, SysReg::ICV_BPR0_EL1, 7);
    assert_eq!(board.get(0, SysReg::ICV_BPR1_EL1), 7);
    assert_eq!(board.get(0, SysReg::ICV_CTLR_EL1) >> 8 & 7, 4);
}

#[test]
fn eoi_mode_1_leaves_deactivation_to_dir() {
    let mut board = board();
    board.set(0, SysReg::ICV_CTLR_EL1, 2);
    board.set(0, SysReg::ICH_LR0_EL2, lr(40, 0x80));
    board.get(0, SysReg::ICV_IAR1_EL1);
    board.set(0, SysReg::ICV_EOIR1_EL1, 40);
    assert_eq!(board.get(0, SysReg::ICH_LR0_EL2) & STATE, ACTIVE);
    assert_eq!(board.get(0, SysReg::ICV_RPR_EL1), 0xff);
    board.set(0, SysReg::ICV_DIR_EL1, 40);
    assert_eq!(board.get(0, SysReg::ICH_LR0_EL2) & STATE, 0);
    board.set(0, SysReg::ICV_DIR_EL1, 41);
    assert_eq!(board.get(0, SysReg::ICH_HCR_EL2) >> 27, 1, "no list register had it");
}

#[test]
fn virtual_lpi_has_no_active_state() {
    let mut board = board();
    board.set(0, SysReg::ICH_LR0_EL2, lr(8200, 0x80));
    assert_eq!(board.get(0, SysReg::ICV_IAR1_EL1), 8200);
    assert_eq!(board.get(0, SysReg::ICH_LR0_EL2) & STATE, 0);
    assert_eq!(board.get(0, SysReg::ICV_RPR_EL1), 0x80);
    board.set(0, SysReg::ICV_EOIR1_EL1, 8200);
    assert_eq!(board.get(0, SysReg::ICV_RPR_EL1), 0xff);
    assert_eq!(board.get(0, SysReg::ICH_HCR_EL2), EN, "not counted");
}

#[test]
fn end_of_interrupt_without_list_register_is_counted() {
    let mut board = board();
    board.set(0, SysReg::ICH_HCR_EL2, EN | LRENPIE);
    board.set(0, SysReg::ICV_EOIR1_EL1, 40);
    assert_eq!(board.get(0, SysReg::ICH_HCR_EL2) >> 27, 0, "nothing was active");
    board.set(0, SysReg::ICH_AP1R0_EL2, 1 << 16);
    board.set(0, SysReg::ICV_EOIR1_EL1, 40);
    assert_eq!(board.get(0, SysReg::ICH_HCR_EL2) >> 27, 1);
    assert_eq!(board.get(0, SysReg::ICH_MISR_EL2), 1 << 2);
    assert!(maintenance(&board));
    assert_eq!(board.gic.pins(0).load(), IrqPins::IRQ);
    board.set(0, SysReg::ICH_HCR_EL2, EN | LRENPIE);
    assert!(!maintenance(&board));
    assert_eq!(board.gic.pins(0).load(), 0);
}

#[test]
fn underflow_interrupt_comes_with_at_most_one_valid_register() {
    let mut board = board();
    board.set(0, SysReg::ICH_LR0_EL2, lr(40, 0x80));
    board.set(0, SysReg::ICH_LR1_EL2, lr(41, 0x88));
    board.set(0, SysReg::ICH_HCR_EL2, EN | UIE);
    assert!(!maintenance(&board));
    board.get(0, SysReg::ICV_IAR1_EL1);
    assert!(!maintenance(&board), "active is valid too");
    board.set(0, SysReg::ICV_EOIR1_EL1, 40);
    assert!(maintenance(&board));
    assert_eq!(board.get(0, SysReg::ICH_MISR_EL2), 1 << 1);
    board.set(0, SysReg::ICH_HCR_EL2, UIE);
    assert!(!maintenance(&board), "the interface is disabled");
}

#[test]
fn no_pending_interrupt_comes_when_the_last_is_acknowledged() {
    let mut board = board();
    board.set(0, SysReg::ICH_LR0_EL2, lr(40, 0x80));
    board.set(0, SysReg::ICH_HCR_EL2, EN | NPIE);
    assert!(!maintenance(&board));
    board.get(0, SysReg::ICV_IAR1_EL1);
    assert!(maintenance(&board));
    assert_eq!(board.get(0, SysReg::ICH_MISR_EL2), 1 << 3);
}

#[test]
fn eoi_flag_reports_the_end_of_the_interrupt() {
    let mut board = board();
    board.set(0, SysReg::ICH_LR2_EL2, lr(40, 0x80) | EOI);
    board.get(0, SysReg::ICV_IAR1_EL1);
    assert!(!maintenance(&board));
    board.set(0, SysReg::ICV_EOIR1_EL1, 40);
    assert_eq!(board.get(0, SysReg::ICH_EISR_EL2), 1 << 2);
    assert_eq!(board.get(0, SysReg::ICH_ELRSR_EL2), 0xb);
    assert_eq!(board.get(0, SysReg::ICH_MISR_EL2), 1);
    assert!(maintenance(&board));
    board.set(0, SysReg::ICH_LR2_EL2, 0);
    assert!(!maintenance(&board));
}

#[test]
fn group_enable_and_disable_are_reported() {
    let mut board = board();
    for (enable, group, on, misr) in [
        (1 << 4, SysReg::ICV_IGRPEN0_EL1, 1, 1 << 4),
        (1 << 5, SysReg::ICV_IGRPEN0_EL1, 0, 1 << 5),
        (1 << 6, SysReg::ICV_IGRPEN1_EL1, 1, 1 << 6),
        (1 << 7, SysReg::ICV_IGRPEN1_EL1, 0, 1 << 7),
    ] {
        board.set(0, SysReg::ICH_HCR_EL2, EN | enable);
        board.set(0, group, 1 - on);
        assert!(!maintenance(&board), "{misr:#x}");
        board.set(0, group, on);
        assert_eq!(board.get(0, group), on);
        assert_eq!(board.get(0, SysReg::ICH_MISR_EL2), misr);
        assert!(maintenance(&board), "{misr:#x}");
    }
}

#[test]
fn type_register_tells_four_list_registers_and_five_priority_bits() {
    let mut board = board();
    let vtr = board.get(0, SysReg::ICH_VTR_EL2);
    assert_eq!((vtr & 0x1f, vtr >> 29, vtr >> 26 & 7, vtr >> 23 & 7), (3, 4, 4, 0));
    board.set(0, SysReg::ICH_LR3_EL2, !0);
    assert_eq!(board.get(0, SysReg::ICH_LR3_EL2), 0xf0f8_1fff_0000_ffff);
}
