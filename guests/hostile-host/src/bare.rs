//! The attempts, each with the answer that the hypervisor's documentation promises.
#![allow(unsafe_code)] // bare metal

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::vectors::{self, Frame, From, Kind};
use guest_support::{println, psci, sysreg};

/// The hypervisor's memory on the board: where loaders put an Image, 2 MiB.
const HYPERVISOR: u64 = 0x4020_0000;
const HYPERVISOR_END: u64 = 0x4040_0000;

static FAILED: AtomicU64 = AtomicU64::new(0);
static PASSED: AtomicU64 = AtomicU64::new(0);
/// Syndrome and address of the last exception.
static SYNDROME: AtomicU64 = AtomicU64::new(0);
static FAULT: AtomicU64 = AtomicU64::new(0);

fn check(what: &str, at: u64, got: i64, expected: i64) {
    if got == expected {
        PASSED.fetch_add(1, Ordering::Relaxed);
    } else {
        FAILED.fetch_add(1, Ordering::Relaxed);
        println!("FAIL {what} {at:#x}: {got:#x}, expected {expected:#x}");
    }
}

/// Remembers an exception and goes on behind the instruction.
fn on_exception(frame: &mut Frame, _: From, _: Kind) {
    SYNDROME.store(frame.esr, Ordering::Relaxed);
    FAULT.store(frame.far, Ordering::Relaxed);
    frame.elr += 4;
}

fn read(at: u64) {
    // SAFETY: an access that is meant to fault; the handler skips it.
    unsafe { asm!("ldr {0}, [{0}]", inout(reg) at => _, options(nostack)) };
}

fn write(at: u64) {
    // SAFETY: an access that is meant to fault; the handler skips it.
    unsafe { asm!("str {0}, [{0}]", in(reg) at, options(nostack)) };
}

/// The syndrome, without the length of the instruction, and whether FAR was the address.
fn attempt(access: fn(u64), at: u64) -> (i64, bool) {
    SYNDROME.store(0, Ordering::Relaxed);
    FAULT.store(0, Ordering::Relaxed);
    access(at);
    let syndrome = SYNDROME.load(Ordering::Relaxed) & !0x0200_0000;
    (syndrome as i64, FAULT.load(Ordering::Relaxed) == at)
}

/// SMC (or HVC) with an immediate and X0 to X3.
macro_rules! call {
    ($instruction:literal, $function:expr, $a:expr, $b:expr) => {{
        let result: i64;
        // SAFETY: SMCCC preserves everything but X0 to X17.
        unsafe {
            asm!($instruction, inlateout("x0") $function => result, inlateout("x1") $a => _,
                 inlateout("x2") $b => _, inlateout("x3") 0_u64 => _, clobber_abi("C"));
        }
        result
    }};
}

fn smc(function: u64, a: u64, b: u64) -> i64 {
    call!("smc #0", function, a, b)
}

#[unsafe(no_mangle)]
extern "Rust" fn guest_main() {
    println!("hostile-host at EL{}", sysreg::current_el());
    vectors::set_handler(on_exception);
    memory();
    calls();
    random_calls();
    let (passed, failed) = (PASSED.load(Ordering::Relaxed), FAILED.load(Ordering::Relaxed));
    println!("hostile-host: {passed} passed, {failed} failed");
    smc(psci::SYSTEM_OFF, 0, 0);
}

fn memory() {
    // Synchronous external abort at the same level, read and write.
    const READ: i64 = 0x9400_0010;
    const WRITE: i64 = 0x9400_0050;
    let inside = [HYPERVISOR, HYPERVISOR + 0x2000, HYPERVISOR + 0x3_0000, HYPERVISOR_END - 8];
    for at in inside {
        check("read of", at, attempt(read, at).0, READ);
        check("write to", at, attempt(write, at).0, WRITE);
        check("FAR of", at, attempt(read, at).1.into(), 1);
    }
    for at in [HYPERVISOR - 8, HYPERVISOR_END] {
        check("read beside it", at, attempt(read, at).0, 0);
    }
}

fn calls() {
    const NOT_SUPPORTED: i64 = -1;
    let (on, entry) = (psci::CPU_ON, HYPERVISOR_END);
    check("HVC", 0, call!("hvc #0", psci::VERSION, 0_u64, 0_u64), NOT_SUPPORTED);
    check("HVC", 1, call!("hvc #1", 0_u64, 0_u64, 0_u64), NOT_SUPPORTED);
    check("HVC", 0xffff, call!("hvc #0xffff", 2_u64, 0_u64, 0_u64), NOT_SUPPORTED);
    check("SMC #1", 0, call!("smc #1", psci::VERSION, 0_u64, 0_u64), NOT_SUPPORTED);
    check("upper half", 0, smc(1 << 32 | psci::VERSION, 0, 0), NOT_SUPPORTED);
    for function in
        [0x8400_0063, 0xc400_0066, 0x8200_0000, 0xc300_0000, 0xb200_0001, 0x8600_ff01, 0x8400_0013]
    {
        check("function", function, smc(function, 0, 0), NOT_SUPPORTED);
        check("FEATURES of", function, smc(psci::FEATURES, function, 0), NOT_SUPPORTED);
    }
    check("CPU_ON of this core", 0, smc(on, 0, entry), -4);
    for target in [0x77, 0x8000_0000, u64::MAX] {
        check("CPU_ON of", target, smc(on, target, entry), -2);
        check("AFFINITY_INFO of", target, smc(psci::AFFINITY_INFO, target, 0), -2);
    }
    for entry in [HYPERVISOR, HYPERVISOR_END - 4, HYPERVISOR_END + 2] {
        check("CPU_ON at", entry, smc(on, 0, entry), -9);
    }
    check("PSCI version", 0, i64::from(smc(psci::VERSION, 0, 0) >= 2), 1);
    check("hint bit", 0, i64::from(smc(psci::VERSION | 1 << 16, 0, 0) >= 2), 1);
}

/// Random numbers and arguments, without those that end the run or put this core to sleep.
fn random_calls() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for _ in 0..20_000 {
        let (function, a, b) = (random() & 0xff01_00ff, random(), random());
        let is_psci = function & 0xbf00_0000 == 0x8400_0000 && function & 0xff < 0x20;
        if !is_psci {
            smc(function, a, b);
        }
    }
    check("alive", 0, i64::from(smc(psci::VERSION, 0, 0) >= 2), 1);
    let at = HYPERVISOR;
    check("still refused", at, attempt(read, at).0, 0x9400_0010);
}
