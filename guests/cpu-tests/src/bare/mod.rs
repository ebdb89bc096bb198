//! The groups of tests, one module each, and how they report.
#![allow(unsafe_code)] // bare metal

mod access;
mod catch;
mod debug;
mod exceptions;
mod granules;
mod harness;
mod id;
mod interrupts;
mod mmu;
mod nested;
mod pmu;
mod power;
mod smp;
mod suspend;
mod timers;
mod vhe;
mod virtualization;

use guest_support::{println, sysreg};

/// Which of this package's programs this is: each has its own groups of tests, on what all of them build.
const PROGRAM: &str = env!("CARGO_BIN_NAME");

#[unsafe(no_mangle)]
extern "Rust" fn guest_main() {
    let el = sysreg::current_el();
    println!("{PROGRAM} at EL{el}");
    catch::install();
    match (PROGRAM, el) {
        ("cpu-tests", _) => everything(el),
        ("cpu-tests-access", 1) => {
            mmu::run();
            access::run();
        }
        ("cpu-tests-nested", 2) => {
            mmu::run();
            nested::run();
        }
        ("cpu-tests-debug", 2) => debug::run(),
        ("cpu-tests-power", _) => suspend::run(),
        ("cpu-tests-id", _) => return id::run(),
        _ => println!("FAIL: not meant for this level"),
    }
    harness::summary();
    if PROGRAM == "cpu-tests-power" {
        suspend::end();
    }
}

fn everything(el: u64) {
    exceptions::run();
    mmu::run();
    granules::run();
    power::run();
    interrupts::run();
    timers::run();
    pmu::run();
    if el == 2 {
        virtualization::run();
        vhe::run();
    }
    smp::run();
}
