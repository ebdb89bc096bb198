//! Passes the linker script, and where a packed boot file has its kernel: 2 MiB behind its own start.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=../support/link.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let dir = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    println!("cargo::rustc-link-arg-bins=--defsym=__load_address=0x40400000");
    println!("cargo::rustc-link-arg-bins=-T{dir}/../support/link.ld");
}
