//! UDP: a host socket for each pair of ends that the guest uses.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use super::frame::Datagram;

/// The most pairs at a time; the one that was idle longest makes room.
const FLOW_LIMIT: usize = 256;
const IDLE_LIMIT: Duration = Duration::from_secs(60);
/// The most datagrams that one look takes from one socket.
const BURST: usize = 64;
/// No datagram is larger.
const DATAGRAM_BYTES: usize = 65_536;

/// The guest's end and the end outside as the guest names it.
type Ends = (SocketAddrV4, SocketAddrV4);

#[derive(Debug)]
struct Flow {
    socket: UdpSocket,
    last_used: Instant,
}

/// Relays datagrams both ways.
#[derive(Debug, Default)]
pub(super) struct Relay {
    flows: BTreeMap<Ends, Flow>,
}

impl Relay {
    /// Sends a datagram of the guest to `target`. One that the host refuses is lost.
    pub(super) fn send(&mut self, datagram: &Datagram<'_>, target: SocketAddr) {
        let ends = (datagram.from, datagram.to);
        if !self.flows.contains_key(&ends) {
            let Ok(socket) = open(target) else { return };
            self.make_room();
            self.flows.insert(ends, Flow { socket, last_used: Instant::now() });
        }
        if let Some(flow) = self.flows.get_mut(&ends) {
            flow.last_used = Instant::now();
            let _ = flow.socket.send(datagram.payload);
        }
    }

    /// Hands over what has come from outside, and forgets pairs that are idle.
    pub(super) fn poll(&mut self, mut deliver: impl FnMut(&Datagram<'_>)) {
        if self.flows.is_empty() {
            return;
        }
        let mut buffer = vec![0; DATAGRAM_BYTES];
        for (&(guest, outside), flow) in &mut self.flows {
            for _ in 0..BURST {
                // An error tells of a port that is closed; the guest sees it as silence.
                let Ok(length) = flow.socket.recv(&mut buffer) else { break };
                flow.last_used = Instant::now();
                deliver(&Datagram { from: outside, to: guest, payload: &buffer[..length] });
            }
        }
        self.flows.retain(|_, flow| flow.last_used.elapsed() < IDLE_LIMIT);
    }

    fn make_room(&mut self) {
        if self.flows.len() >= FLOW_LIMIT
            && let Some(&oldest) =
                self.flows.iter().min_by_key(|(_, flow)| flow.last_used).map(|(ends, _)| ends)
        {
            self.flows.remove(&oldest);
        }
    }
}

fn open(target: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr =
        if target.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(target)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
