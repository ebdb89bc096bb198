//! A raw image: a file of the host, or a block device of it, whose bytes are those of the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::Disk;

/// A raw image.
#[derive(Debug)]
pub struct RawFile {
    file: File,
    size_bytes: u64,
    read_only: bool,
}

impl RawFile {
    /// Opens an image.
    pub fn open(path: &Path, read_only: bool) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(!read_only).open(path)?;
        // The end is where a block device has its size.
        let size_bytes = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, size_bytes, read_only })
    }
}

impl Disk for RawFile {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, offset)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}
