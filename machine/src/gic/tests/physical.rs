//! SGIs, PPIs, SPIs and the physical CPU interface.

use super::*;

const SPI: u32 = 40;

#[test]
fn identification_is_that_of_a_gicv3_with_its() {
    let board = Board::new();
    let (gicd, gicr) = (board.distributor(), board.redistributors());
    assert_eq!(gicd.read(0xffe8, 4) >> 4 & 0xf, 3);
    let typer = gicd.read(4, 4);
    assert_eq!(typer & 0x1f, 8, "INTIDs up to 287");
    assert_eq!((typer >> 17 & 1, typer >> 19 & 0x1f), (1, 15));
    assert_eq!(gicd.read(0, 4), 0x53, "ARE and DS are one");
    assert_eq!(gicr.read(8, 8), 1);
    assert_eq!(gicr.read(REDISTRIBUTOR_BYTES + 8, 8), 1 << 32 | 1 << 8 | 1 << 4 | 1, "the last one");
    assert_eq!(gicr.read(REDISTRIBUTOR_BYTES + 12, 4), 1);
    assert_eq!(gicr.read(2 * REDISTRIBUTOR_BYTES + 8, 8), 0);
}

#[test]
fn reserved_registers_read_as_zero_and_ignore_writes() {
    let board = Board::new();
    let gicd = board.distributor();
    for offset in [0xc, 0x40, 0x80, 0x100, 0x800, 0xd00, 0xf00, 0x6000, 0x4000] {
        gicd.write(offset, 4, !0);
        assert_eq!(gicd.read(offset, 4), 0, "{offset:#x}");
    }
    gicd.write(0x104, 2, !0);
    assert_eq!(gicd.read(0x104, 4), 0, "half-words are no access");
}

#[test]
fn sgi_reaches_the_other_cpu_and_wakes_it() {
    let mut board = Board::new();
    board.enable_private(1, 3, 0x80);
    let before = board.wake_count(1);
    board.set(0, SysReg::ICC_SGI1R_EL1, 3 << 24 | 1 << 1);
    assert_eq!(board.wake_count(1), before + 1);
    assert_eq!((board.pins(0), board.pins(1)), (0, IrqPins::IRQ));
    assert_eq!(board.get(1, SysReg::ICC_IAR1_EL1), 3);
    assert_eq!(board.pins(1), 0);
    assert_eq!(board.get(1, SysReg::ICC_RPR_EL1), 0x80);
    board.set(1, SysReg::ICC_EOIR1_EL1, 3);
    assert_eq!(board.get(1, SysReg::ICC_RPR_EL1), 0xff);
    assert_eq!(board.get(1, SysReg::ICC_IAR1_EL1), 1023);
}

#[test]
fn sgi_to_all_but_self_leaves_the_sender_alone() {
    let mut board = Board::new();
    board.enable_private(0, 3, 0x80);
    board.enable_private(1, 3, 0x80);
    board.set(0, SysReg::ICC_SGI1R_EL1, 3 << 24 | 1 << 40);
    assert_eq!((board.pins(0), board.pins(1)), (0, IrqPins::IRQ));
}

#[test]
fn sgi_of_the_wrong_group_is_not_generated() {
    let mut board = Board::new();
    board.enable_private(1, 3, 0x80);
    board.set(0, SysReg::ICC_SGI0R_EL1, 3 << 24 | 1 << 1);
    assert_eq!(board.pins(1), 0);
}

#[test]
fn sgi_to_self_is_pending_at_once() {
    let mut board = Board::new();
    board.enable_private(0, 3, 0x80);
    board.set(0, SysReg::ICC_SGI1R_EL1, 3 << 24 | 1);
    assert_eq!(board.gic.pins(0).load(), IrqPins::IRQ);
}

#[test]
fn group_0_interrupt_is_an_fiq_and_acknowledged_by_iar0() {
    let mut board = Board::new();
    board.enable_spi(SPI, 0x80);
    board.distributor().write(0x84, 4, 0);
    board.gic.set_level(SPI, true);
    assert_eq!(board.pins(0), IrqPins::FIQ);
    assert_eq!(board.get(0, SysReg::ICC_IAR1_EL1), 1023);
    assert_eq!(board.get(0, SysReg::ICC_HPPIR0_EL1), u64::from(SPI));
    assert_eq!(board.get(0, SysReg::ICC_IAR0_EL1), u64::from(SPI));
    board.set(0, SysReg::ICC_EOIR1_EL1, u64::from(SPI));
    assert_eq!(board.get(0, SysReg::ICC_RPR_EL1), 0x80, "the other group's register ends nothing");
}

#[test]
fn level_spi_stays_pending_until_lowered() {
    let mut board = Board::new();
    board.enable_spi(SPI, 0x80);
    board.gic.set_level(SPI, true);
    assert_eq!(board.pins(0), IrqPins::IRQ);
    assert_eq!(board.get(0, SysReg::ICC_IAR1_EL1), u64::from(SPI));
    assert_eq!(board.pins(0), 0, "active");
    board.set(0, SysReg::ICC_EOIR1_EL1, u64::from(SPI));
    assert_eq!(board.pins(0), IrqPins::IRQ, "the line is still high");
    assert_eq!(board.get(0, SysReg::ICC_IAR1_EL1), u64::from(SPI));
    board.gic.set_level(SPI, false);
    board.set(0, SysReg::ICC_EOIR1_EL1, u64::from(SPI));
    assert_eq!(board.pins(0), 0);
}

