//! System registers by name.
#![allow(unsafe_code)] // the accesses themselves

/// Reads a system register: `mrs!("esr_el2")`. Not removed and not moved across other such accesses.
#[macro_export]
macro_rules! mrs {
    ($name:expr) => {{
        let value: u64;
        // SAFETY: the program owns its machine (see the crate's documentation); reading touches no memory.
        unsafe {
            ::core::arch::asm!(concat!("mrs {}, ", $name), out(reg) value, options(nostack))
        };
        value
    }};
}

/// Writes a system register, then ISB: `msr!("hcr_el2", value)`.
#[macro_export]
macro_rules! msr {
    ($name:expr, $value:expr) => {{
        let value: u64 = $value;
        // SAFETY: the program owns its machine (see the crate's documentation).
        unsafe {
            ::core::arch::asm!(concat!("msr ", $name, ", {}"), "isb", in(reg) value, options(nostack))
        };
    }};
}

/// Executes one instruction without operands: `instruction!("wfi")`.
#[macro_export]
macro_rules! instruction {
    ($($text:expr),+) => {
        // SAFETY: the program owns its machine (see the crate's documentation).
        unsafe { ::core::arch::asm!($($text),+, options(nostack)) }
    };
}

/// The current exception level.
pub fn current_el() -> u64 {
    (mrs!("CurrentEL") >> 2) & 3
}

/// Affinity level 0 of this CPU, which numbers the CPUs of a small board.
pub fn cpu() -> usize {
    (mrs!("mpidr_el1") & 0xff) as usize
}
