//! Assembling a machine: the board of QEMU's `virt` around the CPUs.

use super::{CpuOn, CpuSlot, Machine, RunState};
use crate::board::{self, BoardConfig, BootInfo, Connections, Devices, device_tree, memory_map as map};
use crate::bus::Bus;
use crate::clock::{Clock, ClockMode, TimeOfDay};
use crate::cpu::model::Model;
use crate::devices::Console;
use crate::devices::fw_cfg::Items;
use crate::devices::virtio::VirtioDevice;
use crate::diagnostics::{Diagnostics, Sink};
use crate::engine::Engine;
use crate::firmware::Conduit;
use crate::gic::{Affinity, DistributorWindow, Gic, GicConfig, ItsWindow, RedistributorWindow};
use crate::loader::{Content, Kernel, LoadError, Placement};
use crate::ram::{GuestRam, RamError};
use crate::trace::Tracer;
use droste_arch::feature::Feature;
use std::ops::Range;
use std::sync::Arc;

/// What a machine is made of.
pub struct MachineConfig {
    /// The CPUs' model; all are alike.
    pub model: Model,
    /// The number of CPUs.
    pub cpu_count: u32,
    /// The size of RAM in bytes, a multiple of 4 KiB.
    pub ram_bytes: u64,
    /// List registers of each virtual CPU interface.
    pub list_register_count: usize,
    /// Where time comes from.
    pub clock: ClockMode,
    /// What executes the CPUs.
    pub engine: Engine,
    /// Seed of everything random that the guest sees.
    pub seed: u64,
    /// The time of day.
    pub time_of_day: TimeOfDay,
    /// Devices for the virtio-mmio transports.
    pub virtio: Vec<Box<dyn VirtioDevice>>,
    /// The other side of the serial port.
    pub console: Arc<dyn Console>,
    /// Receives reports of what is not implemented.
    pub diagnostics: Sink,
    /// Watches what happens.
    pub tracer: Option<Box<dyn Tracer>>,
}

/// What a machine boots.
pub struct Boot {
    /// The kernel.
    pub kernel: Kernel,
    /// The initial RAM disk.
    pub initrd: Option<Content>,
    /// The kernel's command line.
    pub command_line: String,
    /// A device tree to adapt instead of the generated one.
    pub device_tree: Option<Vec<u8>>,
}

