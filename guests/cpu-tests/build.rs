//! Passes the linker script where the program is built for the bare machine, and to a program that is a host as well, where a
//! packed boot file has its kernel: 2 MiB behind its own start.

fn main() {
    println!("cargo::rerun-if-changed=../support/link.ld");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
        println!("cargo::rustc-link-arg-bin=cpu-tests-power=--defsym=__load_address=0x40400000");
        println!("cargo::rustc-link-arg-bins=-T{dir}/../support/link.ld");
    }
}
