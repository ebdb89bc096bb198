//! Passes the linker script where the image is built for the bare machine.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=link.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let dir = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    for argument in [&format!("-T{dir}/link.ld"), "-pie", "--no-dynamic-linker", "-znotext"] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
