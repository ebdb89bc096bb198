//! Accesses that may fault: the handler lets them end with a value that nobody stores.

use super::world::WINDOWS;
use core::arch::asm;
use guest_support::vectors::Frame;

/// What a probe answers that has faulted.
pub(crate) const FAULT: u64 = 0xfa17_fa17_fa17_fa17;
/// The window of stage 2.
pub(crate) const IPA_WINDOW: u64 = 2 << 30;
const WINDOW_BYTES: u64 = 1 << 30;

/// Ends the probe that this exception comes from; answers whether it was one.
pub(crate) fn mend(frame: &mut Frame) -> bool {
    let far = frame.far;
    let windows = [WINDOWS[0], WINDOWS[1], IPA_WINDOW];
    if !windows.iter().any(|window| far.wrapping_sub(*window) < WINDOW_BYTES) {
        return false;
    }
    match frame.class() {
        // Data aborts: the instruction is skipped.
        0x24 | 0x25 => frame.elr += 4,
        // Instruction aborts: the call returns.
        0x20 | 0x21 => frame.elr = frame.x[30],
        _ => return false,
    }
    frame.x[0] = FAULT;
    true
}

/// Loads a word.
pub(crate) fn load(at: u64) -> u64 {
    let value;
    // SAFETY: a load from a window, whose faults are mended.
    unsafe { asm!("ldr x0, [{at}]", at = in(reg) at, out("x0") value, options(nostack)) };
    value
}

/// Stores a word; answers whether it did.
pub(crate) fn store(at: u64, value: u64) -> bool {
    let fault: u64;
    // SAFETY: a store to a window, in which nothing of the program is.
    unsafe {
        asm!("mov x0, xzr", "str {value}, [{at}]", value = in(reg) value, at = in(reg) at, out("x0") fault,
             options(nostack))
    };
    fault != FAULT
}

/// Calls a function that returns a number in W0 and changes nothing else, after a context synchronisation event.
pub(crate) fn call(at: u64) -> u64 {
    let value;
    // SAFETY: the functions of the tests change X0 alone.
    unsafe { asm!("isb", "blr {at}", at = in(reg) at, out("x0") value, out("x30") _, options(nostack)) };
    value
}

/// The same without that event.
pub(crate) fn call_at_once(at: u64) -> u64 {
    let value;
    // SAFETY: as above.
    unsafe { asm!("blr {at}", at = in(reg) at, out("x0") value, out("x30") _, options(nostack)) };
    value
}

/// Makes `bytes` of new code at an address seen by all CPUs that synchronise their context afterwards.
pub(crate) fn publish_code(at: u64, bytes: u64) {
    for line in (at & !63..at + bytes).step_by(64) {
        // SAFETY: cache maintenance of the program's own memory.
        unsafe { asm!("dc cvau, {0}", "dsb ish", "ic ivau, {0}", in(reg) line, options(nostack)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack)) };
}