/// Why a machine cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The host lacks the engine.
    #[error("this host cannot run the JIT: it needs an x86-64 CPU with LZCNT and TZCNT")]
    Engine,
    /// RAM cannot be had.
    #[error("cannot make the guest's memory: {0}")]
    Ram(#[from] RamError),
    /// Something cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The device tree that was given cannot be used.
    #[error("cannot use the device tree: {0}")]
    DeviceTree(#[from] device_tree::DeviceTreeError),
}

/// A machine with the ends of it that the host holds.
pub struct Assembled {
    /// The machine.
    pub machine: Arc<Machine>,
    /// The ends of its devices that the host holds.
    pub devices: Arc<Devices>,
    /// What the device tree says, but for what is booted.
    board: BoardConfig,
}

impl Assembled {
    /// Resets a machine that has stopped for that reason and loads what it boots, so that it can run again. RAM
    /// keeps its contents elsewhere. Answers whether it is to run: it is not if something else stopped it since.
    ///
    /// # Errors
    ///
    /// When what is to boot does not fit or is damaged.
    pub fn reset(&self, boot: &Boot) -> Result<bool, BuildError> {
        for slot in &self.machine.slots {
            slot.reset();
        }
        self.machine.bus.reset();
        self.load(boot)?;
        Ok(self.machine.begin_again())
    }

    /// Loads what the machine boots and makes CPU 0 ready to start.
    fn load(&self, boot: &Boot) -> Result<(), BuildError> {
        let machine = &self.machine;
        let ram = machine.ram.base()..machine.ram.base() + machine.ram.size_bytes();
        let placement = place(boot, ram)?;
        let dtb = device_tree(self.board.clone(), boot, &placement)?;
        placement.load(&boot.kernel, boot.initrd.as_ref(), &dtb, &machine.ram)?;
        machine.cpu(0).power_on(CpuOn { entry: placement.entry, context: placement.dtb });
        Ok(())
    }
}

fn place(boot: &Boot, ram: Range<u64>) -> Result<Placement, BuildError> {
    let initrd_bytes = boot.initrd.as_ref().map(Content::len_bytes);
    Ok(Placement::new(&boot.kernel, initrd_bytes, ram)?)
}

fn device_tree(mut board: BoardConfig, boot: &Boot, placement: &Placement) -> Result<Vec<u8>, BuildError> {
    board.boot.command_line.clone_from(&boot.command_line);
    board.boot.initrd.clone_from(&placement.initrd);
    Ok(match &boot.device_tree {
        Some(given) => device_tree::adapt(given, &board)?,
        None => device_tree::build(&board),
    })
}

impl MachineConfig {
    /// What the device tree says of this machine, but for what is booted.
    #[must_use]
    pub fn board(&self) -> BoardConfig {
        let has = |f| self.model.features().contains(f);
        BoardConfig {
            cpu_count: self.cpu_count,
            cpu_compatible: self.model.compatible().to_owned(),
            ram_bytes: self.ram_bytes,
            el2: has(Feature::FEAT_EL2),
            vhe: has(Feature::FEAT_VHE),
            pmu: has(Feature::FEAT_PMUv3),
            its: true,
            boot: BootInfo { command_line: String::new(), initrd: None, seed: self.seed },
        }
    }

    /// The physical addresses of RAM.
    #[must_use]
    pub fn ram_range(&self) -> Range<u64> {
        map::RAM_BASE..map::RAM_BASE.saturating_add(self.ram_bytes)
    }

    /// The device tree that a kernel placed at `placement` would find.
    ///
    /// # Errors
    ///
    /// When `boot` brings a device tree that cannot be adapted.
    pub fn device_tree(&self, boot: &Boot, placement: &Placement) -> Result<Vec<u8>, BuildError> {
        device_tree(self.board(), boot, placement)
    }

    /// Decides where everything that `boot` brings goes.
    ///
    /// # Errors
    ///
    /// When it does not fit.
    pub fn place(&self, boot: &Boot) -> Result<Placement, BuildError> {
        place(boot, self.ram_range())
    }

    /// Makes the machine, loads what it boots, and makes CPU 0 ready to start.
    ///
    /// # Errors
    ///
    /// When memory cannot be had, or what is to boot does not fit or is damaged.
    pub fn build(self, boot: &Boot) -> Result<Assembled, BuildError> {
        if !self.engine.is_available() {
            return Err(BuildError::Engine);
        }
        let board = self.board();
        let ram = Arc::new(GuestRam::new(map::RAM_BASE, self.ram_bytes)?);

        let slots: Vec<CpuSlot> = (0..self.cpu_count).map(|_| CpuSlot::new()).collect();
        let affinities =
            (0..self.cpu_count).map(|i| Affinity::from_mpidr(board::mpidr_affinity(i))).collect();
        let gic_config = GicConfig { affinities, its: true, list_register_count: self.list_register_count };
        let pins: Vec<_> = slots.iter().map(|slot| slot.pins.clone()).collect();
        let gic = Arc::new(Gic::new(&gic_config, &pins, ram.clone()));
        let mut bus = Bus::new();
        let mut put = |window: &Range<u64>, device| bus.map(window.start, window.end - window.start, device);
        put(&map::GICD, Arc::new(DistributorWindow(gic.clone())));
        put(&map::ITS, Arc::new(ItsWindow(gic.clone())));
        put(&map::GICR, Arc::new(RedistributorWindow(gic.clone())));
        let features = *self.model.features();
        let conduit = if features.contains(Feature::FEAT_EL2) { Conduit::Smc } else { Conduit::Hvc };
        let frequency = if features.contains(Feature::FEAT_ECV) {
            Clock::FREQUENCY_1_GHZ
        } else {
            Clock::FREQUENCY_62_5_MHZ
        };
        let clock = Arc::new(Clock::new(self.clock, frequency));
        let connections = Connections {
            ram: ram.clone(),
            interrupts: gic.clone(),
            console: self.console,
            time: self.time_of_day.source(clock.clone()),
            firmware_items: Items::new(),
            virtio: self.virtio,
        };
        let devices = Arc::new(Devices::new(connections, &mut bus));

        let machine = Arc::new(Machine {
            ram,
            bus,
            gic,
            clock,
            diagnostics: Diagnostics::new(self.diagnostics),
            tracer: self.tracer,
            features,
            model: self.model,
            seed: self.seed,
            engine: self.engine,
            conduit,
            slots,
            state: RunState::default(),
        });
        let assembled = Assembled { machine, devices, board };
        assembled.load(boot)?;
        Ok(assembled)
    }
}
