use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant as StackInstant;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress,
    HardwareAddress, Icmpv4Packet, Icmpv4Repr, IpCidr, Ipv4Cidr, Ipv4Repr,
};

use super::addresses::{GUEST, HOST, NAME_SERVER};
use super::tcp::link::Link;
use super::*;

const MAC: Mac = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
const PATIENCE: Duration = Duration::from_secs(20);

/// A guest: a network and a stack that uses it.
struct Guest {
    net: UserNet,
    link: Link,
    interface: Interface,
    sockets: SocketSet<'static>,
    started: Instant,
}

impl Guest {
    fn new(config: UserNetConfig) -> Self {
        let mut link = Link::default();
        let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut link, StackInstant::ZERO);
        interface.update_ip_addrs(|addresses| {
            addresses.push(IpCidr::Ipv4(Ipv4Cidr::new(GUEST, 24))).unwrap();
        });
        interface.routes_mut().add_default_ipv4_route(HOST).unwrap();
        let net = UserNet::new(&UserNetConfig { mac: MAC, ..config }).unwrap();
        Self { net, link, interface, sockets: SocketSet::new(Vec::new()), started: Instant::now() }
    }

    fn connect(&mut self, to: Ipv4Addr, port: u16) -> SocketHandle {
        let buffer = || SocketBuffer::new(vec![0; 4096]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.connect(self.interface.context(), (to, port), 40_000 + port % 1000).unwrap();
        self.sockets.add(socket)
    }

    fn socket(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
        self.sockets.get_mut(handle)
    }

    /// Moves frames and packets until `done`.
    fn run_until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "no end: {what}");
            let now = StackInstant::from_micros(i64::try_from(self.started.elapsed().as_micros()).unwrap());
            self.interface.poll(now, &mut self.link, &mut self.sockets);
            while let Some(packet) = self.link.take() {
                self.net.transmit(&frame::ipv4(MAC, &packet));
            }
            self.net.poll();
            while let Some(frame) = self.net.receive() {
                self.link.put(frame[14..].to_vec());
            }
            thread::sleep(Duration::from_micros(200));
        }
    }
}

fn answer(net: &mut UserNet, frame: &[u8]) -> Option<Vec<u8>> {
    net.transmit(frame);
    net.poll();
    net.receive()
}

#[test]
fn connection_to_the_host_carries_data_both_ways_and_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        stream.write_all(&received).unwrap();
    });
    let sent: Vec<u8> = (0..300_000_u32).map(|index| (index % 251) as u8).collect();
    let mut guest = Guest::new(UserNetConfig::default());
    let handle = guest.connect(HOST, port);
    let (mut next, mut received) = (0, Vec::new());
    guest.run_until("echo", |guest| {
        let socket = guest.socket(handle);
        if next < sent.len() && socket.can_send() {
            next += socket.send_slice(&sent[next..]).unwrap();
            if next == sent.len() {
                socket.close();
            }
        }
        while socket.can_recv() {
            let mut buffer = [0; 4096];
            let length = socket.recv_slice(&mut buffer).unwrap();
            received.extend_from_slice(&buffer[..length]);
        }
        received.len() == sent.len()
    });
    assert!(received == sent);
    server.join().unwrap();
    guest.run_until("end", |guest| matches!(guest.socket(handle).state(), State::TimeWait | State::Closed));
}

#[test]
fn refused_connection_is_reset() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut guest = Guest::new(UserNetConfig::default());
    let handle = guest.connect(HOST, port);
    guest.run_until("reset", |guest| guest.socket(handle).state() == State::Closed);
}

#[test]
fn restricted_network_refuses_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut guest = Guest::new(UserNetConfig { restricted: true, ..UserNetConfig::default() });
    let handle = guest.connect(HOST, listener.local_addr().unwrap().port());
    guest.run_until("reset", |guest| guest.socket(handle).state() == State::Closed);
}

