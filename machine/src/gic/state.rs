//! The distributor, the redistributors and the ITS together, and what follows from them for a CPU.

use super::block::Block;
use super::distributor::Distributor;
use super::its::Its;
use super::redistributor::Redistributor;
use super::{Affinity, GicConfig, SPURIOUS, lpi};

/// The highest priority pending interrupt of a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Highest {
    pub(crate) intid: u32,
    pub(crate) priority: u8,
    /// 0 or 1.
    pub(crate) group: u8,
}

impl Highest {
    pub(super) const NONE: Self = Self { intid: SPURIOUS, priority: 0xff, group: 0 };

    pub(super) fn pack(self) -> u64 {
        u64::from(self.intid) | u64::from(self.priority) << 32 | u64::from(self.group) << 40
    }

    pub(super) fn unpack(word: u64) -> Self {
        Self { intid: word as u32, priority: (word >> 32) as u8, group: (word >> 40) as u8 }
    }
}

/// The state behind the lock, as plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) distributor: Distributor,
    pub(super) redistributors: Vec<Redistributor>,
    pub(super) its: Option<Its>,
}

impl State {
    /// The state after reset.
    pub(super) fn new(config: &GicConfig) -> Self {
        let affinities = &config.affinities;
        let last = affinities.len() - 1;
        let redistributor = |(number, &affinity): (usize, &Affinity)| {
            Redistributor::new(number, affinity, number == last, config.its)
        };
        Self {
            distributor: Distributor::new(affinities, config.its),
            redistributors: affinities.iter().enumerate().map(redistributor).collect(),
            its: config.its.then(Its::default),
        }
    }

    /// The highest priority pending interrupt of `cpu` in the enabled groups.
    pub(super) fn highest(&self, cpu: usize) -> Highest {
        let redistributor = &self.redistributors[cpu];
        let enabled = if redistributor.powered_down { 0b11 } else { redistributor.cpu_groups };
        let groups = self.distributor.groups & enabled;
        let mut highest = Highest::NONE;
        // The lowest INTID wins between equals, hence this order and the strict comparison.
        let mut offer = |priority, intid, group_1: bool| {
            if priority < highest.priority {
                highest = Highest { intid, priority, group: u8::from(group_1) };
            }
        };
        let block = &redistributor.block;
        if let Some((priority, intid)) = block.best(block.candidates(groups)) {
            offer(priority, intid, block.in_group_1(intid));
        }
        if let Some((priority, intid, group_1)) = self.distributor.best(cpu, groups) {
            offer(priority, intid, group_1);
        }
        // LPIs are always in Group 1.
        if groups & 2 != 0
            && let Some((priority, intid)) = redistributor.lpis.best()
        {
            offer(priority, intid, true);
        }
        highest
    }

    /// The block and bit of an SGI, PPI or SPI.
    pub(super) fn block(&mut self, cpu: usize, intid: u32) -> Option<(&mut Block, u32)> {
        if intid < 32 {
            return Some((&mut self.redistributors[cpu].block, intid));
        }
        self.distributor.spi(intid)
    }

    pub(super) fn acknowledge(&mut self, cpu: usize, intid: u32) {
        if intid >= lpi::FIRST_LPI {
            // LPIs have no active state.
            self.redistributors[cpu].lpis.clear_pending(intid);
        } else if let Some((block, bit)) = self.block(cpu, intid) {
            block.acknowledge(bit);
        }
    }

    /// Whether each CPU sleeps, as far as 1-of-N routing is concerned.
    pub(super) fn asleep(&self) -> Vec<bool> {
        self.redistributors.iter().map(|redistributor| redistributor.asleep).collect()
    }
}
