//! A host that tries to get at the hypervisor below it, and reports what it is told.
//!
//! On the host it is an empty program, so that commands over the whole workspace need no bare-metal target.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
mod bare;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("hostile-host runs on a bare machine: see `cargo xtask help`");
    std::process::exit(2);
}
