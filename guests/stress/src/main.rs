//! What CPUs do to each other: memory order, atomics, changed code, changed translations, events.
//!
//! All CPUs of the machine take part, under interrupts of timers and of each other. The boot arguments are
//! `seconds=N`, how long it runs (10 if nothing is said), `only=GROUP`, `seed=N`, and `apart`, with which no mapping is
//! used while it changes. Each line tells what was counted; a line that begins with FAIL names an outcome that the
//! architecture forbids.
//!
//! On the host it is an empty program, so that commands over the whole workspace need no bare-metal target.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
mod bare;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("stress runs on a bare machine: see `cargo xtask help`");
    std::process::exit(2);
}
