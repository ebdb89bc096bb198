//! Prints the ID registers: see `main.rs`.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
mod bare;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("cpu-tests-id runs on a bare machine: see `cargo xtask help`");
    std::process::exit(2);
}
