//! Split virtqueues: the device's side of the rings in guest memory.

mod chain;

use std::sync::atomic::{Ordering, fence};

use crate::ram::{GuestRam, RamError};
pub use chain::{Buffer, Chain};

/// The driver does not ask for interrupts (avail ring flag).
const AVAIL_NO_INTERRUPT: u16 = 1;

/// How the guest has broken the rules of a virtqueue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// A ring, a descriptor table or a buffer is not in RAM.
    #[error("a virtqueue leads outside RAM")]
    OutsideRam,
    /// The driver has published more chains than the ring has entries.
    #[error("a virtqueue holds more chains than it has entries")]
    TooManyChains,
    /// A descriptor index is not below the table's size.
    #[error("descriptor {index} is outside its table of {table_size}")]
    BadIndex {
        /// The index.
        index: u16,
        /// The number of descriptors in the table.
        table_size: u16,
    },
    /// A chain has more descriptors than the queue has entries: it may be a loop.
    #[error("a descriptor chain is longer than its virtqueue")]
    ChainTooLong,
    /// An indirect descriptor is where none may be, or its table is malformed.
    #[error("an indirect descriptor is malformed")]
    BadIndirect,
    /// A readable descriptor follows a writable one.
    #[error("a readable descriptor follows a writable one")]
    WrongOrder,
    /// A request has no room for what the device must answer, or lacks what the device must read.
    #[error("a request has not the form of its device type")]
    BadRequest,
}

impl From<RamError> for RingError {
    fn from(_: RamError) -> Self {
        Self::OutsideRam
    }
}

/// The device's side of one virtqueue.
#[derive(Clone, Debug)]
pub struct Queue {
    size_limit: u16,
    /// The number of entries that the driver chose.
    pub(super) size: u16,
    pub(super) ready: bool,
    /// Guest physical address of the descriptor table.
    pub(super) descriptors: u64,
    /// Guest physical address of the avail ring, the driver area.
    pub(super) avail: u64,
    /// Guest physical address of the used ring, the device area.
    pub(super) used: u64,
    /// Free-running index of the next avail entry to take.
    next_avail: u16,
    /// Free-running index of the next used entry to fill.
    next_used: u16,
    /// The number of entries used since the last decision whether to interrupt.
    undecided_count: u32,
    pub(super) indirect: bool,
    pub(super) event_index: bool,
}

impl Queue {
    /// A queue of at most `size_limit` entries, not set up by a driver yet.
    pub fn new(size_limit: u16) -> Self {
        Self {
            size_limit,
            size: size_limit,
            ready: false,
            descriptors: 0,
            avail: 0,
            used: 0,
            next_avail: 0,
            next_used: 0,
            undecided_count: 0,
            indirect: false,
            event_index: false,
        }
    }

    /// The largest number of entries.
    pub fn size_limit(&self) -> u16 {
        self.size_limit
    }

    /// Forgets what the driver has set up.
    pub fn reset(&mut self) {
        *self = Self::new(self.size_limit);
    }

    /// Sets the number of entries; anything but a power of two up to the limit is ignored.
    pub(super) fn set_size(&mut self, size: u32) {
        if let Ok(size) = u16::try_from(size)
            && size.is_power_of_two()
            && size <= self.size_limit
        {
            self.size = size;
        }
    }

    /// Tells whether the driver has made a chain available. If not, asks to be told of the next one.
    pub fn has_next(&mut self, ram: &GuestRam) -> Result<bool, RingError> {
        if !self.ready {
            return Ok(false);
        }
        if self.avail_index(ram)? != self.next_avail {
            return Ok(true);
        }
        if !self.event_index {
            return Ok(false);
        }
        ram.write(at(self.used, 4 + 8 * u64::from(self.size))?, self.next_avail)?;
        // Looks again, so as not to miss one that came before the wish was seen.
        fence(Ordering::SeqCst);
        Ok(self.avail_index(ram)? != self.next_avail)
    }

    /// Takes the next chain that the driver has made available, if there is one.
    pub fn pop(&mut self, ram: &GuestRam) -> Result<Option<Chain>, RingError> {
        if !self.has_next(ram)? {
            return Ok(None);
        }
        let slot = u64::from(self.next_avail % self.size);
        let head = ram.read::<u16>(at(self.avail, 4 + 2 * slot)?)?;
        self.next_avail = self.next_avail.wrapping_add(1);
        Chain::read(self, head, ram).map(Some)
    }

    /// Gives a chain back to the driver, with the number of bytes written to it.
    pub fn push(&mut self, chain: &Chain, written_bytes: u32, ram: &GuestRam) -> Result<(), RingError> {
        let entry = at(self.used, 4 + 8 * u64::from(self.next_used % self.size))?;
        ram.write(entry, u32::from(chain.head()))?;
        ram.write(at(entry, 4)?, written_bytes)?;
        self.next_used = self.next_used.wrapping_add(1);
        self.undecided_count = self.undecided_count.saturating_add(1);
        // The store has release order: the driver sees the entry before the index.
        ram.write(at(self.used, 2)?, self.next_used)?;
        Ok(())
    }

    /// Tells whether the driver wants an interrupt for what was pushed since the last call.
    pub fn wants_interrupt(&mut self, ram: &GuestRam) -> Result<bool, RingError> {
        let used_count = std::mem::take(&mut self.undecided_count);
        if used_count == 0 {
            return Ok(false);
        }
        // The driver writes its wish and then reads the used index; here it is the other way round.
        fence(Ordering::SeqCst);
        if !self.event_index {
            return Ok(ram.read::<u16>(self.avail)? & AVAIL_NO_INTERRUPT == 0);
        }
        let event = ram.read::<u16>(at(self.avail, 4 + 2 * u64::from(self.size))?)?;
        // vring_need_event of the specification: the event index is among the entries just used.
        Ok(u32::from(self.next_used.wrapping_sub(event).wrapping_sub(1)) < used_count)
    }

    fn avail_index(&self, ram: &GuestRam) -> Result<u16, RingError> {
        let index = ram.read::<u16>(at(self.avail, 2)?)?;
        if index.wrapping_sub(self.next_avail) > self.size {
            return Err(RingError::TooManyChains);
        }
        Ok(index)
    }
}

/// The address `offset` bytes after `base`, which the guest has chosen.
fn at(base: u64, offset: u64) -> Result<u64, RingError> {
    base.checked_add(offset).ok_or(RingError::OutsideRam)
}

#[cfg(test)]
mod tests;
