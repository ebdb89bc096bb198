//! The guest's PL011, emulated: its lines come out with the level in front.

use core::sync::atomic::{AtomicBool, Ordering};
use guest_support::board;

static AT_LINE_START: AtomicBool = AtomicBool::new(true);

/// A read of the register at an offset: the transmitter is never full.
pub(crate) fn read(_offset: u64) -> u64 {
    0
}

/// A write to the register at an offset.
pub(crate) fn write(offset: u64, value: u64) {
    if offset != 0 {
        return;
    }
    let byte = value as u8;
    if AT_LINE_START.swap(byte == b'\n', Ordering::Relaxed) && byte != b'\n' {
        b"EL1 |   ".iter().for_each(|b| put(*b));
    }
    put(byte);
}

fn put(byte: u8) {
    // SAFETY: the real PL011's data register; it was enabled at entry.
    unsafe { (board::UART as *mut u32).write_volatile(u32::from(byte)) };
}
