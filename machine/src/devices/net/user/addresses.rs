//! The addresses of the network, and which of the host's addresses they stand for.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

/// The host and the way out.
pub(super) const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// The name server.
pub(super) const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 3);
/// The guest.
pub(super) const GUEST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
/// The network's mask.
pub(super) const MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);

const DNS_PORT: u16 = 53;

/// Decides where on the outside the guest's packets go.
#[derive(Debug)]
pub(super) struct Targets {
    restricted: bool,
    name_server: Option<SocketAddr>,
}

impl Targets {
    /// `name_server` stands behind [`NAME_SERVER`]; without one, the first of the host's does.
    pub(super) fn new(restricted: bool, name_server: Option<SocketAddr>) -> Self {
        Self { restricted, name_server: name_server.or_else(host_name_server) }
    }

    /// Where packets to `to` go, if anywhere.
    pub(super) fn target(&self, to: SocketAddrV4) -> Option<SocketAddr> {
        let address = *to.ip();
        if self.restricted {
            return None;
        }
        if address == HOST {
            return Some((Ipv4Addr::LOCALHOST, to.port()).into());
        }
        if address == NAME_SERVER {
            return self.name_server.filter(|_| to.port() == DNS_PORT);
        }
        let local = address.octets()[..3] == HOST.octets()[..3];
        let unicast = !(address.is_multicast() || address.is_broadcast() || address.is_unspecified());
        // The guest's own loopback is no way to the host's.
        (unicast && !local && !address.is_loopback()).then(|| to.into())
    }
}

fn host_name_server() -> Option<SocketAddr> {
    let text = fs::read_to_string("/etc/resolv.conf").ok()?;
    let address: IpAddr =
        text.lines().find_map(|line| line.strip_prefix("nameserver")?.trim().parse().ok())?;
    Some((address, DNS_PORT).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(targets: &Targets, address: [u8; 4], port: u16) -> Option<String> {
        targets.target(SocketAddrV4::new(address.into(), port)).map(|target| target.to_string())
    }

    #[test]
    fn addresses_of_the_network_stand_for_the_hosts() {
        let targets = Targets::new(false, Some("9.9.9.9:53".parse().unwrap()));
        assert_eq!(target(&targets, [10, 0, 2, 2], 80).as_deref(), Some("127.0.0.1:80"));
        assert_eq!(target(&targets, [10, 0, 2, 3], 53).as_deref(), Some("9.9.9.9:53"));
        assert_eq!(target(&targets, [192, 0, 2, 1], 80).as_deref(), Some("192.0.2.1:80"));
    }

    #[test]
    fn nothing_else_is_reachable() {
        let targets = Targets::new(false, Some("9.9.9.9:53".parse().unwrap()));
        for address in [[10, 0, 2, 15], [10, 0, 2, 255], [255; 4], [224, 0, 0, 1], [0; 4], [127, 0, 0, 1]] {
            assert_eq!(target(&targets, address, 80), None, "{address:?}");
        }
        assert_eq!(target(&targets, [10, 0, 2, 3], 80), None);
        let restricted = Targets::new(true, Some("9.9.9.9:53".parse().unwrap()));
        for address in [[10, 0, 2, 2], [10, 0, 2, 3], [192, 0, 2, 1]] {
            assert_eq!(target(&restricted, address, 53), None);
        }
    }
}
