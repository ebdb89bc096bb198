//! What the hypervisor has to know about the machine.

use super::reader::be32;
use super::{Blob, MAX_DEPTH, Token, TreeError};
use crate::address::{PaRange, Ranges};
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

/// The most ranges of memory that the tree may reserve.
pub const RESERVED_COUNT: usize = 32;

/// A boot module in `/chosen`: a child that is compatible with "multiboot,module", and with what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Module<'a> {
    /// Where it is.
    pub range: PaRange,
    /// Its `bootargs`, without the NUL at the end.
    pub bootargs: Option<&'a [u8]>,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub struct Platform<'a> {
    /// RAM.
    pub ram: Ranges<RAM_COUNT>,
    /// Memory that something has already: the reservation block and `/reserved-memory`.
    pub reserved: Ranges<RESERVED_COUNT>,
    /// The cores.
    pub cpus: Cpus,
    /// PSCI, if there is any.
    pub psci: Option<Psci>,
    /// The first PL011.
    pub uart: Option<u64>,
    /// The initrd: `/chosen/linux,initrd-start` and `-end`.
    pub initrd: Option<PaRange>,
    /// `/chosen/bootargs`, without the NUL at the end.
    pub bootargs: Option<&'a [u8]>,
    /// The module that is the host's kernel: "multiboot,kernel".
    pub kernel_module: Option<Module<'a>>,
    /// The module that is the host's initrd: "multiboot,ramdisk".
    pub ramdisk_module: Option<Module<'a>>,
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
    bootargs: Option<&'a [u8]>,
}

#[derive(Clone, Copy)]
struct Cells {
    address: usize,
    size: usize,
}

/// The values that the specification gives where a node says nothing.
const DEFAULT_CELLS: Cells = Cells { address: 2, size: 1 };

/// Where in the tree a node is, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parent {
    Cpus,
    Chosen,
    ReservedMemory,
    Other,
}

impl<'a> Platform<'a> {
    /// Reads a tree.
    ///
    /// # Errors
    /// [`TreeError`], also if it has no RAM or no CPU, or too many.
    pub fn read(blob: &Blob<'a>) -> Result<Platform<'a>, TreeError> {
        let mut found = Platform {
            ram: Ranges::new(),
            reserved: Ranges::new(),
            cpus: Cpus::default(),
            psci: None,
            uart: None,
            initrd: None,
            bootargs: None,
            kernel_module: None,
            ramdisk_module: None,
        };
        for range in blob.reservations() {
            if !found.reserved.add(range.ok_or(TreeError::Cells)?) {
                return Err(TreeError::TooMany);
            }
        }
        // For each depth: the cells for the children, and what it is. Index 0 stands above the root.
        let mut cells = [DEFAULT_CELLS; MAX_DEPTH + 1];
        let mut parent = Parent::Other;
        let mut depth = 0_usize;
        let mut open: Option<Node<'a>> = None;
        for token in blob.tokens() {
            match token? {
                Token::Begin(name) => {
                    found.finish(open.take(), depth, &cells, parent)?;
                    depth += 1;
                    if depth == 2 {
                        parent = match name {
                            b"cpus" => Parent::Cpus,
                            b"chosen" => Parent::Chosen,
                            b"reserved-memory" => Parent::ReservedMemory,
                            _ => Parent::Other,
                        };
                    }
                    // Cells are not inherited, but Xen reads modules as if they were, so loaders leave them out.
                    let is_chosen = depth == 2 && parent == Parent::Chosen;
                    let above = if is_chosen { cells.get(1).copied() } else { None };
                    *cells.get_mut(depth).ok_or(TreeError::Depth)? = above.unwrap_or(DEFAULT_CELLS);
                    open = Some(Node { name, ..Node::default() });
                }
                Token::Property { name, value, .. } => {
                    // The specification has properties before children.
                    let node = open.as_mut().ok_or(TreeError::Structure)?;
                    node.take(name, value, cells.get_mut(depth).ok_or(TreeError::Depth)?)?;
                }
                Token::End => {
                    found.finish(open.take(), depth, &cells, parent)?;
                    depth = depth.saturating_sub(1);
                }
            }
        }
        if found.ram.iter().next().is_none() {
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
        node: Option<Node<'a>>,
        depth: usize,
        cells: &[Cells; MAX_DEPTH + 1],
        above: Parent,
    ) -> Result<(), TreeError> {
        let Some(node) = node.filter(|n| !n.is_disabled) else { return Ok(()) };
        let parent = depth.checked_sub(1).and_then(|n| cells.get(n)).copied().unwrap_or(DEFAULT_CELLS);
        match depth {
            2 if node.device_type == b"memory\0" => {
                each_range(node.reg, parent, |range| self.ram.add(range))?
            }
            2 if node.name == b"chosen" => {
                self.bootargs = node.bootargs;
                self.initrd = match (node.initrd_start, node.initrd_end) {
                    (Some(start), Some(end)) if start < end => Some(PaRange { start, end }),
                    _ => None,
                };
            }
            3 if above == Parent::Chosen && node.is_compatible(b"multiboot,module") => {
                self.add_module(node, parent)?;
            }
            3 if above == Parent::ReservedMemory => {
                each_range(node.reg, parent, |range| self.reserved.add(range))?;
            }
            3 if above == Parent::Cpus && node.device_type == b"cpu\0" => {
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

    fn add_module(&mut self, node: Node<'a>, cells: Cells) -> Result<(), TreeError> {
        let mut range = None;
        each_range(node.reg, cells, |found| range.replace(found).is_none())?;
        let module = Module { range: range.ok_or(TreeError::Cells)?, bootargs: node.bootargs };
        let place = if node.is_compatible(b"multiboot,kernel") {
            &mut self.kernel_module
        } else if node.is_compatible(b"multiboot,ramdisk") {
            &mut self.ramdisk_module
        } else {
            // Microcode, device trees for others: not ours to load, but not free either.
            return if self.reserved.add(module.range) { Ok(()) } else { Err(TreeError::TooMany) };
        };
        if place.replace(module).is_some() { Err(TreeError::TooMany) } else { Ok(()) }
    }
}

/// Hands over every range of a `reg`; false means that there is no room.
fn each_range(reg: &[u8], cells: Cells, mut take: impl FnMut(PaRange) -> bool) -> Result<(), TreeError> {
    let mut left = reg;
    while !left.is_empty() {
        let (start, rest) = number(left, cells.address)?;
        let (bytes, rest) = number(rest, cells.size)?;
        if rest.len() == left.len() {
            return Err(TreeError::Cells);
        }
        left = rest;
        if !take(PaRange::sized(start, bytes).ok_or(TreeError::Cells)?) {
            return Err(TreeError::TooMany);
        }
    }
    Ok(())
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
            b"bootargs" => self.bootargs = Some(value.split(|b| *b == 0).next().unwrap_or_default()),
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
