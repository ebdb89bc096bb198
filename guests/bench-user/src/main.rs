//! A static Linux program whose work is the kernel's: what `cargo xtask bench` times inside a guest.
//!
//! Its arguments are the name of a test and how often it is done, such as `fork 1000`. It uses no library, so nothing
//! but the system calls is in the figures. Exit status 0 means that all of it was done.
//!
//! On the host it is an empty program, so that commands over the whole workspace need no bare-metal target.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
mod calls;
#[cfg(target_os = "none")]
mod program;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("bench-user runs in a Linux guest: see `cargo xtask help`");
    std::process::exit(2);
}
