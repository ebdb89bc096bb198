//! Passes the linker script, and the guest to embed, where the program is built for the bare machine.

use std::{env, fs, path::PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=../support/link.ld");
    println!("cargo::rerun-if-env-changed=DEMO_GUEST");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let dir = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    println!("cargo::rustc-link-arg-bins=-T{dir}/../support/link.ld");
    // Handed over by xtask, which builds the guest first; a lint run has none and embeds an empty file.
    let guest = env::var_os("DEMO_GUEST").map(PathBuf::from).unwrap_or_else(|| {
        let none = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("none");
        fs::write(&none, b"").expect("the output directory is writable");
        none
    });
    println!("cargo::rerun-if-changed={}", guest.display());
    println!("cargo::rustc-env=DEMO_GUEST_PATH={}", guest.display());
}
