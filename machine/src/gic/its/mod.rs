//! The Interrupt Translation Service: from {DeviceID, EventID} to {INTID, CPU}.
//!
//! Translations are kept in maps here, not in the tables that the guest provides. The tables bound which
//! DeviceIDs and collections exist, as the guest expects, and are never read for their content, except for
//! the valid bits of a two-level device table. Commands execute as soon as GITS_CWRITER is written, so the
//! queue is empty when the guest looks; only one that would hold up the writer for long is worked off in parts,
//! at further accesses to GITS_CWRITER and GITS_CREADR.

mod commands;
mod tables;

use std::collections::BTreeMap;

use super::{CPU_ID_REGISTERS, GIC_ID_REGISTERS, INTID_BITS, State};
use crate::ram::GuestRam;
use tables::Table;

/// Bits of a DeviceID.
const DEVICE_BITS: u32 = 16;
/// Bits of an EventID.
const EVENT_BITS: u32 = 16;
/// Mapped events of all devices at most, so that a guest cannot use up the host's memory. A guest that keeps an
/// LPI for each event, as the architecture wants, does not reach it.
pub(super) const EVENT_LIMIT: usize = 1 << INTID_BITS;
/// What one access of the guest may cost in commands: those that walk all pending LPIs count for more.
const WORK_LIMIT: usize = 8192;
/// Pending LPIs that are walked at the cost of one command.
const LPIS_PER_WORK: usize = 64;
/// Bytes of an interrupt translation table entry, as reported to the guest.
const ITT_ENTRY_BYTES: u32 = 8;

const CBASER_MASK: u64 = 0xb8ef_ffff_ffff_fcff;
const CBASER_VALID: u64 = 1 << 63;
const CBASER_ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// The offset field of GITS_CWRITER and GITS_CREADR.
const QUEUE_OFFSET_MASK: u32 = 0xf_ffe0;

/// State of the ITS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Its {
    /// GITS_CTLR.Enabled.
    enabled: bool,
    cbaser: u64,
    cwriter: u32,
    creadr: u32,
    /// GITS_BASER0.
    device_table: Table,
    /// GITS_BASER1.
    collection_table: Table,
    devices: BTreeMap<u32, Device>,
    /// The number of events of all devices.
    pub(super) event_count: usize,
    /// The CPU of each mapped collection.
    collections: BTreeMap<u16, usize>,
}

/// A mapped device: what its interrupt translation table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Device {
    event_bits: u32,
    events: BTreeMap<u32, Event>,
}

/// A mapped event of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Event {
    intid: u32,
    collection: u16,
}

impl Default for Its {
    fn default() -> Self {
        Self {
            enabled: false,
            cbaser: 0,
            cwriter: 0,
            creadr: 0,
            device_table: Table::devices(),
            collection_table: Table::collections(),
            devices: BTreeMap::new(),
            event_count: 0,
            collections: BTreeMap::new(),
        }
    }
}

impl Its {
    /// The CPU and LPI of an event; `None` while the ITS is disabled or something is not mapped.
    pub(crate) fn translate(&self, device: u32, event: u32) -> Option<(usize, u32)> {
        if self.enabled { self.target(device, event) } else { None }
    }

    fn target(&self, device: u32, event: u32) -> Option<(usize, u32)> {
        let event = self.devices.get(&device)?.events.get(&event)?;
        Some((*self.collections.get(&event.collection)?, event.intid))
    }

    /// GITS_TYPER: physical LPIs; target addresses are processor numbers; no collections in hardware.
    fn typer() -> u64 {
        u64::from(1 | (ITT_ENTRY_BYTES - 1) << 4 | (EVENT_BITS - 1) << 8 | (DEVICE_BITS - 1) << 13)
    }