#[test]
fn forwarded_port_reaches_the_guest() {
    let forwards = vec![Forward { host: "127.0.0.1:0".parse().unwrap(), guest_port: 22 }];
    let mut guest = Guest::new(UserNetConfig { forwards, ..UserNetConfig::default() });
    let address = guest.net.forwarded().unwrap()[0];
    let buffer = || SocketBuffer::new(vec![0; 4096]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.listen(22).unwrap();
    let handle = guest.sockets.add(socket);
    let client = thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"knock").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    });
    guest.run_until("request", |guest| guest.socket(handle).recv_queue() == 5);
    assert_eq!(guest.socket(handle).remote_endpoint().unwrap().addr, HOST.into());
    guest.socket(handle).send_slice(b"come in").unwrap();
    guest.socket(handle).close();
    guest.run_until("answer", |_| client.is_finished());
    assert_eq!(client.join().unwrap(), "come in");
}

#[test]
fn datagrams_are_relayed_and_their_answers_come_back() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let name_server = Some(server.local_addr().unwrap());
    let mut net = UserNet::new(&UserNetConfig { mac: MAC, name_server, ..UserNetConfig::default() }).unwrap();
    for (address, port) in [(HOST, port), (NAME_SERVER, 53)] {
        let outside = SocketAddrV4::new(address, port);
        let question = Datagram { from: SocketAddrV4::new(GUEST, 5353), to: outside, payload: b"question" };
        net.transmit(&frame::udp(MAC, &question));
        let mut buffer = [0; 100];
        let (length, from) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"question");
        server.send_to(b"answer", from).unwrap();
        let deadline = Instant::now() + PATIENCE;
        let frame = loop {
            net.poll();
            if let Some(frame) = net.receive() {
                break frame;
            }
            assert!(Instant::now() < deadline);
        };
        let expected = Datagram { from: outside, to: SocketAddrV4::new(GUEST, 5353), payload: b"answer" };
        assert_eq!(frame, frame::udp(MAC, &expected));
    }
}

#[test]
fn addresses_of_the_network_answer_arp_and_no_others() {
    let mut net = UserNet::new(&UserNetConfig { mac: MAC, ..UserNetConfig::default() }).unwrap();
    let mut ask = |target_protocol_addr| {
        let request = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr: EthernetAddress(MAC),
            source_protocol_addr: GUEST,
            target_hardware_addr: EthernetAddress([0; 6]),
            target_protocol_addr,
        };
        let mut frame = vec![0; 14 + request.buffer_len()];
        frame[12..14].copy_from_slice(&[8, 6]);
        request.emit(&mut ArpPacket::new_unchecked(&mut frame[14..]));
        answer(&mut net, &frame)
    };
    for address in [HOST, NAME_SERVER] {
        let reply = ask(address).unwrap();
        assert_eq!(reply[..6], MAC);
        let ArpRepr::EthernetIpv4 { operation, source_hardware_addr, source_protocol_addr, .. } =
            ArpRepr::parse(&ArpPacket::new_checked(&reply[14..]).unwrap()).unwrap()
        else {
            panic!("not IPv4");
        };
        assert_eq!((operation, source_protocol_addr), (ArpOperation::Reply, address));
        assert_eq!(source_hardware_addr.0, [0x52, 0x55, 0x0a, 0, 2, 2]);
    }
    assert_eq!(ask(GUEST), None, "the guest looks whether its address is free");
    assert_eq!(ask(Ipv4Addr::new(10, 0, 2, 77)), None);
}

#[test]
fn host_answers_echo_requests() {
    let mut net = UserNet::new(&UserNetConfig { mac: MAC, ..UserNetConfig::default() }).unwrap();
    let mut ping = |to: Ipv4Addr| {
        let echo = Icmpv4Repr::EchoRequest { ident: 1, seq_no: 2, data: b"ping" };
        let ip = Ipv4Repr {
            src_addr: GUEST,
            dst_addr: to,
            next_header: IpProtocol::Icmp,
            payload_len: echo.buffer_len(),
            hop_limit: 64,
        };
        let checksums = ChecksumCapabilities::default();
        let mut bytes = vec![0; 20 + echo.buffer_len()];
        ip.emit(&mut Ipv4Packet::new_unchecked(&mut bytes[..]), &checksums);
        echo.emit(&mut Icmpv4Packet::new_unchecked(&mut bytes[20..]), &checksums);
        answer(&mut net, &frame::ipv4(MAC, &bytes))
    };
    let reply = ping(HOST).unwrap();
    let packet = Icmpv4Packet::new_checked(&reply[34..]).unwrap();
    let expected = Icmpv4Repr::EchoReply { ident: 1, seq_no: 2, data: b"ping" };
    assert_eq!(Icmpv4Repr::parse(&packet, &ChecksumCapabilities::default()), Ok(expected));
    assert_eq!(ping(Ipv4Addr::new(192, 0, 2, 1)), None);
}

