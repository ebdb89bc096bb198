//! LPIs, with and through the ITS.

use super::*;

const CONFIG_TABLE: u64 = RAM + 0x1_0000;
const PENDING_TABLES: [u64; 2] = [RAM + 0x3_0000, RAM + 0x5_0000];
const QUEUE: u64 = RAM + 0x8_0000;
const DEVICE_TABLE: u64 = RAM + 0x9_0000;
const COLLECTION_TABLE: u64 = RAM + 0xa_0000;
const DEVICE: u64 = 7;
const LPI: u64 = 8192 + 5;

/// A board with LPIs and an ITS whose collections 0 and 1 are CPUs 0 and 1.
struct ItsBoard {
    board: Board,
    written: u64,
}

impl ItsBoard {
    fn new() -> Self {
        let board = Board::new();
        let gicr = board.redistributors();
        for (cpu, table) in PENDING_TABLES.into_iter().enumerate() {
            let frame = cpu as u64 * REDISTRIBUTOR_BYTES;
            gicr.write(frame + 0x70, 8, CONFIG_TABLE | 15);
            gicr.write(frame + 0x78, 8, table | 1 << 62);
            gicr.write(frame, 4, 1);
        }
        let its = board.its();
        its.write(0x80, 8, 1 << 63 | QUEUE);
        its.write(0x100, 8, 1 << 63 | DEVICE_TABLE);
        its.write(0x108, 8, 1 << 63 | COLLECTION_TABLE);
        its.write(0, 4, 1);
        let mut board = Self { board, written: 0 };
        board.command([0x09, 0, 1 << 63, 0]);
        board.command([0x09, 0, 1 << 63 | 1 << 16 | 1, 0]);
        board.command([DEVICE << 32 | 0x08, 4, 1 << 63 | RAM, 0]);
        board
    }

    /// Puts a command into the queue and lets the ITS execute it.
    fn command(&mut self, words: [u64; 4]) {
        for (index, word) in (0..).zip(words) {
            self.board.ram.write::<u64>(QUEUE + self.written + index * 8, word).unwrap();
        }
        self.written = (self.written + 32) % 4096;
        self.board.its().write(0x88, 8, self.written);
        assert_eq!(self.board.its().read(0x90, 8), self.written, "executed");
    }

    fn configure(&self, lpi: u64, byte: u8) {
        self.board.ram.write::<u8>(CONFIG_TABLE + lpi - 8192, byte).unwrap();
    }

    fn map(&mut self, event: u64, lpi: u64, collection: u64) {
        self.command([DEVICE << 32 | 0x0a, lpi << 32 | event, collection, 0]);
    }
}

#[test]
fn msi_becomes_an_lpi_of_the_mapped_cpu() {
    let mut its = ItsBoard::new();
    its.configure(LPI, 0xa1);
    its.map(3, LPI, 1);
    its.board.gic.send_msi(DEVICE as u32, 3);
    let board = &mut its.board;
    assert_eq!((board.pins(0), board.pins(1)), (0, IrqPins::IRQ));
    assert_eq!(board.get(1, SysReg::ICC_IAR1_EL1), LPI);
    assert_eq!(board.get(1, SysReg::ICC_RPR_EL1), 0xa0);
    board.set(1, SysReg::ICC_EOIR1_EL1, LPI);
    assert_eq!(board.get(1, SysReg::ICC_RPR_EL1), 0xff);
    assert_eq!(board.pins(1), 0);
}

#[test]
fn unmapped_events_and_devices_are_lost() {
    let mut its = ItsBoard::new();
    its.configure(LPI, 0xa1);
    its.map(3, LPI, 0);
    its.board.gic.send_msi(DEVICE as u32, 4);
    its.board.gic.send_msi(DEVICE as u32 + 1, 3);
    assert_eq!(its.board.pins(0), 0);
    its.command([DEVICE << 32 | 0x0f, 3, 0, 0]);
    its.board.gic.send_msi(DEVICE as u32, 3);
    assert_eq!(its.board.pins(0), 0, "discarded");
}

