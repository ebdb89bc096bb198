//! A full-system AArch64 emulator: CPUs with EL0 to EL2, memory, interrupts and a board that is
//! compatible with QEMU's `virt`.
//!
//! It knows nothing of Droste's own hypervisor, and prints nothing: the `droste` command and the tests
//! are its users.

pub mod board;
pub mod bus;
pub mod clock;
pub mod cpu;
pub mod crypto;
mod debug;
pub mod devices;
pub mod diagnostics;
pub mod engine;
pub mod entropy;
pub mod exception;
pub mod firmware;
pub mod fp;
pub mod gic;
pub mod interp;
pub mod irq;
#[cfg(target_arch = "x86_64")]
mod jit;
pub mod loader;
pub mod machine;
pub mod mmu;
pub mod pauth;
mod pmu;
pub mod ram;
mod sysreg;
pub mod timer;
pub mod trace;
