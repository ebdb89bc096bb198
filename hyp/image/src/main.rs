//! The EL2 image of Droste's hypervisor: entry, exception vectors, registers, the console. It decides nothing itself;
//! `droste-hyp-core` does.
//!
//! On the host it is an empty program, so that commands over the whole workspace need no bare-metal target.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]
// What the host gives is an allegation. A panic is left for what only the hypervisor itself can have got wrong.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unreachable,
    clippy::todo,
    clippy::unimplemented
)]

#[cfg(target_os = "none")]
mod bare;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("droste-hyp runs on a bare machine: see `cargo xtask help`");
    std::process::exit(2);
}
