//! What a device sees of its virtqueues while it works.

use super::queue::{Chain, Queue, RingError};
use crate::ram::GuestRam;

/// The virtqueues of a device and the memory that they are in.
pub struct Rings<'a> {
    queues: &'a mut [Queue],
    ram: &'a GuestRam,
    interrupt: bool,
}

impl<'a> Rings<'a> {
    pub(super) fn new(queues: &'a mut [Queue], ram: &'a GuestRam) -> Self {
        Self { queues, ram, interrupt: false }
    }

    /// Guest memory.
    pub fn ram(&self) -> &'a GuestRam {
        self.ram
    }

    /// Takes the next chain of virtqueue `index`.
    pub fn pop(&mut self, index: usize) -> Result<Option<Chain>, RingError> {
        self.queues.get_mut(index).map_or(Ok(None), |queue| queue.pop(self.ram))
    }

    /// Takes the next chain of virtqueue `index` if there is one and `wanted` gives something to put into it.
    pub fn pop_if<T>(
        &mut self,
        index: usize,
        wanted: impl FnOnce() -> Option<T>,
    ) -> Result<Option<(Chain, T)>, RingError> {
        let Some(queue) = self.queues.get_mut(index) else { return Ok(None) };
        if !queue.has_next(self.ram)? {
            return Ok(None);
        }
        let Some(wanted) = wanted() else { return Ok(None) };
        Ok(queue.pop(self.ram)?.map(|chain| (chain, wanted)))
    }

    /// Gives a chain of virtqueue `index` back, with the number of bytes written to it.
    pub fn push(&mut self, index: usize, chain: &Chain, written_bytes: u32) -> Result<(), RingError> {
        self.queues.get_mut(index).map_or(Ok(()), |queue| queue.push(chain, written_bytes, self.ram))
    }

    /// Tells whether the driver wants an interrupt for the chains given back.
    pub(super) fn wants_interrupt(&mut self) -> Result<bool, RingError> {
        for queue in self.queues.iter_mut().filter(|queue| queue.ready) {
            self.interrupt |= queue.wants_interrupt(self.ram)?;
        }
        Ok(self.interrupt)
    }
}
