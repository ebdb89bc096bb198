//! Everything that Droste's hypervisor decides: PSCI relay, SMC filter, page tables, page ownership, device tree.
//!
//! No registers, no memory, no allocation: the EL2 image (`hyp/image`) supplies those through small traits and does as it
//! is told. What comes from the host is an allegation: nothing here may panic, index or unwrap on it. `no_std`.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::todo,
        clippy::indexing_slicing
    )
)]

#[cfg(test)]
extern crate std;

pub mod address;
pub mod audit;
pub mod boot_file;
pub mod boot_plan;
pub mod counters;
pub mod device_tree;
pub mod el2;
pub mod host_map;
pub mod inject;
pub mod ownership;
pub mod parameters;
pub mod psci;
pub mod smc;
pub mod stub;
pub mod symbols;
pub mod tables;
