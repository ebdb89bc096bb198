//! TCP: the guest's connections end in a stack of our own, and host sockets take the data further.

mod connection;
pub(super) mod link;

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::socket::tcp::Socket;
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpCidr, IpListenEndpoint, Ipv4Cidr};

use super::Forward;
use super::addresses::{GUEST, HOST};
use connection::{Connection, socket};
use link::Link;

/// The most connections at a time; more are refused.
const CONNECTION_LIMIT: usize = 256;
/// How long the host may try to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// The ports from which forwarded connections seem to come.
const FORWARD_PORTS: std::ops::Range<u16> = 49_152..65_535;

/// The two ends of a connection, as the guest names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flow {
    pub(super) guest: SocketAddrV4,
    pub(super) outside: SocketAddrV4,
}

/// A connection that the guest has asked for and the host is making.
struct Pending {
    /// The guest's first packet, which is answered when it is known whether there is a connection.
    syn: Vec<u8>,
    result: Receiver<io::Result<TcpStream>>,
}

/// The stack, and the host's sockets.
pub(super) struct Proxy {
    link: Link,
    interface: Interface,
    sockets: SocketSet<'static>,
    pending: BTreeMap<Flow, Pending>,
    connections: BTreeMap<Flow, Connection>,
    listeners: Vec<(TcpListener, u16)>,
    next_forward_port: u16,
}

impl Proxy {
    pub(super) fn new(forwards: &[Forward]) -> io::Result<Self> {
        let mut link = Link::default();
        let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut link, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            // The list has room for one.
            let _ = addresses.push(IpCidr::Ipv4(Ipv4Cidr::new(HOST, 24)));
        });
        // Whatever address the guest talks to, it talks to this stack.
        interface.set_any_ip(true);
        let listeners = forwards.iter().map(|forward| {
            let listener = TcpListener::bind(forward.host)?;
            listener.set_nonblocking(true)?;
            Ok((listener, forward.guest_port))
        });
        Ok(Self {
            link,
            interface,
            sockets: SocketSet::new(Vec::new()),
            pending: BTreeMap::new(),
            connections: BTreeMap::new(),
            listeners: listeners.collect::<io::Result<_>>()?,
            next_forward_port: FORWARD_PORTS.start,
        })
    }

    pub(super) fn listening(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(|(listener, _)| listener.local_addr()).collect()
    }

    /// Gives a packet to the stack.
    pub(super) fn pass(&mut self, packet: &[u8]) {
        self.link.put(packet.to_vec());
    }

    /// Takes a packet of a connection. The one that opens it waits until the host has reached `target`; if
    /// there is none, the stack refuses the connection.
    pub(super) fn take(&mut self, flow: Flow, opens: bool, target: Option<SocketAddr>, packet: &[u8]) {
        let known = self.connections.contains_key(&flow);
        let room = self.connections.len() + self.pending.len() < CONNECTION_LIMIT;
        match target {
            Some(target) if opens && !known && room => {
                // The guest repeats itself while the host is trying.
                self.pending.entry(flow).or_insert_with(|| Pending::start(target, packet.to_vec()));
            }
            _ => self.pass(packet),
        }
    }

    /// Moves everything on that can be moved.
    pub(super) fn poll(&mut self, now: Duration) {
        // A stack time of 2^63 microseconds is not reached.
        let now = Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX));
        self.accept();
        self.open(now);
        self.run(now);
        for connection in self.connections.values_mut() {
            connection.splice(self.sockets.get_mut::<Socket<'_>>(connection.handle));
        }
        self.run(now);
        let sockets = &mut self.sockets;
        self.connections.retain(|_, connection| {
            let over = connection.is_over(sockets.get::<Socket<'_>>(connection.handle));
            if over {
                sockets.remove(connection.handle);
            }
            !over
        });
    }

    /// The next packet for the guest.
    pub(super) fn next_packet(&mut self) -> Option<Vec<u8>> {
        self.link.take()
    }

    fn run(&mut self, now: Instant) {
        self.interface.poll(now, &mut self.link, &mut self.sockets);
    }

    /// Answers the guest for every connection that the host has made, or has given up.
    fn open(&mut self, now: Instant) {
        let decided: Vec<(Flow, Option<TcpStream>)> =
            self.pending.iter().filter_map(|(&flow, pending)| Some((flow, pending.outcome()?))).collect();
        for (flow, stream) in decided {
            let Some(pending) = self.pending.remove(&flow) else { continue };
            let outside =
                IpListenEndpoint { addr: Some((*flow.outside.ip()).into()), port: flow.outside.port() };
            let mut socket = socket();
            // Without a socket that listens, the stack answers the packet with a reset.
            if let Some(stream) = stream
                && socket.listen(outside).is_ok()
            {
                let handle = self.sockets.add(socket);
                self.connections.insert(flow, Connection::new(handle, stream));
            }
            self.link.put(pending.syn);
            // Before another socket listens to the same end.
            self.run(now);
        }
    }

    /// Opens a connection to the guest for everyone who has called a forwarded port.
    fn accept(&mut self) {
        for (listener, guest_port) in &self.listeners {
            while self.connections.len() < CONNECTION_LIMIT {
                let Ok((stream, _)) = listener.accept() else { break };
                let flow = Flow {
                    guest: SocketAddrV4::new(GUEST, *guest_port),
                    outside: SocketAddrV4::new(HOST, self.next_forward_port),
                };
                let next = self.next_forward_port + 1;
                self.next_forward_port =
                    if FORWARD_PORTS.contains(&next) { next } else { FORWARD_PORTS.start };
                let mut socket = socket();
                let known = self.connections.contains_key(&flow);
                if known
                    || stream.set_nonblocking(true).is_err()
                    || socket.connect(self.interface.context(), flow.guest, flow.outside).is_err()
                {
                    // The caller sees its connection closed.
                    continue;
                }
                let handle = self.sockets.add(socket);
                self.connections.insert(flow, Connection::new(handle, stream));
            }
        }
    }
}

impl Pending {
    /// Lets a thread connect to `target`, which may take its time.
    fn start(target: SocketAddr, syn: Vec<u8>) -> Self {
        let (sender, result) = channel();
        let connect = move || {
            let stream = TcpStream::connect_timeout(&target, CONNECT_LIMIT).and_then(|stream| {
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                Ok(stream)
            });
            // Nobody waits any more if the network is gone.
            let _ = sender.send(stream);
        };
        // Without a thread the sender is dropped, which counts as a failure.
        let _ = thread::Builder::new().name("droste-connect".into()).spawn(connect);
        Self { syn, result }
    }

    /// The host's connection, or none if it failed; nothing while that is open.
    fn outcome(&self) -> Option<Option<TcpStream>> {
        match self.result.try_recv() {
            Ok(result) => Some(result.ok()),
            Err(TryRecvError::Disconnected) => Some(None),
            Err(TryRecvError::Empty) => None,
        }
    }
}
