//! LPIs of one redistributor: the pending set, and the tables in guest RAM.
//!
//! The configuration of an LPI is read when the LPI becomes pending and again on INV and INVALL, which is
//! what the architecture lets a redistributor cache. The pending table in RAM is read when LPIs are
//! enabled and written when they are disabled; in between the pending set is kept here.

use super::{INTID_BITS, PRIORITY_MASK};
use crate::ram::GuestRam;

/// The lowest INTID of an LPI.
pub(crate) const FIRST_LPI: u32 = 8192;

/// An LPI that is pending, with its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PendingLpi {
    intid: u32,
    /// Bit 0: enabled; bits 7:2: priority.
    config: u8,
}

/// The LPI part of a redistributor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lpis {
    /// GICR_CTLR.EnableLPIs.
    pub(crate) enabled: bool,
    /// GICR_PROPBASER.
    pub(crate) propbaser: u64,
    /// GICR_PENDBASER, PTZ excluded.
    pub(crate) pendbaser: u64,
    /// GICR_PENDBASER.PTZ as last written: the pending table is all zero.
    pub(crate) pending_table_zero: bool,
    /// Sorted by INTID; short, so that no index is worth its upkeep.
    pending: Vec<PendingLpi>,
}

const PROPBASER_MASK: u64 = 0x070f_ffff_ffff_ff9f;
const PENDBASER_MASK: u64 = 0x070f_ffff_ffff_0f80;
const PROPBASER_ADDRESS: u64 = 0x000f_ffff_ffff_f000;
const PENDBASER_ADDRESS: u64 = 0x000f_ffff_ffff_0000;
/// GICR_PENDBASER.PTZ.
const PTZ: u64 = 1 << 62;

impl Lpis {
    /// Writes GICR_PROPBASER; it is fixed while LPIs are enabled.
    pub(crate) fn write_propbaser(&mut self, value: u64) {
        if !self.enabled {
            self.propbaser = value & PROPBASER_MASK;
        }
    }

    /// Writes GICR_PENDBASER; it is fixed while LPIs are enabled.
    pub(crate) fn write_pendbaser(&mut self, value: u64) {
        if !self.enabled {
            self.pendbaser = value & PENDBASER_MASK;
            self.pending_table_zero = value & PTZ != 0;
        }
    }

    /// Writes GICR_CTLR.EnableLPIs.
    pub(crate) fn set_enabled(&mut self, enabled: bool, ram: &GuestRam) {
        match (self.enabled, enabled) {
            (false, true) => {
                self.enabled = true;
                if !self.pending_table_zero {
                    self.load_pending(ram);
                }
            }
            (true, false) => {
                self.store_pending(ram);
                self.pending.clear();
                self.enabled = false;
                self.pending_table_zero = false;
            }
            _ => {}
        }
    }

    /// One more than the highest INTID that the configuration table covers.
    fn intid_limit(&self) -> u32 {
        let bits = (self.propbaser & 0x1f) as u32 + 1;
        1 << bits.min(INTID_BITS)
    }

    fn config(&self, intid: u32, ram: &GuestRam) -> u8 {
        let table = self.propbaser & PROPBASER_ADDRESS;
        // A table outside RAM configures nothing: disabled.
        ram.read::<u8>(table + u64::from(intid - FIRST_LPI)).unwrap_or(0)
    }

    /// Makes `intid` pending; LPIs that are out of range or come while LPIs are disabled are lost.
    pub(crate) fn set_pending(&mut self, intid: u32, ram: &GuestRam) {
        if !self.enabled || !(FIRST_LPI..self.intid_limit()).contains(&intid) {
            return;
        }
        if let Err(at) = self.find(intid) {
            self.pending.insert(at, PendingLpi { intid, config: self.config(intid, ram) });
        }
    }

    /// Makes `intid` not pending; tells whether it was.
    pub(crate) fn clear_pending(&mut self, intid: u32) -> bool {
        self.find(intid).map(|at| self.pending.remove(at)).is_ok()
    }

    /// Makes every LPI of `intids` pending that [`Self::set_pending`] would, for MOVALL.
    pub(crate) fn set_all_pending(&mut self, intids: &[u32], ram: &GuestRam) {
        let range = FIRST_LPI..self.intid_limit();
        if !self.enabled {
            return;
        }
        let in_range = intids.iter().copied().filter(|intid| range.contains(intid));
        let added: Vec<_> = in_range
            .filter(|&intid| self.find(intid).is_err())
            .map(|intid| PendingLpi { intid, config: self.config(intid, ram) })
            .collect();
        self.pending.extend(added);
        self.pending.sort_unstable_by_key(|lpi| lpi.intid);
        self.pending.dedup_by_key(|lpi| lpi.intid);
    }

    /// The number of LPIs that are pending here.
    pub(crate) fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// Takes all pending LPIs away, for MOVALL.
    pub(crate) fn take_all(&mut self) -> Vec<u32> {
        self.pending.drain(..).map(|lpi| lpi.intid).collect()
    }

    /// Reads the configuration of `intid` again.
    pub(crate) fn invalidate(&mut self, intid: u32, ram: &GuestRam) {
        if let Ok(at) = self.find(intid) {
            self.pending[at].config = self.config(intid, ram);
        }
    }

    /// Reads the configuration of all LPIs again.
    pub(crate) fn invalidate_all(&mut self, ram: &GuestRam) {
        for at in 0..self.pending.len() {
            self.pending[at].config = self.config(self.pending[at].intid, ram);
        }
    }

    /// The pending and enabled LPI of highest priority: priority and INTID.
    pub(crate) fn best(&self) -> Option<(u8, u32)> {
        let enabled = self.pending.iter().filter(|lpi| lpi.config & 1 != 0);
        enabled.map(|lpi| (lpi.config & PRIORITY_MASK, lpi.intid)).min()
    }

    fn find(&self, intid: u32) -> Result<usize, usize> {
        self.pending.binary_search_by_key(&intid, |lpi| lpi.intid)
    }

    /// The part of the pending table that holds LPIs: address and length in bytes.
    fn pending_table(&self) -> (u64, usize) {
        let table = self.pendbaser & PENDBASER_ADDRESS;
        let length = self.intid_limit().saturating_sub(FIRST_LPI) / 8;
        (table + u64::from(FIRST_LPI / 8), length as usize)
    }

    fn load_pending(&mut self, ram: &GuestRam) {
        let (table, length) = self.pending_table();
        let mut bits = vec![0; length];
        if ram.copy_out(table, &mut bits).is_err() {
            return;
        }
        let set = (0..length * 8).filter(|&bit| bits[bit / 8] >> (bit % 8) & 1 != 0);
        for intid in set.map(|bit| FIRST_LPI + bit as u32) {
            self.set_pending(intid, ram);
        }
    }

    fn store_pending(&self, ram: &GuestRam) {
        let (table, length) = self.pending_table();
        let mut bits = vec![0_u8; length];
        for lpi in &self.pending {
            let bit = (lpi.intid - FIRST_LPI) as usize;
            bits[bit / 8] |= 1 << (bit % 8);
        }
        // A table outside RAM loses the state, as a bus that ignores writes does.
        let _ = ram.copy_in(table, &bits);
    }
}
