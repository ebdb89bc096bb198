//! What every bare-metal guest needs: entry, console, exception vectors, power, GIC and page tables of a board
//! that looks like QEMU's `virt`.
//!
//! For the programs in `guests/` only. They own their whole machine, so accessors that would be unsound in a
//! library are safe functions here. On the host this crate is empty.
#![no_std]
#![cfg(target_os = "none")]

pub mod boot;
pub mod console;
pub mod device_tree;
pub mod gic;
pub mod lower;
pub mod paging;
pub mod psci;
pub mod rtc;
#[macro_use]
pub mod sysreg;
pub mod vectors;

/// The memory map of the board.
pub mod board {
    /// The PL011.
    pub const UART: usize = 0x0900_0000;
    /// The GICv3 distributor.
    pub const GICD: usize = 0x0800_0000;
    /// The first redistributor; others follow, 128 KiB each.
    pub const GICR: usize = 0x080a_0000;
    /// The PL031.
    pub const RTC: usize = 0x0901_0000;
    /// Start of RAM.
    pub const RAM: usize = 0x4000_0000;
}
