//! One line for each test: PASS with what was counted, or FAIL with what was wrong.

use core::fmt::Arguments;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use guest_support::println;
use guest_support::sysreg::cpu;

static PASSED: AtomicU64 = AtomicU64::new(0);
static FAILED: AtomicU64 = AtomicU64::new(0);
/// Violations of the test that runs.
static VIOLATIONS: AtomicU64 = AtomicU64::new(0);
static LOCK: AtomicBool = AtomicBool::new(false);
/// Violations that are described.
const DESCRIBED: u64 = 4;

/// Reports that the running test has seen what must not be, from any CPU.
pub(crate) fn violation(what: Arguments<'_>) {
    if VIOLATIONS.fetch_add(1, Ordering::Relaxed) >= DESCRIBED {
        return;
    }
    while LOCK.swap(true, Ordering::Acquire) {
        core::hint::spin_loop();
    }
    println!("     CPU {}: {what}", cpu());
    LOCK.store(false, Ordering::Release);
}

/// Reports the end of a test, on one CPU.
pub(crate) fn done(name: &str, counted: Arguments<'_>) {
    let violations = VIOLATIONS.swap(0, Ordering::Relaxed);
    if violations == 0 {
        PASSED.fetch_add(1, Ordering::Relaxed);
        println!("PASS {name}: {counted}");
    } else {
        FAILED.fetch_add(1, Ordering::Relaxed);
        println!("FAIL {name}: {violations} violations; {counted}");
    }
}

/// Reports a test that this machine has no means for.
pub(crate) fn skip(name: &str, why: &str) {
    println!("SKIP {name}: {why}");
}

/// The last line.
pub(crate) fn summary() {
    let (passed, failed) = (PASSED.load(Ordering::Relaxed), FAILED.load(Ordering::Relaxed));
    println!("stress: {passed} passed, {failed} failed");
}