#[test]
fn event_number_beyond_the_device_is_a_command_error() {
    let mut its = ItsBoard::new();
    its.configure(LPI, 0xa1);
    its.map(32, LPI, 0);
    its.board.gic.send_msi(DEVICE as u32, 32);
    assert_eq!(its.board.pins(0), 0);
}

#[test]
fn invalidation_makes_a_new_configuration_effective() {
    let mut its = ItsBoard::new();
    its.map(3, LPI, 0);
    its.board.gic.send_msi(DEVICE as u32, 3);
    assert_eq!(its.board.pins(0), 0, "disabled");
    its.configure(LPI, 0xa1);
    its.command([DEVICE << 32 | 0x0c, 3, 0, 0]);
    assert_eq!(its.board.pins(0), IrqPins::IRQ);
    its.configure(LPI, 0xa0);
    its.command([0x0d, 0, 0, 0]);
    assert_eq!(its.board.pins(0), 0);
}

#[test]
fn int_and_clear_commands_set_and_clear_the_pending_state() {
    let mut its = ItsBoard::new();
    its.configure(LPI, 0xa1);
    its.map(3, LPI, 0);
    its.command([DEVICE << 32 | 0x03, 3, 0, 0]);
    assert_eq!(its.board.pins(0), IrqPins::IRQ);
    its.command([DEVICE << 32 | 0x04, 3, 0, 0]);
    assert_eq!(its.board.pins(0), 0);
}

#[test]
fn movi_and_movall_take_pending_state_along() {
    let mut its = ItsBoard::new();
    its.configure(LPI, 0xa1);
    its.map(3, LPI, 0);
    its.board.gic.send_msi(DEVICE as u32, 3);
    its.command([DEVICE << 32 | 0x01, 3, 1, 0]);
    assert_eq!((its.board.pins(0), its.board.pins(1)), (0, IrqPins::IRQ));
    its.command([0x0e, 0, 1 << 16, 0]);
    assert_eq!((its.board.pins(0), its.board.pins(1)), (IrqPins::IRQ, 0));
}

#[test]
fn device_table_bounds_the_devices() {
    let mut its = ItsBoard::new();
    its.configure(LPI, 0xa1);
    for (device, mapped) in [(511_u64, true), (512, false)] {
        its.command([device << 32 | 0x08, 4, 1 << 63 | RAM, 0]);
        its.command([device << 32 | 0x0a, LPI << 32, 0, 0]);
        its.board.gic.send_msi(device as u32, 0);
        assert_eq!(its.board.pins(0) != 0, mapped, "device {device}");
        its.command([device << 32 | 0x04, 0, 0, 0]);
    }
}

#[test]
fn two_level_device_table_needs_a_valid_first_level() {
    let mut its = ItsBoard::new();
    its.configure(LPI, 0xa1);
    its.board.its().write(0, 4, 0);
    its.board.its().write(0x100, 8, 3 << 62 | DEVICE_TABLE);
    its.board.its().write(0, 4, 1);
    for valid in [false, true] {
        its.board.ram.write::<u64>(DEVICE_TABLE + 8, u64::from(valid) << 63 | RAM).unwrap();
        its.command([600 << 32 | 0x08, 4, 1 << 63 | RAM, 0]);
        its.command([600 << 32 | 0x0a, LPI << 32, 0, 0]);
        its.board.gic.send_msi(600, 0);
        assert_eq!(its.board.pins(0) != 0, valid);
    }
}

#[test]
fn queue_wraps_at_its_end() {
    let mut its = ItsBoard::new();
    for _ in 0..200 {
        its.command([0x05, 0, 0, 0]);
    }
    its.configure(LPI, 0xa1);
    its.map(3, LPI, 0);
    its.board.gic.send_msi(DEVICE as u32, 3);
    assert_eq!(its.board.pins(0), IrqPins::IRQ);
}