#[test]
fn edge_spi_is_signalled_once_for_each_edge() {
    let mut board = Board::new();
    board.enable_spi(SPI, 0x80);
    board.distributor().write(0xc08, 4, 2 << ((SPI % 16) * 2));
    board.gic.set_level(SPI, true);
    board.gic.set_level(SPI, false);
    assert_eq!(board.get(0, SysReg::ICC_IAR1_EL1), u64::from(SPI));
    board.set(0, SysReg::ICC_EOIR1_EL1, u64::from(SPI));
    assert_eq!(board.pins(0), 0);
}

#[test]
fn eoi_mode_1_splits_priority_drop_and_deactivation() {
    let mut board = Board::new();
    board.enable_spi(SPI, 0x80);
    board.set(0, SysReg::ICC_CTLR_EL1, 2);
    board.gic.set_level(SPI, true);
    assert_eq!(board.get(0, SysReg::ICC_IAR1_EL1), u64::from(SPI));
    board.set(0, SysReg::ICC_EOIR1_EL1, u64::from(SPI));
    assert_eq!(board.get(0, SysReg::ICC_RPR_EL1), 0xff);
    assert_eq!(board.distributor().read(0x304, 4), 1 << (SPI % 32), "still active");
    assert_eq!(board.pins(0), 0);
    board.set(0, SysReg::ICC_DIR_EL1, u64::from(SPI));
    assert_eq!(board.distributor().read(0x304, 4), 0);
    assert_eq!(board.pins(0), IrqPins::IRQ);
}

#[test]
fn higher_priority_preempts_and_equal_does_not() {
    let mut board = Board::new();
    board.enable_spi(SPI, 0x80);
    board.enable_spi(SPI + 1, 0x80);
    board.enable_spi(SPI + 2, 0x40);
    board.gic.set_level(SPI, true);
    board.gic.set_level(SPI + 1, true);
    assert_eq!(board.get(0, SysReg::ICC_IAR1_EL1), u64::from(SPI));
    assert_eq!(board.pins(0), 0);
    board.gic.set_level(SPI + 2, true);
    assert_eq!(board.pins(0), IrqPins::IRQ);
    assert_eq!(board.get(0, SysReg::ICC_IAR1_EL1), u64::from(SPI + 2));
    assert_eq!(board.get(0, SysReg::ICC_RPR_EL1), 0x40);
    assert_eq!(board.get(0, SysReg::ICC_AP1R0_EL1), 1 << 8 | 1 << 16);
    board.gic.set_level(SPI + 2, false);
    board.set(0, SysReg::ICC_EOIR1_EL1, u64::from(SPI + 2));
    assert_eq!(board.get(0, SysReg::ICC_RPR_EL1), 0x80);
    assert_eq!(board.get(0, SysReg::ICC_IAR1_EL1), 1023);
}

#[test]
fn binary_point_decides_what_preempts() {
    for (binary_point, pins) in [(4, IrqPins::IRQ), (5, 0)] {
        let mut board = Board::new();
        board.enable_spi(SPI, 0x90);
        board.enable_spi(SPI + 1, 0x80);
        board.set(0, SysReg::ICC_BPR1_EL1, 0);
        assert_eq!(board.get(0, SysReg::ICC_BPR1_EL1), 3, "the least value");
        board.set(0, SysReg::ICC_BPR1_EL1, binary_point);
        board.gic.set_level(SPI, true);
        assert_eq!(board.get(0, SysReg::ICC_IAR1_EL1), u64::from(SPI));
        board.gic.set_level(SPI + 1, true);
        assert_eq!(board.pins(0), pins, "bits 7:{binary_point} are the group priority");
    }
}

#[test]
fn common_binary_point_shows_one_more_in_bpr1() {
    let mut board = Board::new();
    board.set(0, SysReg::ICC_BPR0_EL1, 5);
    board.set(0, SysReg::ICC_CTLR_EL1, 1);
    assert_eq!(board.get(0, SysReg::ICC_BPR1_EL1), 6);
    board.set(0, SysReg::ICC_BPR1_EL1, 3);
    assert_eq!(board.get(0, SysReg::ICC_BPR1_EL1), 6);
}

#[test]
fn priority_mask_holds_interrupts_back() {
    let mut board = Board::new();
    board.enable_spi(SPI, 0x80);
    board.set(0, SysReg::ICC_PMR_EL1, 0x80);
    board.gic.set_level(SPI, true);
    assert_eq!(board.pins(0), 0);
    assert_eq!(board.get(0, SysReg::ICC_IAR1_EL1), 1023);
    board.set(0, SysReg::ICC_PMR_EL1, 0x8f);
    assert_eq!(board.get(0, SysReg::ICC_PMR_EL1), 0x88, "five bits");
    assert_eq!(board.pins(0), IrqPins::IRQ);
}

