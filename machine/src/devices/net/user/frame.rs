//! Frames: Ethernet, ARP, and UDP in IPv4.

use std::net::SocketAddrV4;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr,
    IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

use super::super::Mac;
use super::addresses::{HOST, NAME_SERVER};

/// The address of everything on the network but the guest: that of QEMU's.
const OUR_MAC: EthernetAddress = EthernetAddress([0x52, 0x55, 0x0a, 0x00, 0x02, 0x02]);
const ETHERNET_HEADER_BYTES: usize = 14;
const IPV4_HEADER_BYTES: usize = 20;
const UDP_HEADER_BYTES: usize = 8;
const HOP_LIMIT: u8 = 64;
/// The largest IP packet.
pub(super) const MTU_BYTES: usize = 1500;
/// The largest datagram that needs no fragments.
pub(super) const UDP_LIMIT_BYTES: usize = MTU_BYTES - IPV4_HEADER_BYTES - UDP_HEADER_BYTES;

/// A frame of the guest.
#[derive(Debug)]
pub(super) struct Ethernet<'a> {
    pub(super) protocol: EthernetProtocol,
    pub(super) payload: &'a [u8],
}

impl<'a> Ethernet<'a> {
    pub(super) fn parse(frame: &'a [u8]) -> Option<Self> {
        let frame = EthernetFrame::new_checked(frame).ok()?;
        Some(Self { protocol: frame.ethertype(), payload: frame.payload() })
    }
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram<'a> {
    pub(super) from: SocketAddrV4,
    pub(super) to: SocketAddrV4,
    pub(super) payload: &'a [u8],
}

/// Puts an IPv4 packet for the guest into a frame.
pub(super) fn ipv4(guest: Mac, packet: &[u8]) -> Vec<u8> {
    ethernet(guest, EthernetProtocol::Ipv4, packet.len(), |payload| payload.copy_from_slice(packet))
}

/// Makes a frame of a datagram for the guest, of at most [`UDP_LIMIT_BYTES`].
pub(super) fn udp(guest: Mac, datagram: &Datagram<'_>) -> Vec<u8> {
    let (source, destination) = (*datagram.from.ip(), *datagram.to.ip());
    let udp = UdpRepr { src_port: datagram.from.port(), dst_port: datagram.to.port() };
    let ip = Ipv4Repr {
        src_addr: source,
        dst_addr: destination,
        next_header: IpProtocol::Udp,
        payload_len: UDP_HEADER_BYTES + datagram.payload.len(),
        hop_limit: HOP_LIMIT,
    };
    let checksums = ChecksumCapabilities::default();
    ethernet(guest, EthernetProtocol::Ipv4, IPV4_HEADER_BYTES + ip.payload_len, |payload| {
        let mut packet = Ipv4Packet::new_unchecked(payload);
        ip.emit(&mut packet, &checksums);
        udp.emit(
            &mut UdpPacket::new_unchecked(packet.payload_mut()),
            &IpAddress::Ipv4(source),
            &IpAddress::Ipv4(destination),
            datagram.payload.len(),
            |payload| payload.copy_from_slice(datagram.payload),
            &checksums,
        );
    })
}

/// Answers the guest's question for one of our addresses.
pub(super) fn arp_reply(request: &Ethernet<'_>, guest: Mac) -> Option<Vec<u8>> {
    let ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr,
        source_protocol_addr,
        target_protocol_addr,
        ..
    } = ArpRepr::parse(&ArpPacket::new_checked(request.payload).ok()?).ok()?
    else {
        return None;
    };
    if ![HOST, NAME_SERVER].contains(&target_protocol_addr) {
        return None;
    }
    let reply = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr: OUR_MAC,
        source_protocol_addr: target_protocol_addr,
        target_hardware_addr: source_hardware_addr,
        target_protocol_addr: source_protocol_addr,
    };
    Some(ethernet(guest, EthernetProtocol::Arp, reply.buffer_len(), |payload| {
        reply.emit(&mut ArpPacket::new_unchecked(payload));
    }))
}

fn ethernet(guest: Mac, protocol: EthernetProtocol, length: usize, fill: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let header = EthernetRepr { src_addr: OUR_MAC, dst_addr: EthernetAddress(guest), ethertype: protocol };
    let mut bytes = vec![0; ETHERNET_HEADER_BYTES + length];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    header.emit(&mut frame);
    fill(frame.payload_mut());
    bytes
}
