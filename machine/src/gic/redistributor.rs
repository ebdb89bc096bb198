//! A redistributor: SGIs, PPIs and LPIs of one CPU.

use super::block::{Block, BlockRegister};
use super::lpi::Lpis;
use super::{Affinity, CPU_ID_REGISTERS, GIC_ID_REGISTERS};
use crate::ram::GuestRam;

/// Bytes of the two frames of a redistributor.
pub(crate) const REDISTRIBUTOR_BYTES: u64 = 0x2_0000;
const SGI_FRAME: u64 = 0x1_0000;

/// GICR_CTLR.CES: EnableLPIs can be cleared.
const CTLR_CES: u32 = 1 << 1;

/// GICR_WAKER.ProcessorSleep and ChildrenAsleep.
const WAKER_PROCESSOR_SLEEP: u32 = 1 << 1;
const WAKER_CHILDREN_ASLEEP: u32 = 1 << 2;

/// State of a redistributor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redistributor {
    /// SGIs and PPIs.
    pub(crate) block: Block,
    /// LPIs.
    pub(crate) lpis: Lpis,
    /// The groups that the CPU interface has enabled (ICC_IGRPENn_EL1), as bits 0 and 1.
    pub(crate) cpu_groups: u8,
    /// Whether the CPU and its interface are powered down: what is pending in any group is to wake it (WakeRequest).
    pub(crate) powered_down: bool,
    /// GICR_WAKER.ProcessorSleep. It holds nothing back: it only matters to the choice of IRM = 1.
    pub(crate) asleep: bool,
    /// GICR_TYPER.
    typer: u64,
}

impl Redistributor {
    /// The redistributor of CPU `number` after reset.
    pub(crate) fn new(number: usize, affinity: Affinity, last: bool, lpis: bool) -> Self {
        let typer = u64::from(affinity.packed()) << 32
            | (number as u64) << 8
            | u64::from(last) << 4
            | u64::from(lpis);
        Self {
            // SGIs are edge-triggered.
            block: Block { edge: 0xffff, ..Block::default() },
            lpis: Lpis::default(),
            cpu_groups: 0,
            powered_down: false,
            asleep: true,
            typer,
        }
    }

    fn has_lpis(&self) -> bool {
        self.typer & 1 != 0
    }

    /// Reads the 32-bit word at `offset` of the two frames. Reserved registers read as zero.
    pub(crate) fn read(&self, offset: u64) -> u32 {
        let half = |register: u64| if offset & 4 == 0 { register as u32 } else { (register >> 32) as u32 };
        match offset {
            0x0000 => u32::from(self.lpis.enabled) | if self.has_lpis() { CTLR_CES } else { 0 },
            0x0004 => super::IIDR,
            0x0008 | 0x000c => half(self.typer),
            0x0014 if self.asleep => WAKER_PROCESSOR_SLEEP | WAKER_CHILDREN_ASLEEP,
            0x0070 | 0x0074 => half(self.lpis.propbaser),
            0x0078 | 0x007c => half(self.lpis.pendbaser),
            0xffd0..0xfff0 => GIC_ID_REGISTERS[(offset as usize - 0xffd0) / 4],
            0xfff0..0x1_0000 => CPU_ID_REGISTERS[(offset as usize - 0xfff0) / 4],
            SGI_FRAME.. => match BlockRegister::at(offset - SGI_FRAME) {
                Some((register, 0)) => self.block.read(register),
                _ => 0,
            },
            _ => 0,
        }
    }

    /// Writes the 32-bit word at `offset` of the two frames.
    pub(crate) fn write(&mut self, offset: u64, value: u32, ram: &GuestRam) {
        let shift = (offset & 4) * 8;
        let merge = |old: u64| old & !(0xffff_ffff << shift) | u64::from(value) << shift;
        match offset {
            0x0000 if self.has_lpis() => self.lpis.set_enabled(value & 1 != 0, ram),
            0x0014 => self.asleep = value & WAKER_PROCESSOR_SLEEP != 0,
            0x0070 | 0x0074 if self.has_lpis() => {
                let merged = merge(self.lpis.propbaser);
                self.lpis.write_propbaser(merged);
            }
            0x0078 | 0x007c if self.has_lpis() => {
                let merged = merge(self.lpis.pendbaser | u64::from(self.lpis.pending_table_zero) << 62);
                self.lpis.write_pendbaser(merged);
            }
            SGI_FRAME.. => match BlockRegister::at(offset - SGI_FRAME) {
                // GICR_ICFGR0: SGIs are always edge-triggered.
                Some((BlockRegister::Config(0), 0)) | None => {}
                Some((register, 0)) => self.block.write(register, value),
                Some(_) => {}
            },
            _ => {}
        }
    }
}
