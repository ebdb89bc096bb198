//! The PL011, polled.
#![allow(unsafe_code)] // device registers

use crate::board::UART;
use core::fmt;

const DR: usize = 0x00;
const FR: usize = 0x18;
const CR: usize = 0x30;
const FR_TXFF: u32 = 1 << 5;
const CR_UARTEN_TXE: u32 = 1 | 1 << 8;

/// Writes to the PL011.
pub struct Console;

impl Console {
    /// Enables the transmitter.
    pub fn enable() {
        // SAFETY: the PL011's control register.
        unsafe { ((UART + CR) as *mut u32).write_volatile(CR_UARTEN_TXE) };
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the PL011's flag register.
            while unsafe { ((UART + FR) as *const u32).read_volatile() } & FR_TXFF != 0 {}
            // SAFETY: the PL011's data register.
            unsafe { ((UART + DR) as *mut u32).write_volatile(u32::from(byte)) };
        }
        Ok(())
    }
}

/// Prints a line.
#[macro_export]
macro_rules! println {
    ($($arg:tt)*) => {{
        use ::core::fmt::Write as _;
        let _ = ::core::writeln!($crate::console::Console, $($arg)*);
    }};
}
