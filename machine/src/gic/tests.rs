//! The GIC as software sees it: register frames, and the CPU interfaces of some CPUs.

mod accesses;
mod its;
mod physical;
mod random;
mod virtual_interface;

use super::*;
use crate::bus::Device;
use crate::irq::Waker;
use droste_arch::sysreg::SysReg;
use std::sync::atomic::AtomicU32;

const RAM: u64 = 0x4000_0000;

/// Counts how often a CPU is woken.
#[derive(Default)]
struct Wakes(AtomicU32);

impl Waker for Wakes {
    fn wake(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A GIC whose two CPUs have both groups enabled and all priorities unmasked.
struct Board {
    gic: Arc<Gic>,
    ram: Arc<GuestRam>,
    cpus: Vec<CpuInterface>,
    wakes: Vec<Arc<Wakes>>,
}

impl Board {
    fn new() -> Self {
        let ram = Arc::new(GuestRam::new(RAM, 1 << 20).unwrap());
        let config = GicConfig {
            affinities: vec![Affinity::from_mpidr(0), Affinity::from_mpidr(1)],
            its: true,
            list_register_count: 4,
        };
        let wakes: Vec<Arc<Wakes>> = (0..2).map(|_| Arc::default()).collect();
        let pins: Vec<_> = wakes.iter().map(|waker| Arc::new(IrqPins::new(waker.clone()))).collect();
        let gic = Arc::new(Gic::new(&config, &pins, ram.clone()));
        let cpus = (0..2).map(|cpu| CpuInterface::new(gic.clone(), cpu)).collect();
        let mut board = Self { gic, ram, cpus, wakes };
        board.distributor().write(0, 4, 0x13);
        for cpu in 0..2 {
            board.set(cpu, SysReg::ICC_PMR_EL1, 0xff);
            board.set(cpu, SysReg::ICC_IGRPEN0_EL1, 1);
            board.set(cpu, SysReg::ICC_IGRPEN1_EL1, 1);
        }
        board
    }

    fn distributor(&self) -> DistributorWindow {
        DistributorWindow(self.gic.clone())
    }

    fn redistributors(&self) -> RedistributorWindow {
        RedistributorWindow(self.gic.clone())
    }

    fn its(&self) -> ItsWindow {
        ItsWindow(self.gic.clone())
    }

    fn get(&mut self, cpu: usize, r: SysReg) -> u64 {
        self.cpus[cpu].read(r)
    }

    fn set(&mut self, cpu: usize, r: SysReg, value: u64) {
        self.cpus[cpu].write(r, value);
    }

    /// The pins of a CPU after it has answered a request for attention.
    fn pins(&mut self, cpu: usize) -> u32 {
        if self.gic.pins(cpu).load() & IrqPins::ATTENTION != 0 {
            self.cpus[cpu].refresh();
        }
        self.gic.pins(cpu).load()
    }

    /// Enables SPI `intid` in Group 1 with a priority, for CPU 0.
    fn enable_spi(&self, intid: u32, priority: u8) {
        let gicd = self.distributor();
        let (word, bit) = (u64::from(intid / 32) * 4, 1 << (intid % 32));
        gicd.write(0x80 + word, 4, gicd.read(0x80 + word, 4) | bit);
        gicd.write(0x400 + u64::from(intid), 1, u64::from(priority));
        gicd.write(0x100 + word, 4, bit);
    }

    /// Enables an SGI or PPI in Group 1 with a priority.
    fn enable_private(&self, cpu: usize, intid: u32, priority: u8) {
        let gicr = self.redistributors();
        let frame = cpu as u64 * REDISTRIBUTOR_BYTES + 0x1_0000;
        gicr.write(frame + 0x80, 4, gicr.read(frame + 0x80, 4) | 1 << intid);
        gicr.write(frame + 0x400 + u64::from(intid), 1, u64::from(priority));
        gicr.write(frame + 0x100, 4, 1 << intid);
    }

    fn wake_count(&self, cpu: usize) -> u32 {
        self.wakes[cpu].0.load(Ordering::Relaxed)
    }
}
