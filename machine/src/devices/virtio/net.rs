//! Network device (section 5.1) with one pair of queues and no offloads.

use super::super::net::{Mac, NetBackend};
use super::queue::RingError;
use super::{Rings, VirtioDevice, copy_config};

/// VIRTIO_NET_F_MAC.
const MAC: u64 = 1 << 5;
/// VIRTIO_NET_F_STATUS.
const STATUS: u64 = 1 << 16;
/// VIRTIO_NET_S_LINK_UP.
const LINK_UP: u16 = 1;

const RECEIVE: usize = 0;
const TRANSMIT: usize = 1;
/// `virtio_net_hdr` of the new interface.
const HEADER_BYTES: u64 = 12;
/// A header for a frame that is whole, without offloads: only `num_buffers`, 1, is not zero.
const HEADER: [u8; HEADER_BYTES as usize] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
/// The longest frame, with a VLAN tag and without offloads.
const FRAME_LIMIT_BYTES: u64 = 1518;

/// A network device.
pub struct Net {
    backend: Box<dyn NetBackend>,
    mac: Mac,
}

impl Net {
    /// Makes a device with the address `mac`.
    pub fn new(backend: Box<dyn NetBackend>, mac: Mac) -> Self {
        Self { backend, mac }
    }

    fn transmit(&mut self, rings: &mut Rings<'_>) -> Result<(), RingError> {
        let mut buffer = [0; FRAME_LIMIT_BYTES as usize];
        while let Some(chain) = rings.pop(TRANSMIT)? {
            let length = chain.readable_bytes().saturating_sub(HEADER_BYTES);
            // A longer frame would be lost on a real wire too.
            if length <= FRAME_LIMIT_BYTES {
                let frame = &mut buffer[..length as usize];
                chain.read_at(HEADER_BYTES, frame, rings.ram())?;
                self.backend.transmit(frame);
            }
            rings.push(TRANSMIT, &chain, 0)?;
        }
        Ok(())
    }

    fn receive(&mut self, rings: &mut Rings<'_>) -> Result<(), RingError> {
        self.backend.poll();
        // The backend keeps its frames while the guest has no buffer for them.
        while let Some((chain, frame)) = rings.pop_if(RECEIVE, || self.backend.receive())? {
            let length = HEADER_BYTES + frame.len() as u64;
            let fits = length <= chain.writable_bytes();
            if fits {
                chain.write_at(0, &HEADER, rings.ram())?;
                chain.write_at(HEADER_BYTES, &frame, rings.ram())?;
            }
            rings.push(RECEIVE, &chain, if fits { length as u32 } else { 0 })?;
        }
        Ok(())
    }
}

impl VirtioDevice for Net {
    fn device_id(&self) -> u32 {
        1
    }

    fn name(&self) -> &'static str {
        "virtio-net"
    }

    fn features(&self) -> u64 {
        MAC | STATUS
    }

    fn queue_sizes(&self) -> &'static [u16] {
        &[256, 256]
    }

    fn read_config(&self, offset: u64, bytes: &mut [u8]) {
        let mut config = [0; 8];
        config[..6].copy_from_slice(&self.mac);
        config[6..].copy_from_slice(&LINK_UP.to_le_bytes());
        copy_config(&config, offset, bytes);
    }

    fn notify(&mut self, index: usize, rings: &mut Rings<'_>) -> Result<(), RingError> {
        if index == TRANSMIT {
            self.transmit(rings)?;
        }
        self.receive(rings)
    }

    fn poll(&mut self, rings: &mut Rings<'_>) -> Result<(), RingError> {
        self.receive(rings)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use std::collections::VecDeque;

    /// Sends every frame back.
    #[derive(Default)]
    struct Mirror(VecDeque<Vec<u8>>);

    impl NetBackend for Mirror {
        fn transmit(&mut self, frame: &[u8]) {
            self.0.push_back(frame.to_vec());
        }
        fn poll(&mut self) {}
        fn receive(&mut self) -> Option<Vec<u8>> {
            self.0.pop_front()
        }
    }

    fn bench() -> Bench {
        Bench::new(Box::new(Net::new(Box::<Mirror>::default(), [2, 0, 0, 0, 0, 1])))
    }

    #[test]
    fn frames_go_out_without_and_come_in_with_a_header() {
        let mut bench = bench();
        bench.ram.copy_in(DATA + 12, b"frame").unwrap();
        bench.queues[0].offer(&[(DATA + 0x1000, 14, WRITE), (DATA + 0x2000, 100, WRITE)]);
        bench.queues[1].offer(&[(DATA, 14, 0), (DATA + 14, 3, 0)]);
        bench.notify(1);
        assert_eq!(bench.queues[1].take_used(), [(0, 0)]);
        assert_eq!(bench.queues[0].take_used(), [(0, 17)]);
        assert_eq!(bench.bytes(DATA + 0x1000, 14), b"\0\0\0\0\0\0\0\0\0\0\x01\0fr");
        assert_eq!(bench.bytes(DATA + 0x2000, 4), b"ame\0");
        assert!(bench.line.level());
    }

    #[test]
    fn frames_wait_for_buffers() {
        let mut bench = bench();
        bench.queues[1].offer(&[(DATA, 20, 0)]);
        bench.notify(1);
        assert_eq!(bench.queues[0].take_used(), []);
        bench.queues[0].offer(&[(DATA + 0x1000, 100, WRITE)]);
        bench.queues[0].offer(&[(DATA + 0x1000, 100, WRITE)]);
        bench.transport.poll();
        assert_eq!(bench.queues[0].take_used(), [(0, 20)], "one frame takes one buffer");
    }

    #[test]
    fn small_buffer_loses_its_frame_and_long_frames_are_not_sent() {
        let mut bench = bench();
        bench.queues[0].offer(&[(DATA + 0x1000, 13, WRITE)]);
        bench.queues[1].offer(&[(DATA, 12 + 60, 0)]);
        bench.queues[1].offer(&[(DATA, 12 + 1519, 0)]);
        bench.queues[1].offer(&[(DATA, 5, 0)]);
        bench.notify(1);
        assert_eq!(bench.queues[0].take_used(), [(0, 0)]);
        assert_eq!(bench.queues[1].take_used(), [(0, 0), (1, 0), (2, 0)]);
    }

    #[test]
    fn configuration_tells_address_and_link() {
        let bench = bench();
        assert_eq!((bench.read(0x100), bench.read(0x104)), (2, 0x0001_0100));
    }
}
