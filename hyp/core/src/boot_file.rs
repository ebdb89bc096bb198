//! The description inside a packed boot file: where the host's kernel, initrd and command line are.
//!
//! A packed file is the image padded to [`REGION_BYTES`], then the host's kernel, its initrd, and room for a device tree.
//! `cargo xtask hyp pack` writes the description at [`OFFSET`]; the image reads it at boot. All numbers are little-endian.

use crate::address::PaRange;

/// Memory that belongs to the hypervisor: the image, its stacks and its page tables. The host's kernel follows.
pub const REGION_BYTES: u64 = 2 << 20;
/// Where the description is in the file.
pub const OFFSET: usize = 4096;
/// Its size with the command line.
pub const BYTES: usize = 4096;
/// The longest command line.
pub const COMMAND_LINE_BYTES: usize = 2048;
/// Room for the host's device tree.
pub const DEVICE_TREE_BYTES: u64 = 1 << 20;

const MAGIC: u64 = u64::from_le_bytes(*b"drosteBF");
const COMMAND_LINE_AT: usize = 64;

/// Offsets from the start of the file, which is also where it is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootFile<'a> {
    /// The host's kernel with the memory that its header asks for.
    pub kernel: PaRange,
    /// Where the kernel is entered.
    pub entry: u64,
    /// The initrd; empty if there is none.
    pub initrd: PaRange,
    /// Room for the device tree that the host gets.
    pub device_tree: PaRange,
    /// The host's command line; empty to keep what the device tree has.
    pub command_line: &'a [u8],
}

/// Why a description cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootFileError {
    /// The image was not packed.
    NotPacked,
    /// A number is out of its range.
    Damaged,
    /// The command line is too long.
    LongCommandLine,
}

impl<'a> BootFile<'a> {
    /// Reads a description from the start of `bytes`.
    ///
    /// # Errors
    /// [`BootFileError`], also when parts overlap each other or the hypervisor.
    pub fn read(bytes: &'a [u8]) -> Result<BootFile<'a>, BootFileError> {
        let number = |n: usize| -> Option<u64> {
            let bytes = bytes.get(n * 8..n * 8 + 8)?;
            bytes.try_into().ok().map(u64::from_le_bytes)
        };
        if number(0) != Some(MAGIC) {
            return Err(BootFileError::NotPacked);
        }
        let range = |n| PaRange::sized(number(n)?, number(n + 1)?);
        let read = || -> Option<BootFile<'a>> {
            let length = usize::try_from(number(7)?).ok()?;
            let command_line = bytes.get(COMMAND_LINE_AT..)?.get(..length)?;
            let (kernel, initrd) = (range(1)?, range(4)?);
            let start = number(6)?;
            let device_tree = PaRange::sized(start, DEVICE_TREE_BYTES)?;
            Some(BootFile { kernel, entry: number(3)?, initrd, device_tree, command_line })
        };
        let file = read().ok_or(BootFileError::Damaged)?;
        if file.command_line.len() > COMMAND_LINE_BYTES {
            return Err(BootFileError::LongCommandLine);
        }
        let PaRange { start, end } = file.device_tree;
        let apart = !file.kernel.overlaps(file.initrd)
            && !file.kernel.overlaps(file.device_tree)
            && !file.initrd.overlaps(file.device_tree);
        let behind = file.kernel.start >= REGION_BYTES
            && start >= REGION_BYTES
            && (file.initrd.bytes() == 0 || file.initrd.start >= REGION_BYTES);
        let aligned = file.kernel.start.is_multiple_of(REGION_BYTES) && start.is_multiple_of(4096);
        // Offsets are added to load addresses; a file is far below this.
        let small = end < 1 << 40 && file.kernel.end < 1 << 40 && file.initrd.end < 1 << 40;
        if apart && behind && aligned && small && file.kernel.contains(file.entry) {
            Ok(file)
        } else {
            Err(BootFileError::Damaged)
        }
    }

    /// Writes the description to the start of `out`, which has at least [`BYTES`].
    ///
    /// # Errors
    /// `LongCommandLine`; `Damaged` if `out` is too short.
    pub fn write(&self, out: &mut [u8]) -> Result<(), BootFileError> {
        if self.command_line.len() > COMMAND_LINE_BYTES {
            return Err(BootFileError::LongCommandLine);
        }
        let numbers = [
            MAGIC,
            self.kernel.start,
            self.kernel.bytes(),
            self.entry,
            self.initrd.start,
            self.initrd.bytes(),
            self.device_tree.start,
            self.command_line.len() as u64,
        ];
        let (head, rest) = out.split_at_mut_checked(COMMAND_LINE_AT).ok_or(BootFileError::Damaged)?;
        for (to, number) in head.chunks_exact_mut(8).zip(numbers) {
            to.copy_from_slice(&number.to_le_bytes());
        }
        let to = rest.get_mut(..self.command_line.len()).ok_or(BootFileError::Damaged)?;
        to.copy_from_slice(self.command_line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: BootFile<'static> = BootFile {
        kernel: PaRange { start: 0x20_0000, end: 0x120_0000 },
        entry: 0x20_0000,
        initrd: PaRange { start: 0x120_0000, end: 0x130_0123 },
        device_tree: PaRange { start: 0x140_0000, end: 0x150_0000 },
        command_line: b"console=ttyAMA0",
    };

    #[test]
    fn description_is_read_as_it_was_written() {
        let mut page = [0; BYTES];
        FILE.write(&mut page).unwrap();
        assert_eq!(BootFile::read(&page), Ok(FILE));
    }

    #[test]
    fn image_that_was_not_packed_says_so() {
        assert_eq!(BootFile::read(&[0; BYTES]), Err(BootFileError::NotPacked));
    }

    #[test]
    fn parts_that_overlap_are_refused() {
        let mut page = [0; BYTES];
        for bad in [
            BootFile { kernel: PaRange { start: 0, end: 0x120_0000 }, entry: 0, ..FILE },
            BootFile { initrd: PaRange { start: 0x100_0000, end: 0x130_0000 }, ..FILE },
            BootFile { device_tree: PaRange { start: 0x120_0000, end: 0x130_0000 }, ..FILE },
            BootFile { entry: 0x120_0000, ..FILE },
        ] {
            bad.write(&mut page).unwrap();
            assert_eq!(BootFile::read(&page), Err(BootFileError::Damaged), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_behind_the_magic_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let n = bytes.len().min(8);
            bytes[..n].copy_from_slice(&MAGIC.to_le_bytes()[..n]);
            let _ = BootFile::read(&bytes);
        }
    }
}
