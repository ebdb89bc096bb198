//! A driver for tests: the other side of the rings.

use std::sync::Arc;

use super::super::testing::LineProbe;
use super::queue::Queue;
use super::{Transport, VirtioDevice, feature};
use crate::bus::Device;
use crate::ram::GuestRam;

pub(super) const RAM_BASE: u64 = 0x4000_0000;
pub(super) const RAM_BYTES: u64 = 0x10_0000;
/// Where tests may put buffers.
pub(super) const DATA: u64 = RAM_BASE + 0x8_0000;
pub(super) const NEXT: u16 = 1;
pub(super) const WRITE: u16 = 2;
pub(super) const INDIRECT: u16 = 4;

pub(super) fn ram() -> Arc<GuestRam> {
    Arc::new(GuestRam::new(RAM_BASE, RAM_BYTES).unwrap())
}

/// The driver's side of one virtqueue.
pub(super) struct DriverQueue {
    pub(super) ram: Arc<GuestRam>,
    pub(super) size: u16,
    pub(super) descriptors: u64,
    pub(super) avail: u64,
    pub(super) used: u64,
    next_descriptor: u16,
    avail_index: u16,
    seen_used: u16,
}

impl DriverQueue {
    /// Lays out virtqueue `index` in RAM.
    pub(super) fn new(ram: &Arc<GuestRam>, index: u16, size: u16) -> Self {
        let base = RAM_BASE + 0x1_0000 * u64::from(index);
        Self {
            ram: ram.clone(),
            size,
            descriptors: base,
            avail: base + 0x8000,
            used: base + 0xc000,
            next_descriptor: 0,
            avail_index: 0,
            seen_used: 0,
        }
    }

    /// The device's side, as the transport would have set it up.
    pub(super) fn device_side(&self) -> Queue {
        let mut queue = Queue::new(self.size);
        queue.ready = true;
        (queue.descriptors, queue.avail, queue.used) = (self.descriptors, self.avail, self.used);
        queue
    }

    /// Writes descriptor `index` of the table at `table`.
    pub(super) fn descriptor(&self, table: u64, index: u16, (pa, length, flags, next): (u64, u32, u16, u16)) {
        let at = table + 16 * u64::from(index);
        self.ram.write(at, pa).unwrap();
        self.ram.write(at + 8, length).unwrap();
        self.ram.write(at + 12, flags).unwrap();
        self.ram.write(at + 14, next).unwrap();
    }

    /// Publishes the chain that starts at descriptor `head`.
    pub(super) fn publish(&mut self, head: u16) {
        let slot = u64::from(self.avail_index % self.size);
        self.ram.write(self.avail + 4 + 2 * slot, head).unwrap();
        self.avail_index = self.avail_index.wrapping_add(1);
        self.ram.write(self.avail + 2, self.avail_index).unwrap();
    }

    /// Makes a chain of `(address, length, flags)` buffers and publishes it.
    pub(super) fn offer(&mut self, buffers: &[(u64, u32, u16)]) -> u16 {
        let head = self.next_descriptor % self.size;
        for (count, &(pa, length, flags)) in buffers.iter().enumerate() {
            let index = self.next_descriptor % self.size;
            let next = (index + 1) % self.size;
            let more = if count + 1 < buffers.len() { NEXT } else { 0 };
            self.descriptor(self.descriptors, index, (pa, length, flags | more, next));
            self.next_descriptor = next;
        }
        self.publish(head);
        head
    }

    /// The entries that the device has used since the last call: head and length.
    pub(super) fn take_used(&mut self) -> Vec<(u32, u32)> {
        let index: u16 = self.ram.read(self.used + 2).unwrap();
        let mut entries = Vec::new();
        while self.seen_used != index {
            let at = self.used + 4 + 8 * u64::from(self.seen_used % self.size);
            entries.push((self.ram.read(at).unwrap(), self.ram.read(at + 4).unwrap()));
            self.seen_used = self.seen_used.wrapping_add(1);
        }
        entries
    }
}

/// A transport with a driver that has set it up.
pub(super) struct Bench {
    pub(super) transport: Transport,
    pub(super) line: Arc<LineProbe>,
    pub(super) ram: Arc<GuestRam>,
    pub(super) queues: Vec<DriverQueue>,
}

impl Bench {
    /// Drives `device` to DRIVER_OK with every offered feature but the event index.
    pub(super) fn new(device: Box<dyn VirtioDevice>) -> Self {
        let (line, irq) = LineProbe::new();
        let ram = ram();
        let queue_count = u16::try_from(device.queue_sizes().len()).unwrap();
        let transport = Transport::new(device, irq, ram.clone());
        let queues = (0..queue_count).map(|index| DriverQueue::new(&ram, index, 16)).collect();
        let bench = Self { transport, line, ram, queues };
        bench.start();
        bench
    }

    pub(super) fn start(&self) {
        for status in [0, 1, 3] {
            self.write(0x070, status);
        }
        let mut features = 0_u64;
        for word in 0..2 {
            self.write(0x014, word);
            features |= u64::from(self.read(0x010)) << (32 * word);
        }
        features &= !feature::EVENT_IDX;
        for word in 0..2 {
            self.write(0x024, word);
            self.write(0x020, (features >> (32 * word)) as u32);
        }
        self.write(0x070, 0xb);
        assert_eq!(self.read(0x070), 0xb, "the device accepts what it offered");
        for (index, queue) in self.queues.iter().enumerate() {
            self.write(0x030, index as u32);
            self.write(0x038, queue.size.into());
            for (register, pa) in [(0x080, queue.descriptors), (0x090, queue.avail), (0x0a0, queue.used)] {
                self.write(register, pa as u32);
                self.write(register + 4, (pa >> 32) as u32);
            }
            self.write(0x044, 1);
        }
        self.write(0x070, 0xf);
    }

    pub(super) fn read(&self, offset: u64) -> u32 {
        self.transport.read(offset, 4) as u32
    }

    pub(super) fn write(&self, offset: u64, value: u32) {
        self.transport.write(offset, 4, value.into());
    }

    pub(super) fn notify(&self, queue: u32) {
        self.write(0x050, queue);
    }

    /// Reads `length` bytes of guest memory.
    pub(super) fn bytes(&self, pa: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.ram.copy_out(pa, &mut bytes).unwrap();
        bytes
    }
}
