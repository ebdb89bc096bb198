//! What the hypervisor has to know about the machine.

use super::reader::be32;
use super::{Blob, MAX_DEPTH, Token, TreeError};
use crate::address::PaRange;
use crate::host_map::RAM_COUNT;
use crate::psci::{Cpus, Ids, Version};

/// The instruction for PSCI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduit {
    /// SMC.
    Smc,
    /// HVC, or something unknown: not usable from EL2.
    Other,
}

/// The PSCI node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Psci {
    /// Standard numbers, or those of PSCI 0.1.
    pub version: Version,
    /// Its `method`.
    pub conduit: Conduit,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub struct Platform {
    /// RAM; empty ranges are unused.
    pub ram: [PaRange; RAM_COUNT],
    /// The cores.
    pub cpus: Cpus,
    /// PSCI, if there is any.
    pub psci: Option<Psci>,
    /// The first PL011.
    pub uart: Option<u64>,
    /// `/chosen/droste,host-kernel`: address and size, 64 bits each.
    pub host_kernel: Option<PaRange>,
    /// The initrd: `/chosen/linux,initrd-start` and `-end`.
    pub initrd: Option<PaRange>,
}

/// Properties of the node that is being read.
#[derive(Clone, Copy, Default)]
struct Node<'a> {
    name: &'a [u8],
    reg: &'a [u8],
    compatible: &'a [u8],
    device_type: &'a [u8],
    method: &'a [u8],
    is_disabled: bool,
    ids: Ids,
    initrd_start: Option<u64>,
    initrd_end: Option<u64>,
    host_kernel: Option<PaRange>,
}

#[derive(Clone, Copy)]
struct Cells {
    address: usize,
    size: usize,
}

/// The values that the specification gives where a node says nothing.
const DEFAULT_CELLS: Cells = Cells { address: 2, size: 1 };

impl Platform {
    /// Reads a tree.
    ///
    /// # Errors
    /// [`TreeError`], also if it has no RAM or no CPU, or too many.
    pub fn read(blob: &Blob<'_>) -> Result<Platform, TreeError> {
        let mut found = Platform {
            ram: [PaRange::default(); RAM_COUNT],
            cpus: Cpus::default(),
            psci: None,
            uart: None,
            host_kernel: None,
            initrd: None,
        };
        // For each depth: the cells for the children, and whether it is /cpus. Index 0 stands above the root.
        let mut cells = [DEFAULT_CELLS; MAX_DEPTH + 1];
        let mut in_cpus = false;
        let mut depth = 0_usize;
        let mut open: Option<Node<'_>> = None;
        for token in blob.tokens() {
            match token? {
                Token::Begin(name) => {
                    found.finish(open.take(), depth, &cells, in_cpus)?;
                    depth += 1;
                    if depth == 2 {
                        in_cpus = name == b"cpus";
                    }
                    *cells.get_mut(depth).ok_or(TreeError::Depth)? = DEFAULT_CELLS;
                    open = Some(Node { name, ..Node::default() });
                }
                Token::Property { name, value, .. } => {
                    // The specification has properties before children.
                    let node = open.as_mut().ok_or(TreeError::Structure)?;
                    node.take(name, value, cells.get_mut(depth).ok_or(TreeError::Depth)?)?;
                }
                Token::End => {
                    found.finish(open.take(), depth, &cells, in_cpus)?;
                    depth = depth.saturating_sub(1);
                }
            }
        }
        if found.ram.iter().all(|r| r.bytes() == 0) {
            return Err(TreeError::NoMemory);
        }
        if found.cpus.count() == 0 {
            return Err(TreeError::NoCpu);
        }
        Ok(found)
    }

