//! A network of the guest's own, spliced to the host's sockets without privileges.
//!
//! The addresses are those of QEMU's user network: the guest is 10.0.2.15, the host 10.0.2.2 and the name
//! server 10.0.2.3; DHCP gives them out. Connections to 10.0.2.2 arrive at the host's loopback interface,
//! and everything else goes where it says. A TCP connection of the guest ends here (smoltcp is the other end) and
//! a host socket takes its data further; UDP datagrams are relayed one by one. There is no IPv6, and no
//! fragments pass.

mod addresses;
mod dhcp;
mod frame;
mod tcp;
mod udp;

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::time::Instant;

use smoltcp::wire::{EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket, UdpPacket};

use super::{Mac, NetBackend};
use addresses::{HOST, NAME_SERVER, Targets};
use frame::{Datagram, Ethernet};

/// Frames for the guest beyond this many are lost, as on a wire.
const FRAME_LIMIT: usize = 1024;

/// A host socket whose connections are passed to the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Where the host listens.
    pub host: SocketAddr,
    /// The guest's port.
    pub guest_port: u16,
}

/// What a user network is made of.
#[derive(Clone, Debug, Default)]
pub struct UserNetConfig {
    /// The guest's address.
    pub mac: Mac,
    /// Nothing outside can be reached from the guest; forwards still work.
    pub restricted: bool,
    /// The name server that answers for 10.0.2.3; the host's own if not given.
    pub name_server: Option<SocketAddr>,
    /// TCP ports of the host that lead to the guest.
    pub forwards: Vec<Forward>,
}

/// The other side of a guest's network device.
pub struct UserNet {
    mac: Mac,
    targets: Targets,
    started: Instant,
    udp: udp::Relay,
    tcp: tcp::Proxy,
    frames: VecDeque<Vec<u8>>,
}

impl UserNet {
    /// Makes a network. Fails if a port of the host that is to be forwarded cannot be listened on.
    pub fn new(config: &UserNetConfig) -> io::Result<Self> {
        Ok(Self {
            mac: config.mac,
            targets: Targets::new(config.restricted, config.name_server),
            started: Instant::now(),
            udp: udp::Relay::default(),
            tcp: tcp::Proxy::new(&config.forwards)?,
            frames: VecDeque::new(),
        })
    }

    /// Where the host really listens for each forward: port 0 has become a free one.
    pub fn forwarded(&self) -> io::Result<Vec<SocketAddr>> {
        self.tcp.listening()
    }

    fn take_ipv4(&mut self, payload: &[u8]) -> Option<()> {
        let packet = Ipv4Packet::new_checked(payload).ok()?;
        if packet.more_frags() || packet.frag_offset() != 0 {
            return None;
        }
        let (source, destination) = (packet.src_addr(), packet.dst_addr());
        match packet.next_header() {
            IpProtocol::Udp => {
                let udp = UdpPacket::new_checked(packet.payload()).ok()?;
                let datagram = Datagram {
                    from: SocketAddrV4::new(source, udp.src_port()),
                    to: SocketAddrV4::new(destination, udp.dst_port()),
                    payload: udp.payload(),
                };
                if dhcp::is_request(&datagram) {
                    let answer = dhcp::answer(datagram.payload, self.mac)?;
                    self.deliver(frame::udp(self.mac, &dhcp::datagram(&answer)));
                } else {
                    self.udp.send(&datagram, self.targets.target(datagram.to)?);
                }
            }
            IpProtocol::Tcp => {
                let tcp = TcpPacket::new_checked(packet.payload()).ok()?;
                let flow = tcp::Flow {
                    guest: SocketAddrV4::new(source, tcp.src_port()),
                    outside: SocketAddrV4::new(destination, tcp.dst_port()),
                };
                let opens = tcp.syn() && !tcp.ack();
                let target = self.targets.target(flow.outside);
                self.tcp.take(flow, opens, target, packet.into_inner());
            }
            // An echo request is answered by the stack.
            IpProtocol::Icmp if [HOST, NAME_SERVER].contains(&destination) => {
                self.tcp.pass(packet.into_inner());
            }
            _ => {}
        }
        Some(())
    }

    fn deliver(&mut self, frame: Vec<u8>) {
        if self.frames.len() < FRAME_LIMIT {
            self.frames.push_back(frame);
        }
    }
}

impl NetBackend for UserNet {
    fn transmit(&mut self, frame: &[u8]) {
        let Some(ethernet) = Ethernet::parse(frame) else { return };
        match ethernet.protocol {
            EthernetProtocol::Arp => {
                if let Some(reply) = frame::arp_reply(&ethernet, self.mac) {
                    self.deliver(reply);
                }
            }
            EthernetProtocol::Ipv4 => {
                // What cannot be understood is dropped.
                let _ = self.take_ipv4(ethernet.payload);
            }
            _ => {}
        }
    }

    fn poll(&mut self) {
        let now = self.started.elapsed();
        let mac = self.mac;
        let frames = &mut self.frames;
        self.udp.poll(|datagram| {
            if frames.len() < FRAME_LIMIT && datagram.payload.len() <= frame::UDP_LIMIT_BYTES {
                frames.push_back(frame::udp(mac, datagram));
            }
        });
        self.tcp.poll(now);
        while self.frames.len() < FRAME_LIMIT {
            let Some(packet) = self.tcp.next_packet() else { break };
            self.deliver(frame::ipv4(mac, &packet));
        }
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front()
    }
}

#[cfg(test)]
mod tests;
