//! Where everything is and goes: decided once by the first core, before anything is written.
//!
//! The host comes from the packed file, or from boot modules that the loader has described in `/chosen`.

use crate::address::{PaRange, Ranges};
use crate::boot_file::{self, BootFile, BootFileError};
use crate::device_tree::{Conduit, Platform};
use crate::host_map::OWN_COUNT;
use crate::ownership::{Page, page_count};
use crate::parameters::{Mode, Parameters, Unknown};
use crate::psci::{Ids, Version};
use core::fmt;

/// What the first core knows when it has read everything.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The memory of the image.
    pub region: PaRange,
    /// The pages of the loader's device tree.
    pub tree: PaRange,
    /// The affinity of this core.
    pub affinity: u64,
    /// What the device tree says.
    pub platform: &'a Platform<'a>,
    /// What the packed file says.
    pub file: Result<BootFile<'a>, BootFileError>,
    /// The start of the kernel module, [`KERNEL_HEADER_BYTES`] of it; nothing where there is no
    /// module, or where it is not RAM or ours.
    pub kernel_header: Option<&'a [u8]>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct BootPlan<'a> {
    /// What the command line asks for.
    pub parameters: Parameters,
    /// The number of this core.
    pub cpu: usize,
    /// How the relay understands the host. A machine without PSCI has no numbers.
    pub psci: Version,
    /// The host's kernel with the memory that its header asks for.
    pub kernel: PaRange,
    /// Where it is entered.
    pub entry: u64,
    /// The host's initrd; nothing to keep what the device tree says.
    pub initrd: Option<PaRange>,
    /// Room for the host's device tree.
    pub host_tree: PaRange,
    /// The host's command line; nothing to keep the device tree's.
    pub command_line: Option<&'a [u8]>,
    /// The ledger of page owners; empty if there is nothing to own.
    pub ledger: PaRange,
    /// What the hypervisor has for itself: the region and the ledger.
    pub own: Ranges<OWN_COUNT>,
}

/// Parts that can be in each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "see the texts below")]
pub enum Part {
    Hypervisor,
    LoadersTree,
    Kernel,
    Initrd,
    HostTree,
    Ledger,
    Reserved,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Hypervisor => "hypervisor",
            Part::LoadersTree => "loader's device tree",
            Part::Kernel => "host's kernel",
            Part::Initrd => "host's initrd",
            Part::HostTree => "host's device tree",
            Part::Ledger => "ledger of pages",
            Part::Reserved => "reserved memory",
        })
    }
}

/// Why there is no way to boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootError<'a> {
    /// Neither a packed file nor a kernel module.
    NoHost,
    /// The packed file's description is damaged.
    File(BootFileError),
    /// The kernel module is no arm64 Image, or not where its header wants to be.
    Kernel(u64),
    /// A parameter with an unknown value.
    Parameter(Unknown<'a>),
    /// A part is not in RAM.
    NotInRam(Part, PaRange),
    /// Two parts share memory.
    Overlap(Part, PaRange, Part, PaRange),
    /// No place in RAM for a part of this size.
    NoRoom(Part, u64),
    /// This core is not one of the device tree's.
    UnknownCpu(u64),
    /// Protection needs PSCI, through which every core comes.
    NoPsci,
    /// PSCI by something else than SMC, which EL2 cannot be above of.
    Conduit,
}

impl fmt::Display for BootError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BootError::NoHost => {
                f.write_str("no host: the image is not packed, and /chosen has no multiboot,kernel module")
            }
            BootError::File(why) => write!(f, "the packed file is not usable: {why:?}"),
            BootError::Kernel(at) => {
                write!(f, "the kernel module at {at:#x} is no arm64 Image at a multiple of 2 MiB")
            }
            BootError::Parameter(unknown) => write!(f, "unknown value: {unknown}"),
            BootError::NotInRam(part, range) => {
                write!(f, "too little memory: the {part} would be at {range}, where no RAM is")
            }
            BootError::Overlap(a, at, b, other) => write!(f, "the {a} at {at} overlaps the {b} at {other}"),
            BootError::NoRoom(part, bytes) => {
                write!(f, "too little memory: no room for the {part}, {bytes:#x} bytes")
            }
            BootError::UnknownCpu(affinity) => {
                write!(f, "this core, {affinity:#x}, is not in the device tree")
            }
            BootError::NoPsci => f.write_str("no PSCI in the device tree, which droste.mode=protected needs"),
            BootError::Conduit => f.write_str("PSCI is not by SMC"),
        }
    }
}

/// How much of a kernel module has to be seen.
pub const KERNEL_HEADER_BYTES: usize = 64;
const BLOCK_BYTES: u64 = 2 << 20;

/// The host as its source describes it.
struct Host<'a> {
    kernel: PaRange,
    entry: u64,
    initrd: Option<PaRange>,
    /// Nothing: to be found.
    tree: Option<PaRange>,
    command_line: Option<&'a [u8]>,
}

