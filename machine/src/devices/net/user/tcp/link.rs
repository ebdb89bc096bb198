//! The wire between the guest and the stack, as the stack sees it: IP packets in two queues.

use std::collections::VecDeque;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use super::super::frame::MTU_BYTES;

/// Packets beyond this many are lost; the guest or the stack repeats them.
const PACKET_LIMIT: usize = 1024;

/// The two queues.
#[derive(Debug, Default)]
pub(in super::super) struct Link {
    to_stack: VecDeque<Vec<u8>>,
    to_guest: VecDeque<Vec<u8>>,
}

impl Link {
    pub(in super::super) fn put(&mut self, packet: Vec<u8>) {
        if self.to_stack.len() < PACKET_LIMIT {
            self.to_stack.push_back(packet);
        }
    }

    pub(in super::super) fn take(&mut self) -> Option<Vec<u8>> {
        self.to_guest.pop_front()
    }
}

impl Device for Link {
    type RxToken<'a> = Received;
    type TxToken<'a> = Room<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Room<'_>)> {
        let packet = self.to_stack.pop_front()?;
        Some((Received(packet), Room(&mut self.to_guest)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Room<'_>> {
        // The stack waits while the guest does not take what there is.
        (self.to_guest.len() < PACKET_LIMIT).then_some(Room(&mut self.to_guest))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU_BYTES;
        capabilities
    }
}

/// A packet of the guest.
pub(in super::super) struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

/// Room for a packet to the guest.
pub(in super::super) struct Room<'a>(&'a mut VecDeque<Vec<u8>>);

impl TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut packet = vec![0; length];
        let result = fill(&mut packet);
        self.0.push_back(packet);
        result
    }
}
