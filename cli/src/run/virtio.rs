//! Virtio devices of the command line: disks and networks.

use crate::config::MachineFile;
use crate::error::CliError;
use droste_machine::board::memory_map::VIRTIO_COUNT;
use droste_machine::devices::disk::{Disk, FileStore, MemoryStore, Overlay, RawFile};
use droste_machine::devices::net::user::{Forward, UserNet, UserNetConfig};
use droste_machine::devices::virtio::VirtioDevice;
use droste_machine::devices::virtio::{block::Block, net::Net};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

const DISK_HINT: &str = "a disk is --disk FILE[,ro][,overlay[=FILE]]";
const NET_HINT: &str =
    "a network is --net user[,restrict][,dns=ADDRESS[:PORT]][,forward=tcp:HOSTPORT:GUESTPORT]...";
/// The address of the first network device, as on QEMU; the last byte counts on.
const FIRST_MAC: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

/// Where what is written to a disk goes instead of the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
enum OverlayPlace {
    Memory,
    File(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct DiskOption {
    path: PathBuf,
    read_only: bool,
    overlay: Option<OverlayPlace>,
}

/// Makes the virtio devices that the machine file names: disks, then networks, each in their order.
pub(super) fn devices(file: &MachineFile) -> Result<Vec<Box<dyn VirtioDevice>>, CliError> {
    let count = file.disk.len() + file.net.len();
    if count > VIRTIO_COUNT as usize {
        return Err(CliError::usage(format!(
            "a machine has {VIRTIO_COUNT} disks and networks at most, not {count}"
        ))
        .hint("leave some of --disk and --net out"));
    }
    let mut devices: Vec<Box<dyn VirtioDevice>> = Vec::new();
    for (index, text) in file.disk.iter().enumerate() {
        let disk = parse_disk(text)?.open()?;
        devices.push(Box::new(Block::new(disk, &format!("droste-disk{index}"))));
    }
    for (index, text) in (0..=u8::MAX).zip(&file.net) {
        let mut mac = FIRST_MAC;
        mac[5] = mac[5].wrapping_add(index);
        let config = UserNetConfig { mac, ..parse_net(text)? };
        let net = UserNet::new(&config).map_err(|e| {
            CliError::usage(format!("cannot listen for --net {text}: {e}"))
                .hint("choose another HOSTPORT in forward=tcp:HOSTPORT:GUESTPORT")
        })?;
        devices.push(Box::new(Net::new(Box::new(net), mac)));
    }
    Ok(devices)
}

/// Makes the files that a disk option names relative to `base`, as a machine file wants it.
pub(crate) fn disk_relative_to(base: &Path, text: &str) -> String {
    let parts = text.split(',').enumerate().map(|(index, part)| match part.strip_prefix("overlay=") {
        Some(path) => format!("overlay={}", base.join(path).display()),
        None if index == 0 => base.join(part).display().to_string(),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(",")
}

impl DiskOption {
    fn open(&self) -> Result<Box<dyn Disk>, CliError> {
        let failed = |path: &Path, error: &io::Error| {
            let said = CliError::usage(format!("cannot use the disk {}: {error}", path.display()));
            said.hint(match error.kind() {
                io::ErrorKind::NotFound => {
                    "a disk is a raw image that exists, such as `truncate -s 4G FILE` makes"
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "add ,ro for a read-only disk, or ,overlay to keep writes elsewhere"
                }
                _ => DISK_HINT,
            })
        };
        if self.path.is_dir() {
            return Err(failed(&self.path, &io::ErrorKind::IsADirectory.into()));
        }
        let base = RawFile::open(&self.path, self.read_only || self.overlay.is_some())
            .map_err(|e| failed(&self.path, &e))?;
        Ok(match &self.overlay {
            None => Box::new(base),
            Some(OverlayPlace::Memory) => Box::new(Overlay::new(Box::new(base), MemoryStore::default())),
            Some(OverlayPlace::File(path)) => {
                let store = FileStore::open(path, base.size_bytes()).map_err(|e| {
                    CliError::usage(format!("cannot use the overlay {}: {e}", path.display()))
                        .hint("name a new file, or one that was this disk's overlay before")
                })?;
                Box::new(Overlay::new(Box::new(base), store))
            }
        })
    }
}

fn parse_disk(text: &str) -> Result<DiskOption, CliError> {
    let wrong = |message: String| CliError::usage(message).hint(DISK_HINT);
    let mut parts = text.split(',');
    let path = parts.next().filter(|path| !path.is_empty());
    let path = path.ok_or_else(|| wrong("a disk needs a file".into()))?;
    let mut disk = DiskOption { path: path.into(), read_only: false, overlay: None };
    for part in parts {
        match part.split_once('=') {
            None if part == "ro" => disk.read_only = true,
            None if part == "overlay" => disk.overlay = Some(OverlayPlace::Memory),
            Some(("overlay", file)) if !file.is_empty() => {
                disk.overlay = Some(OverlayPlace::File(file.into()));
            }
            _ => return Err(wrong(format!("a disk has no `{part}`"))),
        }
    }
    if disk.read_only && disk.overlay.is_some() {
        return Err(wrong(format!("the disk {path} is either read-only or has an overlay")));
    }
    Ok(disk)
}

fn parse_net(text: &str) -> Result<UserNetConfig, CliError> {
    let wrong = |message: String| CliError::usage(message).hint(NET_HINT);
    let mut parts = text.split(',');
    if parts.next() != Some("user") {
        return Err(wrong(format!("there is no network `{text}`")));
    }
    let mut config = UserNetConfig::default();
    for part in parts {
        match part.split_once('=') {
            None if part == "restrict" => config.restricted = true,
            Some(("dns", address)) => {
                config.name_server = Some(
                    parse_dns(address)
                        .ok_or_else(|| wrong(format!("`{address}` is no address of a name server")))?,
                )
            }
            Some(("forward", ports)) => config.forwards.push(
                parse_forward(ports)
                    .ok_or_else(|| wrong(format!("`{ports}` is no pair of ports such as tcp:2222:22")))?,
            ),
            _ => return Err(wrong(format!("a network has no `{part}`"))),
        }
    }
    Ok(config)
}

fn parse_dns(text: &str) -> Option<SocketAddr> {
    let address = text.parse::<IpAddr>().ok().map(|ip| SocketAddr::from((ip, 53)));
    address.or_else(|| text.parse().ok())
}

/// Parses `tcp:HOSTPORT:GUESTPORT`; only this host can reach the port.
fn parse_forward(text: &str) -> Option<Forward> {
    let (host_port, guest_port) = text.strip_prefix("tcp:")?.split_once(':')?;
    let host = SocketAddr::from((Ipv4Addr::LOCALHOST, host_port.parse().ok()?));
    Some(Forward { host, guest_port: guest_port.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disk_options_are_read() {
        let disk = |text| parse_disk(text).unwrap();
        let plain = DiskOption { path: "a.img".into(), read_only: false, overlay: None };
        assert_eq!(disk("a.img"), plain);
        assert_eq!(disk("a.img,ro"), DiskOption { read_only: true, ..plain.clone() });
        let overlay = Some(OverlayPlace::Memory);
        assert_eq!(disk("a.img,overlay"), DiskOption { overlay, ..plain.clone() });
        let overlay = Some(OverlayPlace::File("b.cow".into()));
        assert_eq!(disk("a.img,overlay=b.cow"), DiskOption { overlay, ..plain });
    }

    #[test]
    fn wrong_disk_options_are_named() {
        for (text, message) in [
            ("", "a disk needs a file"),
            ("a,rw", "a disk has no `rw`"),
            ("a,overlay=", "a disk has no `overlay=`"),
            ("a,ro,overlay", "the disk a is either read-only or has an overlay"),
        ] {
            let error = parse_disk(text).unwrap_err();
            assert_eq!((error.message.as_str(), error.hint.as_deref()), (message, Some(DISK_HINT)));
        }
        let missing = DiskOption { path: "/nowhere/at/all".into(), read_only: true, overlay: None };
        let error = missing.open().err().unwrap();
        assert!(error.message.starts_with("cannot use the disk /nowhere/at/all: "), "{}", error.message);
    }

    #[test]
    fn files_of_a_disk_are_relative_to_the_machine_file() {
        let relative = |text| disk_relative_to(Path::new("dir"), text);
        assert_eq!(relative("a.img,ro"), "dir/a.img,ro");
        assert_eq!(relative("/a.img,overlay=b"), "/a.img,overlay=dir/b");
    }

    #[test]
    fn network_options_are_read() {
        let net = parse_net("user,restrict,dns=9.9.9.9,forward=tcp:2222:22,forward=tcp:0:80").unwrap();
        assert!(net.restricted);
        assert_eq!(net.name_server, Some("9.9.9.9:53".parse().unwrap()));
        let host = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let expected =
            [Forward { host: host(2222), guest_port: 22 }, Forward { host: host(0), guest_port: 80 }];
        assert_eq!(net.forwards, expected);
        assert_eq!(parse_dns("[::1]:5353"), Some("[::1]:5353".parse().unwrap()));
    }

    #[test]
    fn wrong_network_options_are_refused() {
        for text in [
            "",
            "tap",
            "user,nat",
            "user,forward=22",
            "user,forward=udp:1:2",
            "user,forward=tcp:1:70000",
            "user,dns=x",
        ] {
            assert!(parse_net(text).is_err(), "{text}");
        }
    }
}
