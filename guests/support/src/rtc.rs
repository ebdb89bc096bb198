//! PL031: seconds since 1970 and an alarm.
#![allow(unsafe_code)] // device registers

use crate::board::RTC;

/// The interrupt of the alarm.
pub const INTID: u32 = 32 + 2;

const DR: usize = 0x00;
const MR: usize = 0x04;
const IMSC: usize = 0x10;
const ICR: usize = 0x1c;

fn write(register: usize, value: u32) {
    // SAFETY: a register of the clock.
    unsafe { ((RTC + register) as *mut u32).write_volatile(value) };
}

/// The time.
pub fn now() -> u32 {
    // SAFETY: a register of the clock.
    unsafe { ((RTC + DR) as *const u32).read_volatile() }
}

/// Lets the clock raise its interrupt at a time.
pub fn alarm(at: u32) {
    write(MR, at);
    write(IMSC, 1);
}

/// Lowers the interrupt.
pub fn acknowledge() {
    write(ICR, 1);
}
