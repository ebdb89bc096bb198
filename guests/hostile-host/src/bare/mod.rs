//! The attempts, each with the answer that the hypervisor's documentation promises.
#![allow(unsafe_code)] // bare metal

mod calls;
mod memory;
mod race;
mod registers;
mod stub;

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::sysreg::{cpu, current_el};
use guest_support::vectors::{self, Frame, From, Kind};
use guest_support::{lower, println, psci};

/// The hypervisor's memory on a board with 256 MiB: where loaders put an Image, and its ledger at the end of RAM.
const IMAGE: u64 = 0x4020_0000;
const IMAGE_END: u64 = 0x4040_0000;
const LEDGER: u64 = 0x4fe0_0000;
const LEDGER_END: u64 = 0x5000_0000;

static FAILED: AtomicU64 = AtomicU64::new(0);
static PASSED: AtomicU64 = AtomicU64::new(0);
/// Syndrome and address of the last exception, for each core.
static SYNDROME: [AtomicU64; 8] = [const { AtomicU64::new(0) }; 8];
static FAULT: [AtomicU64; 8] = [const { AtomicU64::new(0) }; 8];

fn check(what: &str, at: u64, got: i64, expected: i64) {
    if got == expected {
        PASSED.fetch_add(1, Ordering::Relaxed);
    } else {
        FAILED.fetch_add(1, Ordering::Relaxed);
        println!("FAIL {what} {at:#x}: {got:#x}, expected {expected:#x}");
    }
}

/// Remembers an exception and goes on behind the instruction. At EL2 it ends a visit to EL1.
fn on_exception(frame: &mut Frame, from: From, _: Kind) {
    if current_el() == 2 && from == From::Lower {
        return lower::leave(frame);
    }
    SYNDROME[cpu()].store(frame.esr, Ordering::Relaxed);
    FAULT[cpu()].store(frame.far, Ordering::Relaxed);
    let is_fetch = frame.class() == 0x20 || frame.class() == 0x21;
    frame.elr = if is_fetch { frame.x[30] } else { frame.elr + 4 };
    // PSTATE.IL, which an illegal return has set.
    frame.spsr &= !(1 << 20);
}

/// Runs something and returns the syndrome of the exception that it caused; 0 if none, which no syndrome is: all have ESR.IL.
fn syndrome_of(attempt: impl FnOnce()) -> i64 {
    SYNDROME[cpu()].store(0, Ordering::Relaxed);
    attempt();
    SYNDROME[cpu()].load(Ordering::Relaxed) as i64
}

/// A pseudo-random sequence (xorshift64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn smc(function: u64, a: u64, b: u64) -> i64 {
    let result: i64;
    // SAFETY: SMCCC preserves everything but X0 to X17.
    unsafe {
        asm!("smc #0", inlateout("x0") function => result, inlateout("x1") a => _, inlateout("x2") b => _,
             inlateout("x3") 0_u64 => _, clobber_abi("C"));
    }
    result
}

#[unsafe(no_mangle)]
extern "Rust" fn guest_main() {
    println!("hostile-host at EL{}", current_el());
    psci::use_smc();
    vectors::set_handler(on_exception);
    if current_el() == 2 {
        stub::run();
    } else {
        memory::run();
        registers::run();
        calls::run();
        race::run();
        // After all of that.
        check("alive", 0, i64::from(smc(psci::VERSION, 0, 0) >= 2), 1);
        memory::refused();
    }
    let (passed, failed) = (PASSED.load(Ordering::Relaxed), FAILED.load(Ordering::Relaxed));
    println!("hostile-host: {passed} passed, {failed} failed");
    smc(psci::SYSTEM_OFF, 0, 0);
}
