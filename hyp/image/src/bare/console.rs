//! A PL011, polled, and the log on it. The host uses it too; unless `droste.log` asks for more, the hypervisor writes at
//! boot, when the host ends the run, and when it panics.

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use droste_hyp_core::parameters::LogLevel;

const DATA: u64 = 0x00;
const FLAGS: u64 = 0x18;
const CONTROL: u64 = 0x30;
const TRANSMIT_FULL: u32 = 0x20;
const ENABLE_TRANSMIT: u32 = 0x101;

/// Until the device tree is read: where boards like QEMU's `virt` have it.
pub(crate) const EARLY: u64 = 0x0900_0000;

static BASE: AtomicU64 = AtomicU64::new(EARLY);
static LEVEL: AtomicU8 = AtomicU8::new(LogLevel::Info as u8);
static IS_LOCKED: AtomicBool = AtomicBool::new(false);

/// Goes on at the PL011 that the device tree names.
pub(crate) fn move_to(base: u64) {
    BASE.store(base, Ordering::Relaxed);
}

/// Sets what is logged.
pub(crate) fn set_level(level: LogLevel) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// Whether a level is logged.
pub(crate) fn logs(level: LogLevel) -> bool {
    level as u8 <= LEVEL.load(Ordering::Relaxed)
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

/// Writes a line with our name in front, whole while cores log at once. A core that panics while another one holds the
/// console writes all the same.
pub(crate) fn line(text: fmt::Arguments<'_>, is_shared: bool) {
    use fmt::Write as _;
    while is_shared && IS_LOCKED.swap(true, Ordering::Acquire) {
        core::hint::spin_loop();
    }
    let _ = write!(Console, "droste: {text}\r\n");
    if is_shared {
        IS_LOCKED.store(false, Ordering::Release);
    }
}

/// Writes a line of the last resort: no lock, no level.
macro_rules! say {
    ($($arg:tt)*) => { $crate::bare::console::line(::core::format_args!($($arg)*), false) };
}

/// Logs a line at a level. Not before the MMU is on: the lock needs atomic accesses.
macro_rules! log {
    ($level:ident, $($arg:tt)*) => {
        if $crate::bare::console::logs(::droste_hyp_core::parameters::LogLevel::$level) {
            $crate::bare::console::line(::core::format_args!($($arg)*), true);
        }
    };
}
pub(crate) use {log, say};
