//! The test programs, one module each, and how they report.
#![allow(unsafe_code)] // bare metal

mod catch;
mod exceptions;
mod harness;
mod interrupts;
mod mmu;
mod power;
mod smp;
mod timers;
mod virtualization;

use guest_support::{println, sysreg};

#[unsafe(no_mangle)]
extern "Rust" fn guest_main() {
    println!("cpu-tests at EL{}", sysreg::current_el());
    catch::install();
    exceptions::run();
    mmu::run();
    power::run();
    interrupts::run();
    timers::run();
    if sysreg::current_el() == 2 {
        virtualization::run();
    }
    smp::run();
    harness::summary();
}
