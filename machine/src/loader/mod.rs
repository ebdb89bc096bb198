//! What a boot loader would have done: reads a kernel file, decides where kernel, initrd and device tree
//! go, and puts them there.
//!
//! The addresses are those that QEMU's `virt` board chooses for `-kernel`, so that a guest sees the same
//! memory on both. The three steps are separate because the device tree names the initrd's address:
//! [`Kernel::parse`], [`Placement::new`], [`Placement::load`].

mod content;
mod elf;
mod image;
mod kernel;
mod placement;
mod unpack;

use std::ops::Range;

pub use content::Content;
pub use elf::{Executable, Segment};
pub use image::{Image, ImageFlags};
pub use kernel::Kernel;
pub use placement::{DTB_LIMIT_BYTES, Placement};

use crate::ram::RamError;

/// Why a kernel, an initrd or a device tree cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is nothing that this loader knows.
    #[error("the kernel is neither an arm64 Image, plain or packed, nor an ELF file")]
    UnknownFormat,
    /// The file ends before something that it announces.
    #[error("the kernel file is truncated: {what} needs {needed} bytes, and there are {found}")]
    Truncated {
        /// What is cut off.
        what: &'static str,
        /// Bytes that it takes, from the start of the file.
        needed: u64,
        /// Bytes of the file.
        found: u64,
    },
    /// An EFI zboot image is packed in a way that this loader cannot unpack.
    #[error("the kernel is an EFI zboot image packed with {method:?}; gzip and zstd are understood")]
    UnknownCompression {
        /// The method that the header names.
        method: String,
    },
    /// The packed data are damaged.
    #[error("the kernel cannot be unpacked, its {method} data are truncated or damaged ({source})")]
    Unpack {
        /// `gzip` or `zstd`.
        method: &'static str,
        /// What the decoder found.
        source: std::io::Error,
    },
    /// The kernel does not fit once unpacked.
    #[error("the unpacked kernel is larger than the guest's memory of {limit_bytes:#x} bytes")]
    UnpackedTooLarge {
        /// The size of guest RAM.
        limit_bytes: u64,
    },
    /// The ELF file is damaged.
    #[error("the kernel is a truncated or damaged ELF file ({0})")]
    Elf(#[source] object::Error),
    /// The ELF file is for something else.
    #[error("the kernel is an ELF file, but not a little-endian AArch64 executable")]
    ElfNotAarch64,
    /// The ELF file has nothing to load.
    #[error("the kernel is an ELF file without loadable segments")]
    ElfEmpty,
    /// Something does not fit into RAM at the address that it has to have.
    #[error("{what} needs memory from {:#x} to {:#x}, but RAM is from {:#x} to {:#x}", range.start, range.end, ram.start, ram.end)]
    OutsideRam {
        /// `the kernel`, `the initrd` or `the device tree`.
        what: &'static str,
        /// Where it would have to be.
        range: Range<u64>,
        /// Where RAM is.
        ram: Range<u64>,
    },
    /// Two parts of the ELF file want the same memory.
    #[error("two segments of the kernel overlap at {address:#x}")]
    Overlap {
        /// The first address that both want.
        address: u64,
    },
    /// The device tree is larger than what Linux maps of it.
    #[error("the device tree has {size_bytes:#x} bytes; at most {DTB_LIMIT_BYTES:#x} are possible")]
    DtbTooLarge {
        /// Its size.
        size_bytes: u64,
    },
    /// The host cannot read the file any more, or it has become shorter.
    #[error("a file that was there cannot be read ({0})")]
    Read(#[source] std::io::Error),
    /// RAM refused a copy.
    #[error("guest memory cannot be written")]
    Ram(#[from] RamError),
}

/// The field of `bytes` at `offset`, little-endian, when the file is long enough.
fn field<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}
