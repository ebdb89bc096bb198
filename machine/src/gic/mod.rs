//! The interrupt controller: GICv3 with one Security state, affinity routing, and an ITS.
//!
//! The distributor, the redistributors and the ITS are one state behind one lock. A CPU interface, physical
//! and virtual, belongs to its vCPU ([`CpuInterface`]) and is never locked: all it needs to know of the rest
//! is the highest priority pending interrupt of its CPU, which is published in an atomic. Whoever changes
//! that asks the vCPU for attention.
//!
//! Not there: the Security extension (GICD_CTLR.DS is one), legacy operation (ARE is one), extended INTID
//! ranges, message-based SPIs, GICv4, non-maskable interrupts.

mod active_priorities;
mod block;
pub(crate) mod cpu_interface;
mod distributor;
mod its;
mod lpi;
mod redistributor;
mod state;
#[cfg(test)]
mod tests;
mod windows;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::irq::{InterruptSink, IrqPins};
use crate::ram::GuestRam;
use state::{Highest, State};

pub use cpu_interface::CpuInterface;
pub use windows::{DistributorWindow, ItsWindow, RedistributorWindow};

/// Physical address of the distributor on the board.
pub const DISTRIBUTOR_BASE: u64 = 0x0800_0000;
/// Bytes of the distributor's frame.
pub const DISTRIBUTOR_BYTES: u64 = 0x1_0000;
/// Physical address of the ITS on the board.
pub const ITS_BASE: u64 = 0x0808_0000;
/// Bytes of the ITS's two frames: registers and GITS_TRANSLATER.
pub const ITS_BYTES: u64 = 0x2_0000;
/// Physical address of the first redistributor on the board.
pub const REDISTRIBUTOR_BASE: u64 = 0x080a_0000;
/// Bytes of one redistributor's frames; the next CPU's follow.
pub const REDISTRIBUTOR_BYTES: u64 = redistributor::REDISTRIBUTOR_BYTES;

/// Five bits of priority are implemented.
const PRIORITY_MASK: u8 = 0xf8;
/// Bits of an INTID.
const INTID_BITS: u32 = 16;
/// No interrupt is pending, or none that the reader may have.
const SPURIOUS: u32 = 1023;
/// The first of the INTIDs 1020 to 1023, which are no interrupts.
const FIRST_SPECIAL: u32 = 1020;
/// GICD_IIDR, GICR_IIDR and GITS_IIDR.
const IIDR: u32 = 0x43b;
/// PIDR4 to PIDR7, PIDR0 to PIDR3: a GICv3.
const GIC_ID_REGISTERS: [u32; 8] = [0x44, 0, 0, 0, 0x92, 0xb4, 0x3b, 0];
/// CIDR0 to CIDR3.
const CPU_ID_REGISTERS: [u32; 4] = [0x0d, 0xf0, 0x05, 0xb1];

/// The position of a CPU in the affinity hierarchy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Affinity {
    /// Aff3 to Aff0 as bytes 3 to 0.
    packed: u32,
}

impl Affinity {
    /// The affinity fields of MPIDR_EL1.
    pub fn from_mpidr(mpidr: u64) -> Self {
        Self { packed: (mpidr & 0xff_ffff) as u32 | ((mpidr >> 32 & 0xff) as u32) << 24 }
    }

    /// Aff3 to Aff0 as bytes 3 to 0, as in GICR_TYPER.
    pub fn packed(self) -> u32 {
        self.packed
    }

    /// The layout of GICD_IROUTER and MPIDR_EL1.
    fn to_irouter(self) -> u64 {
        u64::from(self.packed & 0xff_ffff) | u64::from(self.packed >> 24) << 32
    }
}

/// What a GIC is made for.
#[derive(Clone, Debug)]
pub struct GicConfig {
    /// The CPUs by number.
    pub affinities: Vec<Affinity>,
    /// Whether there is an ITS, and with it LPIs.
    pub its: bool,
    /// List registers of each virtual CPU interface, 1 to 16.
    pub list_register_count: usize,
}

/// What a CPU and the rest of the GIC share without a lock.
#[derive(Debug)]
struct Port {
    highest: AtomicU64,
    pins: Arc<IrqPins>,
}

/// The interrupt controller of a machine.
#[derive(Debug)]
pub struct Gic {
    affinities: Vec<Affinity>,
    list_register_count: usize,
    ports: Vec<Port>,
    state: Mutex<State>,
    its: bool,
    ram: Arc<GuestRam>,
}

/// The state of the distributor, the redistributors and the ITS at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GicSnapshot(State);

impl Gic {
    /// Makes the GIC of CPUs whose interrupt inputs are `pins`, with its tables in `ram`.
    ///
    /// # Panics
    ///
    /// When there is not one element of `pins` for each CPU, or the number of list registers is impossible.
    pub fn new(config: &GicConfig, pins: &[Arc<IrqPins>], ram: Arc<GuestRam>) -> Self {
        let affinities = config.affinities.clone();
        assert_eq!(affinities.len(), pins.len(), "pins for every CPU");
        assert!((1..=16).contains(&config.list_register_count), "1 to 16 list registers");
        let port = |pins: &Arc<IrqPins>| Port { highest: Highest::NONE.pack().into(), pins: pins.clone() };
        Self {
            ports: pins.iter().map(port).collect(),
            list_register_count: config.list_register_count,
            affinities,
            its: config.its,
            state: Mutex::new(State::new(config)),
            ram,
        }
    }

