//! The board: a memory map, interrupt numbers and a device tree that are those of QEMU's `virt`, so that the
//! same kernels, firmware and hypervisors run on both.
//!
//! It differs where nothing is behind an address yet: there is no flash, no PCIe and no platform bus.

mod assembly;
pub mod device_tree;
pub mod memory_map;

use std::ops::Range;

pub use assembly::{Connections, Devices};

/// What the device tree depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardConfig {
    /// The number of CPUs, 1 to [`memory_map::CPU_LIMIT`].
    pub cpu_count: u32,
    /// The `compatible` value of the CPUs.
    pub cpu_compatible: String,
    /// The size of RAM, which starts at [`memory_map::RAM_BASE`].
    pub ram_bytes: u64,
    /// The CPUs have EL2: PSCI is called by SMC, and the GIC has a maintenance interrupt.
    pub el2: bool,
    /// The CPUs have FEAT_VHE, hence an EL2 virtual timer.
    pub vhe: bool,
    /// The CPUs have FEAT_PMUv3.
    pub pmu: bool,
    /// The GIC has an ITS.
    pub its: bool,
    /// What the boot loader tells the kernel.
    pub boot: BootInfo,
}

/// The contents of the `/chosen` node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootInfo {
    /// The kernel's command line.
    pub command_line: String,
    /// Where the initrd is.
    pub initrd: Option<Range<u64>>,
    /// What `rng-seed` and `kaslr-seed` are made from; the same seed gives the same boot.
    pub seed: u64,
}

impl Default for BoardConfig {
    fn default() -> Self {
        Self {
            cpu_count: 1,
            cpu_compatible: "arm,armv8".into(),
            ram_bytes: 1 << 30,
            el2: true,
            vhe: true,
            pmu: true,
            its: true,
            boot: BootInfo::default(),
        }
    }
}

/// MPIDR_EL1 affinity fields of a CPU by its number: clusters of 16, as the redistributors of a GICv3 want.
pub const fn mpidr_affinity(cpu: u32) -> u64 {
    let (cluster, core) = (cpu / 16, cpu % 16);
    (cluster as u64) << 8 | core as u64
}
