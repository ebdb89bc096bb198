//! Puts the hypervisor, a host's kernel, initrd and command line into one bootable file, for `droste hyp pack` and for xtask.
//! What the file says is described in `droste_hyp_core::boot_file`; nothing here runs on the machine.

mod elf;

pub use elf::{Program, is_elf, number, program};

use droste_hyp_core::address::PaRange;
use droste_hyp_core::boot_file::{self, BootFile, BootFileError};

/// Bytes of the hypervisor's own part of a file.
pub const REGION: usize = boot_file::REGION_BYTES as usize;
/// Offsets in the header of an arm64 Image (Linux's booting.rst).
const TEXT_OFFSET: usize = 8;
const IMAGE_SIZE: usize = 16;
const MAGIC: usize = 56;

/// Why there is no file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// The host's kernel is something else.
    #[error("the host's kernel is neither a raw arm64 Image nor an ELF file")]
    NotAKernel,
    /// The kernel does not start at a multiple of 2 MiB.
    #[error("kernels with a text offset are not supported")]
    TextOffset,
    /// A file ends before what its headers promise.
    #[error("the file is cut short")]
    Short,
    /// A program of nothing, or of more than 1 GiB.
    #[error("the program is empty or too large")]
    ProgramSize,
    /// An ELF file whose entry is not in what it loads.
    #[error("the entry is not in the program")]
    Entry,
    /// The image is not the hypervisor's.
    #[error("the hypervisor's image has {0} bytes, not {REGION}")]
    Image(usize),
    /// The description does not hold it all.
    #[error("the command line or the sizes do not fit: {0:?}")]
    Description(BootFileError),
}

/// Sets the memory that an image asks its loader for.
pub fn set_memory(image: &mut [u8], bytes: u64) {
    if let Some(to) = image.get_mut(IMAGE_SIZE..IMAGE_SIZE + 8) {
        to.copy_from_slice(&bytes.to_le_bytes());
    }
}

/// Puts everything together: what is at an offset of the file will be at that offset from where it is loaded. `image` is the
/// hypervisor's in its region, `kernel` a raw Image or an ELF program; an empty `initrd` or `append` keeps the loader's.
///
/// # Errors
/// [`PackError`]
pub fn pack(mut image: Vec<u8>, kernel: &[u8], initrd: &[u8], append: &str) -> Result<Vec<u8>, PackError> {
    let loaded;
    let (kernel, entry, memory) = if is_elf(kernel) {
        // A test program, linked for where loaders put it.
        loaded = program(kernel)?;
        let entry = loaded.entry.checked_sub(loaded.start).ok_or(PackError::Entry)?;
        (&loaded.bytes[..], entry, loaded.memory)
    } else {
        if kernel.get(MAGIC..MAGIC + 4) != Some(b"ARM\x64") {
            return Err(PackError::NotAKernel);
        }
        if number(kernel, TEXT_OFFSET, 8)? != 0 {
            return Err(PackError::TextOffset);
        }
        (kernel, 0, number(kernel, IMAGE_SIZE, 8)?.max(kernel.len()))
    };
    if image.len() != REGION {
        return Err(PackError::Image(image.len()));
    }
    // A header may ask for any number of bytes.
    if memory >= 1 << 30 {
        return Err(PackError::ProgramSize);
    }
    let initrd_at = (REGION + memory).next_multiple_of(4096);
    let tree_at = (initrd_at + initrd.len()).next_multiple_of(2 << 20);
    let end = tree_at + boot_file::DEVICE_TREE_BYTES as usize;
    let range = |start: usize, end: usize| PaRange { start: start as u64, end: end as u64 };
    let description = BootFile {
        kernel: range(REGION, REGION + memory),
        entry: (REGION + entry) as u64,
        initrd: range(initrd_at, initrd_at + initrd.len()),
        device_tree: range(tree_at, end),
        command_line: append.as_bytes(),
    };
    let page = image.get_mut(boot_file::OFFSET..).unwrap_or_default();
    description.write(page).map_err(PackError::Description)?;
    set_memory(&mut image, end as u64);
    image.extend(kernel);
    if !initrd.is_empty() {
        image.resize(initrd_at, 0);
        image.extend(initrd);
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(memory: u64) -> Vec<u8> {
        let mut kernel = vec![0; 4096];
        set_memory(&mut kernel, memory);
        kernel[MAGIC..MAGIC + 4].copy_from_slice(b"ARM\x64");
        kernel
    }

    #[test]
    fn packed_file_describes_where_its_parts_are() {
        let file = pack(vec![0; REGION], &kernel(0x30_0001), b"initrd", "quiet").unwrap();
        let found = BootFile::read(&file[boot_file::OFFSET..]).unwrap();
        assert_eq!(found.command_line, b"quiet");
        assert_eq!(found.kernel, PaRange { start: 0x20_0000, end: 0x50_0001 });
        let (start, end) = (found.initrd.start as usize, found.initrd.end as usize);
        assert_eq!(&file[start..end], b"initrd");
        let size = number(&file, IMAGE_SIZE, 8).unwrap();
        assert_eq!(size as u64, found.device_tree.end, "loaders keep the device tree's room free");
    }

    #[test]
    fn what_cannot_be_packed_is_named() {
        let packed = |image: usize, kernel: &[u8], append: &str| pack(vec![0; image], kernel, b"", append);
        assert_eq!(packed(REGION, &[0; 4096], ""), Err(PackError::NotAKernel));
        assert_eq!(packed(4096, &kernel(4096), ""), Err(PackError::Image(4096)));
        assert_eq!(packed(REGION, &kernel(u64::MAX), ""), Err(PackError::ProgramSize));
        assert_eq!(packed(REGION, b"\x7fELF\x02\x01", ""), Err(PackError::Short));
        let long = "x".repeat(boot_file::COMMAND_LINE_BYTES + 1);
        let description = PackError::Description(BootFileError::LongCommandLine);
        assert_eq!(packed(REGION, &kernel(4096), &long), Err(description));
    }
}