    /// The number of CPUs.
    pub fn cpu_count(&self) -> usize {
        self.affinities.len()
    }

    /// The interrupt inputs of `cpu`.
    pub fn pins(&self, cpu: usize) -> &Arc<IrqPins> {
        &self.ports[cpu].pins
    }

    /// Drives the private input `intid` (16 to 31) of `cpu`: a timer, the maintenance interrupt, the PMU.
    pub fn set_ppi(&self, cpu: usize, intid: u32, level: bool) {
        debug_assert!((16..32).contains(&intid));
        let mut state = self.lock();
        state.redistributors[cpu].block.set_level(intid, level);
        self.publish(&state, cpu);
    }

    /// Sends a message-signalled interrupt: the write of `event` to GITS_TRANSLATER by device `device`.
    pub fn send_msi(&self, device: u32, event: u32) {
        let state = &mut *self.lock();
        if let Some(its) = &state.its
            && let Some((cpu, intid)) = its.translate(device, event)
            && let Some(redistributor) = state.redistributors.get_mut(cpu)
        {
            redistributor.lpis.set_pending(intid, &self.ram);
            self.publish(state, cpu);
        }
    }

    /// Copies the state, for a snapshot.
    pub fn snapshot(&self) -> GicSnapshot {
        GicSnapshot(self.lock().clone())
    }

    /// Replaces the state by that of a snapshot of a GIC with the same configuration.
    pub fn restore(&self, snapshot: &GicSnapshot) {
        let mut state = self.lock();
        state.clone_from(&snapshot.0);
        self.publish_all(&state);
    }

    /// Puts the distributor, the redistributors and the ITS into their reset state.
    pub(crate) fn reset(&self) {
        let config = GicConfig {
            affinities: self.affinities.clone(),
            its: self.its,
            list_register_count: self.list_register_count,
        };
        let mut state = self.lock();
        *state = State::new(&config);
        self.publish_all(&state);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere ends the machine anyway; the state is never left half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The published highest priority pending interrupt of `cpu`.
    fn highest(&self, cpu: usize) -> Highest {
        Highest::unpack(self.ports[cpu].highest.load(Ordering::SeqCst))
    }

    /// Publishes the highest priority pending interrupt of `cpu` after a change.
    fn publish(&self, state: &State, cpu: usize) {
        if self.publish_own(state, cpu) {
            self.ports[cpu].pins.request_attention();
        }
    }

    /// As [`Self::publish`], for the CPU whose own thread this is: it will refresh its pins by itself.
    /// Tells whether there is news.
    fn publish_own(&self, state: &State, cpu: usize) -> bool {
        let highest = state.highest(cpu).pack();
        self.ports[cpu].highest.swap(highest, Ordering::SeqCst) != highest
    }

    fn publish_all(&self, state: &State) {
        for cpu in 0..self.ports.len() {
            self.publish(state, cpu);
        }
    }
}

/// The CPU interface's requests; each is made by the thread of `cpu`, which refreshes its pins afterwards.
impl Gic {
    /// Makes `expected`, the published highest priority pending interrupt of `cpu`, active; `None` if
    /// another has taken its place meanwhile.
    fn acknowledge(&self, cpu: usize, expected: Highest) -> Option<Highest> {
        let mut state = self.lock();
        let found = state.highest(cpu) == expected;
        if found {
            state.acknowledge(cpu, expected.intid);
            self.publish_own(&state, cpu);
        }
        found.then_some(expected)
    }

    /// Makes interrupt `intid` inactive.
    fn deactivate(&self, cpu: usize, intid: u32) {
        let mut state = self.lock();
        if let Some((block, bit)) = state.block(cpu, intid) {
            block.deactivate(bit);
        }
        if intid < distributor::FIRST_SPI {
            self.publish_own(&state, cpu);
        } else {
            self.publish_others(&state, cpu);
        }
    }

    /// Records the groups that the CPU interface enables.
    fn set_cpu_groups(&self, cpu: usize, groups: u8) {
        let mut state = self.lock();
        state.redistributors[cpu].cpu_groups = groups;
        self.publish_own(&state, cpu);
    }

    /// Records that the CPU interface loses its power, or has it back.
    fn set_powered_down(&self, cpu: usize, powered_down: bool) {
        let mut state = self.lock();
        state.redistributors[cpu].powered_down = powered_down;
        self.publish_own(&state, cpu);
    }

    /// Sends SGI `intid` in `group` to every CPU that `to` selects.
    fn send_sgi(&self, cpu: usize, intid: u32, group: u8, to: impl Fn(usize, Affinity) -> bool) {
        let mut state = self.lock();
        for (target, &affinity) in self.affinities.iter().enumerate() {
            let block = &mut state.redistributors[target].block;
            if to(target, affinity) && u8::from(block.in_group_1(intid)) == group {
                block.latched |= 1 << intid;
                if target == cpu {
                    self.publish_own(&state, target);
                } else {
                    self.publish(&state, target);
                }
            }
        }
    }

    /// Publishes what the thread of `cpu` has changed: an SPI may belong to another CPU by now.
    fn publish_others(&self, state: &State, cpu: usize) {
        for other in 0..self.ports.len() {
            if other == cpu {
                self.publish_own(state, other);
            } else {
                self.publish(state, other);
            }
        }
    }
}

impl InterruptSink for Gic {
    fn set_level(&self, intid: u32, level: bool) {
        let mut state = self.lock();
        if let Some((block, bit)) = state.distributor.spi(intid) {
            block.set_level(bit, level);
            self.publish_all(&state);
        }
    }
}
