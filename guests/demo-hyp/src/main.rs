//! A small hypervisor at EL2 that runs one guest: the first demonstration.
//!
//! On the host it is an empty program, so that commands over the whole workspace need no bare-metal target.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
mod bare;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("demo-hyp runs on a bare machine: see `cargo xtask help`");
    std::process::exit(2);
}
