//! PASS and FAIL lines. What is printed must be the same on every machine that is right.

use core::fmt::Debug;
use core::sync::atomic::{AtomicU32, Ordering};
use guest_support::println;

static PASSED: AtomicU32 = AtomicU32::new(0);
static FAILED: AtomicU32 = AtomicU32::new(0);

/// Reports one test.
pub(crate) fn check(name: &str, passed: bool) {
    if passed {
        PASSED.fetch_add(1, Ordering::Relaxed);
        println!("PASS {name}");
    } else {
        FAILED.fetch_add(1, Ordering::Relaxed);
        println!("FAIL {name}");
    }
}

/// Reports one comparison, with both sides if they differ.
pub(crate) fn equal<T: PartialEq + Debug>(name: &str, got: T, want: T) {
    check(name, got == want);
    if got != want {
        println!("     got {got:x?}, want {want:x?}");
    }
}

/// Reports a comparison of what the architecture asks and QEMU 10 does not do. The line is not compared with QEMU's and
/// not counted; `cargo xtask test` fails if it says FAIL on Droste's machine.
pub(crate) fn beyond_qemu<T: PartialEq + Debug>(name: &str, got: T, want: T) {
    println!("BEYOND-QEMU {} {name}: got {got:x?}", if got == want { "PASS" } else { "FAIL" });
}

/// Reports a test that this machine has no means for.
pub(crate) fn skip(name: &str) {
    println!("SKIP {name}");
}

/// The last line.
pub(crate) fn summary() {
    let (passed, failed) = (PASSED.load(Ordering::Relaxed), FAILED.load(Ordering::Relaxed));
    println!("{}: {passed} passed, {failed} failed", super::PROGRAM);
}
