//! System registers and instructions by name.

/// Reads a system register.
macro_rules! mrs {
    ($name:expr) => {{
        let value: u64;
        // SAFETY: reading a system register of our own level changes no memory.
        unsafe { ::core::arch::asm!(concat!("mrs {}, ", $name), out(reg) value, options(nostack)) };
        value
    }};
}

/// Writes a system register, then ISB.
macro_rules! msr {
    ($name:expr, $value:expr) => {{
        let value: u64 = $value;
        // SAFETY: the hypervisor owns these registers; values come from `el2::Registers` or from the host's own state.
        unsafe {
            ::core::arch::asm!(concat!("msr ", $name, ", {}"), "isb", in(reg) value, options(nostack));
        };
    }};
}

/// Reads a register of the host's EL1: by its EL12 name where E2H makes the plain name mean EL2's.
macro_rules! read_el1 {
    ($e2h:expr, $plain:expr, $el12:expr) => {
        if $e2h { mrs!($el12) } else { mrs!($plain) }
    };
}

/// Writes a register of the host's EL1.
macro_rules! write_el1 {
    ($e2h:expr, $plain:expr, $el12:expr, $value:expr) => {
        if $e2h { msr!($el12, $value) } else { msr!($plain, $value) }
    };
}

/// Executes instructions without operands.
macro_rules! instruction {
    ($($text:expr),+) => {
        // SAFETY: barriers, maintenance and waits change no memory that Rust knows.
        unsafe { ::core::arch::asm!($($text),+, options(nostack)) }
    };
}

pub(crate) use {instruction, mrs, msr, read_el1, write_el1};

/// The current exception level.
pub(crate) fn current_el() -> u64 {
    (mrs!("CurrentEL") >> 2) & 3
}

/// The affinity fields of this core's MPIDR, as PSCI wants them.
pub(crate) fn affinity() -> u64 {
    use droste_arch::fields::mpidr_el1 as m;
    mrs!("mpidr_el1") & (m::Aff3.mask() | m::Aff2.mask() | m::Aff1.mask() | m::Aff0.mask())
}
