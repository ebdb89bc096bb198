//! The distributor: SPIs and their routing.

use super::block::{Block, BlockRegister};
use super::{Affinity, CPU_ID_REGISTERS, GIC_ID_REGISTERS, INTID_BITS};

/// SPIs of the board, INTIDs 32 to 287.
pub(crate) const SPI_COUNT: usize = 256;
/// The first INTID of an SPI.
pub(crate) const FIRST_SPI: u32 = 32;

const BLOCK_COUNT: usize = SPI_COUNT / 32;

/// IROUTER.Interrupt_Routing_Mode: any participating CPU.
const ROUTE_ANY: u64 = 1 << 31;
const ROUTE_MASK: u64 = 0xff_80ff_ffff;

/// GICD_CTLR: ARE and DS, which are always one.
const CTLR_FIXED: u32 = 1 << 4 | 1 << 6;

/// State of the distributor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Distributor {
    /// GICD_CTLR.EnableGrp0 and EnableGrp1 as bits 0 and 1.
    pub(crate) groups: u8,
    /// GICD_CTLR.E1NWF, which has no effect.
    e1nwf: bool,
    /// SPIs 32n + 32 onwards.
    blocks: Vec<Block>,
    /// GICD_IROUTER by SPI.
    routes: Vec<u64>,
    /// By CPU: the SPIs that go there.
    routed: Vec<[u32; BLOCK_COUNT]>,
    /// Whether LPIs are supported.
    lpis: bool,
}

impl Distributor {
    /// A distributor after reset, with all SPIs routed to affinity 0.0.0.0.
    pub(crate) fn new(affinities: &[Affinity], lpis: bool) -> Self {
        let mut distributor = Self {
            groups: 0,
            e1nwf: false,
            blocks: vec![Block::default(); BLOCK_COUNT],
            routes: vec![0; SPI_COUNT],
            routed: vec![[0; BLOCK_COUNT]; affinities.len()],
            lpis,
        };
        distributor.route_all(affinities, &[]);
        distributor
    }

    /// The SPI of highest priority for `cpu` among enabled `groups`: priority, INTID, Group 1.
    pub(crate) fn best(&self, cpu: usize, groups: u8) -> Option<(u8, u32, bool)> {
        let mut best = None;
        for (number, (block, routed)) in self.blocks.iter().zip(&self.routed[cpu]).enumerate() {
            let found = block.best(block.candidates(groups) & routed);
            if let Some((priority, bit)) = found
                && best.is_none_or(|(highest, _, _)| priority < highest)
            {
                best = Some((priority, FIRST_SPI + number as u32 * 32 + bit, block.in_group_1(bit)));
            }
        }
        best
    }

    /// The block and bit of an SPI; `None` for INTIDs that are not implemented SPIs.
    pub(crate) fn spi(&mut self, intid: u32) -> Option<(&mut Block, u32)> {
        let spi = intid.checked_sub(FIRST_SPI)?;
        Some((self.blocks.get_mut(spi as usize / 32)?, spi % 32))
    }

    /// The CPU that `spi` (0 for INTID 32) goes to. With IRM = 1 that is the first CPU that is awake, or
    /// the first of all: the architecture leaves the choice open.
    fn target(&self, spi: usize, affinities: &[Affinity], asleep: &[bool]) -> Option<usize> {
        let route = self.routes[spi];
        if route & ROUTE_ANY != 0 {
            return Some(asleep.iter().position(|&sleeps| !sleeps).unwrap_or(0));
        }
        affinities.iter().position(|affinity| affinity.to_irouter() == route)
    }

    fn route(&mut self, spi: usize, affinities: &[Affinity], asleep: &[bool]) {
        let target = self.target(spi, affinities, asleep);
        for (cpu, routed) in self.routed.iter_mut().enumerate() {
            let word = &mut routed[spi / 32];
            let bit = 1 << (spi % 32);
            if target == Some(cpu) { *word |= bit } else { *word &= !bit }
        }
    }

    /// Applies all routes again, after a CPU has gone to sleep or woken.
    pub(crate) fn route_all(&mut self, affinities: &[Affinity], asleep: &[bool]) {
        for spi in 0..SPI_COUNT {
            self.route(spi, affinities, asleep);
        }
    }

    fn typer(&self, cpu_count: usize) -> u32 {
        let lines = BLOCK_COUNT as u32;
        let cpus = (cpu_count as u32 - 1).min(7);
        // A3V: Aff3 may be non-zero. No1N = 0: IRM = 1 works.
        lines | cpus << 5 | u32::from(self.lpis) << 17 | (INTID_BITS - 1) << 19 | 1 << 24
    }

    /// The block that the frame shows at `number`; block 0 is in the redistributors.
    fn block(&mut self, number: usize) -> Option<&mut Block> {
        self.blocks.get_mut(number.checked_sub(1)?)
    }

    /// Reads the 32-bit word at `offset`. Reserved registers read as zero.
    pub(crate) fn read(&mut self, offset: u64, cpu_count: usize) -> u32 {
        match offset {
            0x0000 => CTLR_FIXED | u32::from(self.groups) | u32::from(self.e1nwf) << 7,
            0x0004 => self.typer(cpu_count),
            0x0008 => super::IIDR,
            0x6100..0x8000 => {
                let route = self.routes.get((offset as usize - 0x6100) / 8).copied().unwrap_or(0);
                if offset & 4 == 0 { route as u32 } else { (route >> 32) as u32 }
            }
            0xffd0..0xfff0 => GIC_ID_REGISTERS[(offset as usize - 0xffd0) / 4],
            0xfff0..0x10000 => CPU_ID_REGISTERS[(offset as usize - 0xfff0) / 4],
            _ => match BlockRegister::at(offset) {
                Some((register, number)) => self.block(number).map_or(0, |block| block.read(register)),
                None => 0,
            },
        }
    }

    /// Writes the 32-bit word at `offset`. Writes to reserved registers have no effect.
    pub(crate) fn write(&mut self, offset: u64, value: u32, affinities: &[Affinity], asleep: &[bool]) {
        match offset {
            0x0000 => {
                self.groups = (value & 3) as u8;
                self.e1nwf = value & 1 << 7 != 0;
            }
            0x6100..0x8000 => {
                let spi = (offset as usize - 0x6100) / 8;
                let Some(route) = self.routes.get_mut(spi) else { return };
                let shift = (offset & 4) * 8;
                *route = (*route & !(0xffff_ffff << shift) | u64::from(value) << shift) & ROUTE_MASK;
                self.route(spi, affinities, asleep);
            }
            _ => {
                if let Some((register, number)) = BlockRegister::at(offset)
                    && let Some(block) = self.block(number)
                {
                    block.write(register, value);
                }
            }
        }
    }
}