#[test]
fn group_disabled_in_the_cpu_interface_does_not_hide_the_other() {
    let mut board = Board::new();
    board.enable_spi(SPI, 0x40);
    board.enable_spi(SPI + 1, 0x80);
    board.distributor().write(0x84, 4, 1 << ((SPI + 1) % 32));
    board.gic.set_level(SPI, true);
    board.gic.set_level(SPI + 1, true);
    assert_eq!(board.pins(0), IrqPins::FIQ);
    board.set(0, SysReg::ICC_IGRPEN0_EL1, 0);
    assert_eq!(board.pins(0), IrqPins::IRQ);
}

#[test]
fn route_selects_the_cpu_and_unknown_affinities_get_nothing() {
    let mut board = Board::new();
    board.enable_spi(SPI, 0x80);
    board.gic.set_level(SPI, true);
    assert_eq!((board.pins(0), board.pins(1)), (IrqPins::IRQ, 0));
    let route = 0x6000 + u64::from(SPI) * 8;
    board.distributor().write(route, 8, 1);
    assert_eq!((board.pins(0), board.pins(1)), (0, IrqPins::IRQ));
    board.distributor().write(route, 8, 0x100);
    assert_eq!((board.pins(0), board.pins(1)), (0, 0));
    assert_eq!(board.distributor().read(route, 8), 0x100);
}

#[test]
fn route_to_any_cpu_goes_to_the_first_that_is_awake() {
    let mut board = Board::new();
    board.enable_spi(SPI, 0x80);
    board.distributor().write(0x6000 + u64::from(SPI) * 8, 8, 1 << 31);
    board.gic.set_level(SPI, true);
    assert_eq!(board.redistributors().read(0x14, 4), 6, "asleep after reset");
    board.redistributors().write(REDISTRIBUTOR_BYTES + 0x14, 4, 0);
    assert_eq!((board.pins(0), board.pins(1)), (0, IrqPins::IRQ));
    board.redistributors().write(0x14, 4, 0);
    assert_eq!((board.pins(0), board.pins(1)), (IrqPins::IRQ, 0));
}

#[test]
fn ppi_is_private_to_its_cpu() {
    let mut board = Board::new();
    board.enable_private(0, 27, 0x80);
    board.enable_private(1, 27, 0x80);
    board.gic.set_ppi(1, 27, true);
    assert_eq!((board.pins(0), board.pins(1)), (0, IrqPins::IRQ));
    assert_eq!(board.redistributors().read(REDISTRIBUTOR_BYTES + 0x1_0200, 4), 1 << 27);
    board.gic.set_ppi(1, 27, false);
    assert_eq!(board.pins(1), 0);
}

#[test]
fn disabling_the_distributor_group_withdraws_the_interrupt() {
    let mut board = Board::new();
    board.enable_spi(SPI, 0x80);
    board.gic.set_level(SPI, true);
    assert_eq!(board.pins(0), IrqPins::IRQ);
    board.distributor().write(0, 4, 0x11);
    assert_eq!(board.pins(0), 0);
}

#[test]
fn snapshot_restores_pending_and_active_interrupts() {
    let mut board = Board::new();
    board.enable_spi(SPI, 0x80);
    board.enable_spi(SPI + 1, 0x40);
    board.gic.set_level(SPI, true);
    board.get(0, SysReg::ICC_IAR1_EL1);
    board.gic.set_level(SPI + 1, true);
    let (gic, cpu) = (board.gic.snapshot(), board.cpus[0].state().clone());

    let mut other = Board::new();
    other.gic.restore(&gic);
    other.cpus[0].restore(&cpu);
    assert_eq!(other.pins(0), IrqPins::IRQ);
    assert_eq!(other.get(0, SysReg::ICC_RPR_EL1), 0x80);
    assert_eq!(other.get(0, SysReg::ICC_IAR1_EL1), u64::from(SPI + 1));
}

#[test]
fn sgis_between_threads_are_never_lost() {
    const ROUNDS: u32 = 20_000;
    let board = Board::new();
    board.enable_private(0, 3, 0x80);
    board.enable_private(1, 3, 0x80);
    std::thread::scope(|scope| {
        for (index, mut cpu) in (0..).zip(board.cpus) {
            let pins = board.gic.pins(index).clone();
            scope.spawn(move || {
                let send = |cpu: &mut CpuInterface| {
                    cpu.write(SysReg::ICC_SGI1R_EL1, 3 << 24 | 1 << (1 - index));
                };
                if index == 0 {
                    send(&mut cpu);
                }
                for _ in 0..ROUNDS {
                    while pins.load() & IrqPins::IRQ == 0 {
                        if pins.load() & IrqPins::ATTENTION != 0 {
                            cpu.refresh();
                        } else {
                            std::thread::yield_now();
                        }
                    }
                    assert_eq!(cpu.read(SysReg::ICC_IAR1_EL1), 3);
                    cpu.write(SysReg::ICC_EOIR1_EL1, 3);
                    send(&mut cpu);
                }
            });
        }
    });
}
