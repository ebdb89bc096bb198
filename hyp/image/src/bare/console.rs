//! A PL011, polled. The host uses it too; the hypervisor writes at boot and when it panics.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

const DATA: u64 = 0x00;
const FLAGS: u64 = 0x18;
const CONTROL: u64 = 0x30;
const TRANSMIT_FULL: u32 = 0x20;
const ENABLE_TRANSMIT: u32 = 0x101;

/// Until the device tree is read: where boards like QEMU's `virt` have it.
pub(crate) const EARLY: u64 = 0x0900_0000;

static BASE: AtomicU64 = AtomicU64::new(EARLY);

/// Goes on at the PL011 that the device tree names.
pub(crate) fn move_to(base: u64) {
    BASE.store(base, Ordering::Relaxed);
}

/// Enables the transmitter.
pub(crate) fn enable() {
    write(CONTROL, ENABLE_TRANSMIT);
}

fn write(register: u64, value: u32) {
    let at = (BASE.load(Ordering::Relaxed) + register) as *mut u32;
    // SAFETY: a register of a PL011, mapped as a device.
    unsafe { at.write_volatile(value) };
}

fn is_full() -> bool {
    let at = (BASE.load(Ordering::Relaxed) + FLAGS) as *const u32;
    // SAFETY: a register of a PL011, mapped as a device.
    unsafe { at.read_volatile() & TRANSMIT_FULL != 0 }
}

/// Writes to the PL011.
pub(crate) struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            while is_full() {}
            write(DATA, u32::from(byte));
        }
        Ok(())
    }
}

/// Prints a line with our name in front.
macro_rules! say {
    ($($arg:tt)*) => {{
        use ::core::fmt::Write as _;
        let mut console = $crate::bare::console::Console;
        let _ = ::core::write!(console, "droste: ");
        let _ = ::core::write!(console, $($arg)*);
        let _ = ::core::write!(console, "\r\n");
    }};
}
pub(crate) use say;
