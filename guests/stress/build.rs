//! Passes the linker script where the program is built for the bare machine.

fn main() {
    println!("cargo::rerun-if-changed=../support/link.ld");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
        println!("cargo::rustc-link-arg-bins=-T{dir}/../support/link.ld");
    }
}