    /// All properties of a node are known.
    fn finish(
        &mut self,
        node: Option<Node<'_>>,
        depth: usize,
        cells: &[Cells; MAX_DEPTH + 1],
        in_cpus: bool,
    ) -> Result<(), TreeError> {
        let Some(node) = node.filter(|n| !n.is_disabled) else { return Ok(()) };
        let parent = depth.checked_sub(1).and_then(|n| cells.get(n)).copied().unwrap_or(DEFAULT_CELLS);
        match depth {
            2 if node.device_type == b"memory\0" => self.add_memory(node.reg, parent)?,
            2 if node.name == b"chosen" => {
                self.host_kernel = node.host_kernel;
                self.initrd = match (node.initrd_start, node.initrd_end) {
                    (Some(start), Some(end)) if start < end => Some(PaRange { start, end }),
                    _ => None,
                };
            }
            3 if in_cpus && node.device_type == b"cpu\0" => {
                let (mpidr, _) = number(node.reg, parent.address)?;
                if !self.cpus.add(mpidr) {
                    return Err(TreeError::TooMany);
                }
            }
            _ => {}
        }
        if node.is_compatible(b"arm,pl011") && self.uart.is_none() {
            self.uart = number(node.reg, parent.address).ok().map(|(address, _)| address);
        }
        let standard = node.is_compatible(b"arm,psci-0.2") || node.is_compatible(b"arm,psci-1.0");
        if standard || node.is_compatible(b"arm,psci") {
            let version = if standard { Version::Standard } else { Version::V0_1(node.ids) };
            let conduit = if node.method == b"smc\0" { Conduit::Smc } else { Conduit::Other };
            self.psci = Some(Psci { version, conduit });
        }
        Ok(())
    }

    fn add_memory(&mut self, reg: &[u8], cells: Cells) -> Result<(), TreeError> {
        let mut left = reg;
        while !left.is_empty() {
            let (start, rest) = number(left, cells.address)?;
            let (bytes, rest) = number(rest, cells.size)?;
            left = rest;
            let range = PaRange::sized(start, bytes).ok_or(TreeError::Cells)?;
            let free = self.ram.iter_mut().find(|r| r.bytes() == 0).ok_or(TreeError::TooMany)?;
            *free = range;
        }
        Ok(())
    }
}

impl<'a> Node<'a> {
    fn take(&mut self, name: &[u8], value: &'a [u8], cells: &mut Cells) -> Result<(), TreeError> {
        let word = || be32(value, 0);
        match name {
            b"#address-cells" => cells.address = word().ok_or(TreeError::Cells)? as usize,
            b"#size-cells" => cells.size = word().ok_or(TreeError::Cells)? as usize,
            b"reg" => self.reg = value,
            b"compatible" => self.compatible = value,
            b"device_type" => self.device_type = value,
            b"method" => self.method = value,
            b"status" => self.is_disabled = value != b"okay\0" && value != b"ok\0",
            b"cpu_on" => self.ids.cpu_on = word(),
            b"cpu_off" => self.ids.cpu_off = word(),
            b"cpu_suspend" => self.ids.cpu_suspend = word(),
            b"migrate" => self.ids.migrate = word(),
            b"linux,initrd-start" => self.initrd_start = Some(number(value, value.len() / 4)?.0),
            b"linux,initrd-end" => self.initrd_end = Some(number(value, value.len() / 4)?.0),
            b"droste,host-kernel" => {
                let (start, rest) = number(value, 2)?;
                self.host_kernel = PaRange::sized(start, number(rest, 2)?.0);
            }
            _ => {}
        }
        Ok(())
    }

    fn is_compatible(&self, with: &[u8]) -> bool {
        self.compatible.split(|b| *b == 0).any(|one| one == with)
    }
}

/// A number of one or two cells, and what follows it.
fn number(bytes: &[u8], cells: usize) -> Result<(u64, &[u8]), TreeError> {
    let (head, rest) = match cells {
        0 => return Ok((0, bytes)),
        1 | 2 => bytes.split_at_checked(cells * 4).ok_or(TreeError::Cells)?,
        _ => return Err(TreeError::Cells),
    };
    Ok((head.iter().fold(0, |value, b| value << 8 | u64::from(*b)), rest))
}
