//! Descriptor chains: the buffers of one request.

use super::{Queue, RingError, at};
use crate::ram::GuestRam;

const DESCRIPTOR_BYTES: u64 = 16;
const FLAG_NEXT: u16 = 1;
const FLAG_WRITE: u16 = 2;
const FLAG_INDIRECT: u16 = 4;

/// A piece of guest memory. Whether it is RAM shows when it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Its guest physical address.
    pub pa: u64,
    /// Its length.
    pub length_bytes: u32,
}

/// One request: what the device reads, and where it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    head: u16,
    readable: Vec<Buffer>,
    writable: Vec<Buffer>,
}

struct Descriptor {
    buffer: Buffer,
    flags: u16,
    next: u16,
}

impl Chain {
    /// Follows the chain that starts at descriptor `head`. A chain is at most as long as the queue, which
    /// also ends loops.
    pub(super) fn read(queue: &Queue, head: u16, ram: &GuestRam) -> Result<Self, RingError> {
        let mut chain = Self { head, readable: Vec::new(), writable: Vec::new() };
        let mut table = (queue.descriptors, queue.size);
        let mut in_indirect = false;
        let mut index = head;
        let mut budget = queue.size;
        loop {
            budget = budget.checked_sub(1).ok_or(RingError::ChainTooLong)?;
            let descriptor = read_descriptor(table, index, ram)?;
            if descriptor.flags & FLAG_INDIRECT != 0 {
                if !queue.indirect || in_indirect || descriptor.flags & FLAG_NEXT != 0 {
                    return Err(RingError::BadIndirect);
                }
                table = indirect_table(&descriptor.buffer)?;
                in_indirect = true;
                index = 0;
                // The indirect descriptor itself is not a part of the request.
                budget += 1;
                continue;
            }
            chain.add(&descriptor)?;
            if descriptor.flags & FLAG_NEXT == 0 {
                return Ok(chain);
            }
            index = descriptor.next;
        }
    }

    fn add(&mut self, descriptor: &Descriptor) -> Result<(), RingError> {
        if descriptor.flags & FLAG_WRITE != 0 {
            self.writable.push(descriptor.buffer);
        } else if self.writable.is_empty() {
            self.readable.push(descriptor.buffer);
        } else {
            return Err(RingError::WrongOrder);
        }
        Ok(())
    }

    /// The index of the first descriptor, which names the chain.
    pub fn head(&self) -> u16 {
        self.head
    }

    /// The number of bytes that the device may read.
    pub fn readable_bytes(&self) -> u64 {
        total(&self.readable)
    }

    /// The number of bytes that the device may write.
    pub fn writable_bytes(&self) -> u64 {
        total(&self.writable)
    }

    /// Reads `bytes` from `offset` of the readable part; false if it is shorter.
    pub fn read_at(&self, offset: u64, bytes: &mut [u8], ram: &GuestRam) -> Result<bool, RingError> {
        let length = bytes.len();
        let mut done = 0;
        for piece in pieces(&self.readable, offset, length as u64) {
            let end = done + piece.length_bytes as usize;
            ram.copy_out(piece.pa, &mut bytes[done..end])?;
            done = end;
        }
        Ok(done == length)
    }

    /// Writes `bytes` at `offset` of the writable part; false if it is shorter.
    pub fn write_at(&self, offset: u64, bytes: &[u8], ram: &GuestRam) -> Result<bool, RingError> {
        let mut done = 0;
        for piece in pieces(&self.writable, offset, bytes.len() as u64) {
            let end = done + piece.length_bytes as usize;
            ram.copy_in(piece.pa, &bytes[done..end])?;
            done = end;
        }
        Ok(done == bytes.len())
    }
}

/// The parts of `buffers` that make up `length` bytes from `offset` of their concatenation.
fn pieces(buffers: &[Buffer], offset: u64, length: u64) -> impl Iterator<Item = Buffer> {
    let (mut skip, mut left) = (offset, length);
    buffers.iter().filter_map(move |buffer| {
        let size = u64::from(buffer.length_bytes);
        let start = skip.min(size);
        skip -= start;
        let taken = (size - start).min(left);
        left -= taken;
        // `taken` is at most a length of 32 bits. An address that wraps is not in RAM.
        (taken > 0).then(|| Buffer { pa: buffer.pa.saturating_add(start), length_bytes: taken as u32 })
    })
}

fn total(buffers: &[Buffer]) -> u64 {
    buffers.iter().map(|buffer| u64::from(buffer.length_bytes)).sum()
}

fn read_descriptor((table, size): (u64, u16), index: u16, ram: &GuestRam) -> Result<Descriptor, RingError> {
    if index >= size {
        return Err(RingError::BadIndex { index, table_size: size });
    }
    let mut bytes = [0; DESCRIPTOR_BYTES as usize];
    ram.copy_out(at(table, u64::from(index) * DESCRIPTOR_BYTES)?, &mut bytes)?;
    let [address @ .., l0, l1, l2, l3, f0, f1, n0, n1] = bytes;
    Ok(Descriptor {
        buffer: Buffer {
            pa: u64::from_le_bytes(address),
            length_bytes: u32::from_le_bytes([l0, l1, l2, l3]),
        },
        flags: u16::from_le_bytes([f0, f1]),
        next: u16::from_le_bytes([n0, n1]),
    })
}

/// The table that an indirect descriptor leads to, by address and number of descriptors.
fn indirect_table(buffer: &Buffer) -> Result<(u64, u16), RingError> {
    let length = u64::from(buffer.length_bytes);
    if length == 0 || !length.is_multiple_of(DESCRIPTOR_BYTES) {
        return Err(RingError::BadIndirect);
    }
    // The next field has 16 bits: what lies beyond cannot be reached.
    let size = u16::try_from(length / DESCRIPTOR_BYTES).unwrap_or(u16::MAX);
    Ok((buffer.pa, size))
}