#[test]
fn base_registers_tell_type_and_entry_size() {
    let board = Board::new();
    let its = board.its();
    its.write(0x100, 8, !0);
    let baser = its.read(0x100, 8);
    assert_eq!((baser >> 56 & 7, baser >> 48 & 0x1f, baser >> 62), (1, 7, 3));
    its.write(0x108, 8, !0);
    let baser = its.read(0x108, 8);
    assert_eq!((baser >> 56 & 7, baser >> 48 & 0x1f, baser >> 62), (4, 7, 2));
    assert_eq!(its.read(0x110, 8), 0);
    assert_eq!(its.read(0xffe8, 4) >> 4, 3);
}

#[test]
fn pending_table_carries_lpis_across_a_disable() {
    let mut its = ItsBoard::new();
    its.configure(LPI, 0xa1);
    its.map(3, LPI, 0);
    its.board.gic.send_msi(DEVICE as u32, 3);
    let gicr = its.board.redistributors();
    gicr.write(0, 4, 0);
    assert_eq!(its.board.pins(0), 0);
    let byte = its.board.ram.read::<u8>(PENDING_TABLES[0] + LPI / 8).unwrap();
    assert_eq!(byte, 1 << (LPI % 8));
    gicr.write(0, 4, 1);
    assert_eq!(its.board.pins(0), IrqPins::IRQ);
}

#[test]
fn translater_write_on_the_bus_is_device_zero() {
    let mut its = ItsBoard::new();
    its.configure(LPI, 0xa1);
    its.command([0x08, 4, 1 << 63 | RAM, 0]);
    its.command([0x0a, LPI << 32 | 2, 0, 0]);
    its.board.its().write(0x1_0040, 4, 2);
    assert_eq!(its.board.get(0, SysReg::ICC_IAR1_EL1), LPI);
}

#[test]
fn events_are_bounded_over_all_devices() {
    let mut board = ItsBoard::new();
    let mapped = |board: &ItsBoard| board.board.gic.lock().its.as_ref().unwrap().event_count;
    for device in [1_u64, 2] {
        board.command([device << 32 | 0x08, 15, 1 << 63 | RAM, 0]);
        for event in 0..40_000 {
            board.command([device << 32 | 0x0a, (8192 + event) << 32 | event, 0, 0]);
        }
    }
    assert_eq!(mapped(&board), crate::gic::its::EVENT_LIMIT);
    // DISCARD makes room for one, and a device that is unmapped for all of its events.
    board.command([1 << 32 | 0x0f, 7, 0, 0]);
    board.command([1 << 32 | 0x0f, 7, 0, 0]);
    assert_eq!(mapped(&board), crate::gic::its::EVENT_LIMIT - 1);
    board.command([1 << 32 | 0x08, 15, 0, 0]);
    assert_eq!(mapped(&board), crate::gic::its::EVENT_LIMIT - 40_000);
}

#[test]
fn long_queue_of_costly_commands_is_worked_off_in_parts() {
    let board = ItsBoard::new();
    // All LPIs pending: the pending table is read when LPIs are enabled.
    let gicr = board.board.redistributors();
    gicr.write(0, 4, 0);
    board.board.ram.fill(PENDING_TABLES[0] + 1024, 7168, 0xff).unwrap();
    gicr.write(0x78, 8, PENDING_TABLES[0]);
    gicr.write(0, 4, 1);
    for index in 0..128_u64 {
        board.board.ram.write::<u64>(QUEUE + index * 32, 0x0d).unwrap();
        board.board.ram.write::<u64>(QUEUE + index * 32 + 16, 0).unwrap();
    }
    let its = board.board.its();
    let end = (board.written + 4096 - 32) % 4096;
    its.write(0x88, 8, end);
    let mut reads = 0;
    while its.read(0x90, 8) != end {
        reads += 1;
        assert!(reads < 128, "every read makes progress");
    }
    assert!(reads > 2, "one access does not do it all");
}