    /// Reads the 32-bit word at `offset`.
    pub(crate) fn read(&self, offset: u64) -> u32 {
        let half = |register: u64| if offset & 4 == 0 { register as u32 } else { (register >> 32) as u32 };
        match offset {
            // Quiescent: there is never anything in flight.
            0x0000 => u32::from(self.enabled) | u32::from(!self.enabled) << 31,
            0x0004 => super::IIDR,
            0x0008 | 0x000c => half(Self::typer()),
            0x0080 | 0x0084 => half(self.cbaser),
            0x0088 => self.cwriter,
            0x0090 => self.creadr,
            0x0100 | 0x0104 => half(self.device_table.read()),
            0x0108 | 0x010c => half(self.collection_table.read()),
            0xffd0..0xfff0 => GIC_ID_REGISTERS[(offset as usize - 0xffd0) / 4],
            0xfff0..0x1_0000 => CPU_ID_REGISTERS[(offset as usize - 0xfff0) / 4],
            _ => 0,
        }
    }

    fn write(&mut self, offset: u64, value: u32) {
        let shift = (offset & 4) * 8;
        let merge = |old: u64| old & !(0xffff_ffff << shift) | u64::from(value) << shift;
        match offset {
            0x0000 => self.enabled = value & 1 != 0,
            0x0080 | 0x0084 if !self.enabled => {
                self.cbaser = merge(self.cbaser) & CBASER_MASK;
                self.creadr = 0;
            }
            0x0088 => self.cwriter = value & QUEUE_OFFSET_MASK,
            0x0100 | 0x0104 if !self.enabled => self.device_table.write(merge(self.device_table.read())),
            0x0108 | 0x010c if !self.enabled => {
                self.collection_table.write(merge(self.collection_table.read()));
            }
            _ => {}
        }
    }
}

/// Offset of GITS_CREADR.
pub(super) const CREADR: u64 = 0x0090;
/// Offset of GITS_TRANSLATER.
const TRANSLATER: u64 = 0x1_0040;

impl State {
    /// Writes the 32-bit word at `offset` of the ITS, and executes the commands that this makes available.
    /// A write to GITS_TRANSLATER that comes over the CPU's bus has DeviceID 0.
    pub(super) fn write_its(&mut self, offset: u64, value: u32, ram: &GuestRam) {
        let Some(its) = &mut self.its else { return };
        if offset == TRANSLATER {
            if let Some((cpu, intid)) = its.translate(0, value)
                && let Some(redistributor) = self.redistributors.get_mut(cpu)
            {
                redistributor.lpis.set_pending(intid, ram);
            }
            return;
        }
        its.write(offset, value);
        if matches!(offset, 0x0000 | 0x0088) {
            self.run_its_commands(ram);
        }
    }

    /// Executes the queue from GITS_CREADR to GITS_CWRITER, or as much of it as one access may. A command in
    /// error is skipped. Tells whether anything was executed.
    pub(super) fn run_its_commands(&mut self, ram: &GuestRam) -> bool {
        let mut work = 0;
        while work < WORK_LIMIT
            && let Some(command) = self.its.as_mut().and_then(|its| its.next_command(ram))
        {
            self.execute_its_command(command, ram);
            let pending: usize = self.redistributors.iter().map(|r| r.lpis.pending_count()).sum();
            work += 1 + pending / LPIS_PER_WORK;
        }
        work > 0
    }
}

impl Its {
    /// Takes the next command from the queue.
    fn next_command(&mut self, ram: &GuestRam) -> Option<[u64; 4]> {
        let size_bytes = ((self.cbaser & 0xff) as u32 + 1) * 4096;
        let runs = self.enabled && self.cbaser & CBASER_VALID != 0;
        if !runs || self.creadr == self.cwriter || self.cwriter >= size_bytes {
            return None;
        }
        let address = (self.cbaser & CBASER_ADDRESS) + u64::from(self.creadr);
        self.creadr = (self.creadr + 32) % size_bytes;
        // A queue outside RAM reads as zero: no command has number 0.
        Some(std::array::from_fn(|word| ram.read::<u64>(address + word as u64 * 8).unwrap_or(0)))
    }
}

const _: () = assert!(EVENT_BITS <= INTID_BITS, "MAPI maps an event to the LPI of the same number");