/// The server's answer to a DHCP message of the guest.
fn dhcp(message_type: DhcpMessageType, requested_ip: Option<Ipv4Addr>, mac: Mac) -> Option<Vec<u8>> {
    let request = DhcpRepr {
        message_type,
        transaction_id: 0x1234,
        secs: 0,
        client_hardware_address: EthernetAddress(mac),
        client_ip: Ipv4Addr::UNSPECIFIED,
        your_ip: Ipv4Addr::UNSPECIFIED,
        server_ip: Ipv4Addr::UNSPECIFIED,
        router: None,
        subnet_mask: None,
        relay_agent_ip: Ipv4Addr::UNSPECIFIED,
        broadcast: true,
        requested_ip,
        client_identifier: None,
        server_identifier: None,
        parameter_request_list: None,
        dns_servers: None,
        max_size: None,
        lease_duration: None,
        renew_duration: None,
        rebind_duration: None,
        additional_options: &[],
    };
    let mut bytes = vec![0; request.buffer_len()];
    request.emit(&mut DhcpPacket::new_unchecked(&mut bytes[..])).unwrap();
    let datagram = Datagram {
        from: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
        to: SocketAddrV4::new(Ipv4Addr::BROADCAST, 67),
        payload: &bytes,
    };
    let mut net = UserNet::new(&UserNetConfig { mac: MAC, ..UserNetConfig::default() }).unwrap();
    answer(&mut net, &frame::udp(MAC, &datagram))
}

#[test]
fn dhcp_gives_the_one_address() {
    for (asked, answered) in [
        (DhcpMessageType::Discover, DhcpMessageType::Offer),
        (DhcpMessageType::Request, DhcpMessageType::Ack),
    ] {
        let frame = dhcp(asked, Some(GUEST), MAC).unwrap();
        let packet = DhcpPacket::new_checked(&frame[42..]).unwrap();
        let reply = DhcpRepr::parse(&packet).unwrap();
        assert_eq!((reply.message_type, reply.your_ip, reply.transaction_id), (answered, GUEST, 0x1234));
        assert_eq!((reply.router, reply.server_identifier), (Some(HOST), Some(HOST)));
        assert_eq!(reply.dns_servers.unwrap()[..], [NAME_SERVER]);
    }
}

#[test]
fn dhcp_refuses_other_addresses_and_ignores_other_clients() {
    let frame = dhcp(DhcpMessageType::Request, Some(Ipv4Addr::new(10, 0, 2, 16)), MAC).unwrap();
    let packet = DhcpPacket::new_checked(&frame[42..]).unwrap();
    assert_eq!(DhcpRepr::parse(&packet).unwrap().message_type, DhcpMessageType::Nak);
    assert_eq!(dhcp(DhcpMessageType::Discover, None, [2, 0, 0, 0, 0, 9]), None);
}

#[test]
fn garbage_is_dropped() {
    let mut net = UserNet::new(&UserNetConfig { mac: MAC, ..UserNetConfig::default() }).unwrap();
    let mut numbers = crate::entropy::SplitMix64::new(1);
    for length in (0..200).chain([1518]) {
        let mut frame = vec![0; length];
        for kind in [[8, 0], [8, 6], [0x86, 0xdd]] {
            for protocol in [1, 6, 17] {
                numbers.fill(&mut frame);
                for (at, value) in [(12, kind[0]), (13, kind[1]), (14, 0x45), (23, protocol)] {
                    if let Some(byte) = frame.get_mut(at) {
                        *byte = value;
                    }
                }
                // Local, so that nothing leaves this host.
                if let Some(destination) = frame.get_mut(30..34) {
                    destination.copy_from_slice(&[10, 0, 2, 77]);
                }
                assert_eq!(answer(&mut net, &frame), None);
            }
        }
    }
}