impl<'a> Situation<'a> {
    /// Decides everything.
    ///
    /// # Errors
    /// [`BootError`]
    pub fn plan(&self) -> Result<BootPlan<'a>, BootError<'a>> {
        let platform = self.platform;
        let host = self.host()?;
        let command_line = host.command_line.or(platform.bootargs).unwrap_or_default();
        let parameters = Parameters::read(command_line).map_err(BootError::Parameter)?;
        let psci = match platform.psci {
            Some(psci) if psci.conduit == Conduit::Smc => psci.version,
            Some(_) => return Err(BootError::Conduit),
            None if parameters.mode == Mode::Protected => return Err(BootError::NoPsci),
            None => Version::V0_1(Ids::default()),
        };
        let cpu = platform.cpus.index_of(self.affinity).ok_or(BootError::UnknownCpu(self.affinity))?;
        let mut taken = Taken { parts: [(Part::Hypervisor, PaRange::default()); PART_COUNT], platform };
        taken.put(Part::Hypervisor, self.region)?;
        taken.put(Part::LoadersTree, self.tree)?;
        taken.put(Part::Kernel, host.kernel)?;
        if let Some(initrd) = host.initrd.or(platform.initrd) {
            taken.put(Part::Initrd, initrd)?;
        }
        let host_tree = match host.tree {
            Some(range) => range,
            None => taken.find(Part::HostTree, boot_file::DEVICE_TREE_BYTES)?,
        };
        taken.put(Part::HostTree, host_tree)?;
        let mut own: Ranges<OWN_COUNT> = [self.region].into_iter().collect();
        let mut ledger = PaRange::default();
        if parameters.mode != Mode::Off {
            let bytes = page_count(&platform.ram) * size_of::<Page>() as u64;
            ledger = taken.find(Part::Ledger, bytes)?;
            taken.put(Part::Ledger, ledger)?;
            own.add(ledger);
        }
        Ok(BootPlan {
            parameters,
            cpu,
            psci,
            kernel: host.kernel,
            entry: host.entry,
            initrd: host.initrd,
            host_tree,
            command_line: host.command_line,
            ledger,
            own,
        })
    }

    fn host(&self) -> Result<Host<'a>, BootError<'a>> {
        match self.file {
            Ok(file) => self.packed(&file),
            Err(BootFileError::NotPacked) => self.modules(),
            Err(why) => Err(BootError::File(why)),
        }
    }

    fn packed(&self, file: &BootFile<'a>) -> Result<Host<'a>, BootError<'a>> {
        let damaged = BootError::File(BootFileError::Damaged);
        let at = |range: PaRange| {
            let start = self.region.start.checked_add(range.start).ok_or(damaged)?;
            PaRange::sized(start, range.bytes()).ok_or(damaged)
        };
        Ok(Host {
            kernel: at(file.kernel)?,
            entry: self.region.start.checked_add(file.entry).ok_or(damaged)?,
            initrd: if file.initrd.bytes() > 0 { Some(at(file.initrd)?) } else { None },
            tree: Some(at(file.device_tree)?),
            command_line: if file.command_line.is_empty() { None } else { Some(file.command_line) },
        })
    }

    fn modules(&self) -> Result<Host<'a>, BootError<'a>> {
        let module = self.platform.kernel_module.ok_or(BootError::NoHost)?;
        let Some(header) = self.kernel_header else {
            return Err(if self.platform.ram.covers(module.range) {
                BootError::Overlap(Part::Kernel, module.range, Part::Hypervisor, self.region)
            } else {
                BootError::NotInRam(Part::Kernel, module.range)
            });
        };
        let bad = BootError::Kernel(module.range.start);
        let number =
            |at: usize| -> Option<u64> { header.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes) };
        let (offset, bytes) = (number(8).ok_or(bad)?, number(16).ok_or(bad)?);
        let is_image = header.get(56..60) == Some(b"ARM\x64");
        if !is_image || bytes == 0 || module.range.start % BLOCK_BYTES != offset {
            return Err(bad);
        }
        let kernel = PaRange::sized(module.range.start, bytes.max(module.range.bytes())).ok_or(bad)?;
        Ok(Host {
            kernel,
            entry: kernel.start,
            initrd: self.platform.ramdisk_module.map(|m| m.range),
            tree: None,
            command_line: module.bootargs,
        })
    }
}

const PART_COUNT: usize = 8;

/// Memory that has a use.
struct Taken<'a> {
    parts: [(Part, PaRange); PART_COUNT],
    platform: &'a Platform<'a>,
}

impl Taken<'_> {
    fn all(&self) -> impl Iterator<Item = (Part, PaRange)> + '_ {
        let reserved = self.platform.reserved.iter().map(|range| (Part::Reserved, range));
        self.parts.iter().copied().filter(|(_, range)| range.bytes() > 0).chain(reserved)
    }

    /// Takes a range for a part, if it is RAM and free.
    fn put(&mut self, part: Part, range: PaRange) -> Result<(), BootError<'static>> {
        // A loader may have its tree where it likes, and may have reserved it.
        let is_loaders = part == Part::LoadersTree;
        if !is_loaders && !self.platform.ram.covers(range) {
            return Err(BootError::NotInRam(part, range));
        }
        let in_the_way =
            |(other, at): &(Part, PaRange)| at.overlaps(range) && !(is_loaders && *other == Part::Reserved);
        if let Some((other, at)) = self.all().find(in_the_way) {
            return Err(BootError::Overlap(part, range, other, at));
        }
        if let Some(free) = self.parts.iter_mut().find(|(_, range)| range.bytes() == 0) {
            *free = (part, range);
        }
        Ok(())
    }

    /// The highest place for a part, in whole blocks so that the host's map stays coarse.
    fn find(&self, part: Part, bytes: u64) -> Result<PaRange, BootError<'static>> {
        let size = bytes.next_multiple_of(BLOCK_BYTES);
        let highest = |ram: PaRange| {
            let mut start = ram.end.checked_sub(size)? & !(BLOCK_BYTES - 1);
            loop {
                let range = PaRange::sized(start, size).filter(|r| start >= ram.start && r.end <= ram.end)?;
                match self.all().find(|(_, at)| at.overlaps(range)) {
                    None => return Some(range),
                    Some((_, at)) => start = at.start.checked_sub(size)? & !(BLOCK_BYTES - 1),
                }
            }
        };
        let places = self.platform.ram.iter().filter_map(highest);
        places.max_by_key(|range| range.start).ok_or(BootError::NoRoom(part, size))
    }
}

#[cfg(test)]
mod tests;
