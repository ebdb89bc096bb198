//! One operation of the machine, repeated: what `cargo xtask bench` times on Droste and on QEMU.
//!
//! The boot arguments are the name of a test and how often its loop runs, such as `alu 1000000`. With `calibrate`
//! for the number, the program finds one that takes some milliseconds. The host times the whole process at two
//! numbers; the difference is the cost of the operations alone.
//!
//! On the host it is an empty program, so that commands over the whole workspace need no bare-metal target.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
mod bare;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("bench-micro runs on a bare machine: see `cargo xtask help`");
    std::process::exit(2);
}
