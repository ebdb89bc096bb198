//! The trap matrix: every access to a system register and every system instruction that has rules, at EL0, EL1
//! and EL2, under every setting of HCR_EL2.{NV,NV1,NV2,E2H,TGE} and every control bit that its rules name. What the
//! CPU does is compared with what `droste_arch::outcome` decides from the architecture's tables.
//!
//! The image is entered at EL2, needs RAM at 0x4020_0000 and a PL011, and switches itself off by PSCI. It takes
//! the CPU's features from its ID registers. The MMU stays off, and no interrupt is enabled.
//!
//! On the host it is an empty program, so that commands over the whole workspace need no bare-metal target.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
mod bare;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("conformance-nv runs on a bare machine: see `droste conformance --help`");
    std::process::exit(2);
}
