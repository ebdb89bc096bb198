//! PSCI calls: by SMC at EL2, by HVC at EL1, as the board's device tree says. At EL1 below a hypervisor it is SMC as well.
#![allow(unsafe_code)] // the calls themselves

use crate::sysreg::current_el;
use core::arch::asm;
use core::sync::atomic::{AtomicBool, Ordering};

/// PSCI_VERSION.
pub const VERSION: u64 = 0x8400_0000;
/// CPU_SUSPEND, 64-bit.
pub const CPU_SUSPEND: u64 = 0xc400_0001;
/// CPU_OFF.
pub const CPU_OFF: u64 = 0x8400_0002;
/// CPU_ON, 64-bit.
pub const CPU_ON: u64 = 0xc400_0003;
/// AFFINITY_INFO, 64-bit.
pub const AFFINITY_INFO: u64 = 0xc400_0004;
/// SYSTEM_OFF.
pub const SYSTEM_OFF: u64 = 0x8400_0008;
/// SYSTEM_RESET.
pub const SYSTEM_RESET: u64 = 0x8400_0009;
/// CPU_DEFAULT_SUSPEND, 64-bit.
pub const CPU_DEFAULT_SUSPEND: u64 = 0xc400_000c;
/// SYSTEM_SUSPEND, 64-bit.
pub const SYSTEM_SUSPEND: u64 = 0xc400_000e;
/// SYSTEM_RESET2, 64-bit.
pub const SYSTEM_RESET2: u64 = 0xc400_0012;
/// SYSTEM_OFF2, 64-bit.
pub const SYSTEM_OFF2: u64 = 0xc400_0015;
/// PSCI_FEATURES.
pub const FEATURES: u64 = 0x8400_000a;
/// The error of a function that does not exist.
pub const NOT_SUPPORTED: i64 = -1;

static ALWAYS_SMC: AtomicBool = AtomicBool::new(false);

/// From now on calls are by SMC at EL1 too.
pub fn use_smc() {
    ALWAYS_SMC.store(true, Ordering::Relaxed);
}

/// Calls a function.
pub fn call(function: u64, a: u64, b: u64, c: u64) -> i64 {
    let result: i64;
    if current_el() == 2 || ALWAYS_SMC.load(Ordering::Relaxed) {
        // SAFETY: SMCCC preserves everything but X0-X17.
        unsafe {
            asm!("smc #0", inlateout("x0") function => result, inlateout("x1") a => _,
                 inlateout("x2") b => _, inlateout("x3") c => _, clobber_abi("C"));
        }
    } else {
        // SAFETY: SMCCC preserves everything but X0-X17.
        unsafe {
            asm!("hvc #0", inlateout("x0") function => result, inlateout("x1") a => _,
                 inlateout("x2") b => _, inlateout("x3") c => _, clobber_abi("C"));
        }
    }
    result
}

/// Powers the machine off.
pub fn system_off() -> ! {
    call(SYSTEM_OFF, 0, 0, 0);
    loop {
        core::hint::spin_loop();
    }
}
