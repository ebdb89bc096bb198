//! What is behind a block device: files of the host, and overlays that keep a base unchanged.

mod file;
mod overlay;
mod overlay_file;

use std::io;

pub use file::RawFile;
pub use overlay::{ClusterStore, MemoryStore, Overlay};
pub use overlay_file::{FileStore, OverlayError};

/// Zeros are written in pieces of this size.
const PIECE_BYTES: usize = 64 << 10;

/// A disk image. Ranges are within [`size_bytes`](Self::size_bytes); the caller has checked it.
pub trait Disk: Send {
    /// The size of the disk.
    fn size_bytes(&self) -> u64;

    /// Tells whether writes are refused.
    fn is_read_only(&self) -> bool;

    /// Reads bytes from `offset`.
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Writes bytes at `offset`.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything that was written durable.
    fn flush(&mut self) -> io::Result<()>;

    /// Writes zeros.
    fn write_zeroes(&mut self, offset: u64, length_bytes: u64) -> io::Result<()> {
        let zeros = [0; PIECE_BYTES];
        let end = offset + length_bytes;
        let mut at = offset;
        while at < end {
            let length = (end - at).min(PIECE_BYTES as u64);
            self.write_at(at, &zeros[..length as usize])?;
            at += length;
        }
        Ok(())
    }
}

/// A disk in memory.
impl Disk for Vec<u8> {
    fn size_bytes(&self) -> u64 {
        self.len() as u64
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let from = self.get(start..).and_then(|rest| rest.get(..bytes.len()));
        bytes.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let to = self.get_mut(start..).and_then(|rest| rest.get_mut(..bytes.len()));
        to.ok_or(io::ErrorKind::UnexpectedEof)?.copy_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
