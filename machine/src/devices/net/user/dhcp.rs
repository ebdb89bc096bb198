//! The DHCP server, which has one address to give.

use std::net::{Ipv4Addr, SocketAddrV4};

use smoltcp::wire::{DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress};

use super::super::Mac;
use super::addresses::{GUEST, HOST, MASK, NAME_SERVER};
use super::frame::Datagram;

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
const LEASE_SECONDS: u32 = 86_400;

/// Tells whether a datagram is for the server.
pub(super) fn is_request(datagram: &Datagram<'_>) -> bool {
    datagram.to.port() == SERVER_PORT && (datagram.to.ip().is_broadcast() || *datagram.to.ip() == HOST)
}

/// Answers a message of the client with this address; others get no answer.
pub(super) fn answer(message: &[u8], guest: Mac) -> Option<Vec<u8>> {
    let packet = DhcpPacket::new_checked(message).ok()?;
    let request = DhcpRepr::parse(&packet).ok()?;
    if request.client_hardware_address != EthernetAddress(guest) {
        return None;
    }
    let wanted = request.requested_ip.unwrap_or(request.client_ip);
    let message_type = match request.message_type {
        DhcpMessageType::Discover => DhcpMessageType::Offer,
        DhcpMessageType::Request if wanted == GUEST => DhcpMessageType::Ack,
        DhcpMessageType::Request => DhcpMessageType::Nak,
        DhcpMessageType::Inform => DhcpMessageType::Ack,
        _ => return None,
    };
    let gives = message_type != DhcpMessageType::Nak;
    let leases = gives && request.message_type != DhcpMessageType::Inform;
    let reply = DhcpRepr {
        message_type,
        transaction_id: request.transaction_id,
        secs: 0,
        client_hardware_address: request.client_hardware_address,
        client_ip: Ipv4Addr::UNSPECIFIED,
        your_ip: if leases { GUEST } else { Ipv4Addr::UNSPECIFIED },
        server_ip: if gives { HOST } else { Ipv4Addr::UNSPECIFIED },
        router: gives.then_some(HOST),
        subnet_mask: gives.then_some(MASK),
        relay_agent_ip: Ipv4Addr::UNSPECIFIED,
        broadcast: request.broadcast,
        requested_ip: None,
        client_identifier: None,
        server_identifier: Some(HOST),
        parameter_request_list: None,
        dns_servers: gives.then(|| [NAME_SERVER].into_iter().collect()),
        max_size: None,
        lease_duration: leases.then_some(LEASE_SECONDS),
        renew_duration: None,
        rebind_duration: None,
        additional_options: &[],
    };
    let mut bytes = vec![0; reply.buffer_len()];
    reply.emit(&mut DhcpPacket::new_unchecked(&mut bytes[..])).ok()?;
    Some(bytes)
}

/// Addresses an answer to the client, which has no address yet.
pub(super) fn datagram(payload: &[u8]) -> Datagram<'_> {
    Datagram {
        from: SocketAddrV4::new(HOST, SERVER_PORT),
        to: SocketAddrV4::new(Ipv4Addr::BROADCAST, CLIENT_PORT),
        payload,
    }
}
