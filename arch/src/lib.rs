//! The Arm architecture as data and pure functions: encodings, registers, features, layouts.
//!
//! Facts only: no state, no behaviour of the machine or of the hypervisor. `no_std`, no allocation,
//! no unsafe; both halves and every test may use it.
#![no_std]
#![forbid(unsafe_code)]

pub mod a64;
pub mod esr;
pub mod expr;
pub mod feature;
pub mod fields;
pub mod gic;
pub mod outcome;
pub mod psci;
pub mod smccc;
pub mod sysreg;
pub mod vmsa;
