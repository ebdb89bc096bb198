//! The test programs, one module each, and how they report.
#![allow(unsafe_code)] // bare metal

mod catch;
mod exceptions;
mod granules;
mod harness;
mod interrupts;
mod mmu;
mod nested;
mod power;
mod smp;
mod timers;
mod vhe;
mod virtualization;

use guest_support::{println, sysreg};

#[unsafe(no_mangle)]
extern "Rust" fn guest_main() {
    println!("cpu-tests at EL{}", sysreg::current_el());
    catch::install();
    exceptions::run();
    mmu::run();
    granules::run();
    power::run();
    interrupts::run();
    timers::run();
    if sysreg::current_el() == 2 {
        virtualization::run();
        vhe::run();
        nested::run();
    }
    smp::run();
    harness::summary();
}
