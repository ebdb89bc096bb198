//! What is loaded: bytes in memory, or a file that is read when it is loaded.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use super::LoadError;
use crate::ram::GuestRam;

/// Read at a time from a file to RAM: small enough to stay in the host's second-level cache.
const CHUNK_BYTES: usize = 1 << 18;

/// The contents of a file.
///
/// A file itself is kept open and not read before it is loaded, piece by piece, so that a large one does not take the
/// host's memory twice.
#[derive(Debug)]
pub struct Content(Source);

#[derive(Debug)]
enum Source {
    Bytes(Vec<u8>),
    File { file: File, len_bytes: u64 },
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Content {
        Content(Source::Bytes(bytes))
    }
}

impl Content {
    /// The contents of `file`; of what is not a regular file, such as a pipe, all that it gives until its end.
    ///
    /// # Errors
    ///
    /// When the host cannot read it.
    pub fn of_file(mut file: File) -> io::Result<Content> {
        let metadata = file.metadata()?;
        if metadata.is_file() {
            return Ok(Content(Source::File { file, len_bytes: metadata.len() }));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Content(Source::Bytes(bytes)))
    }

    /// The number of bytes; of a file, when it was opened.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        match &self.0 {
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::File { len_bytes, .. } => *len_bytes,
        }
    }

    /// The first bytes: `limit` of them, or all.
    pub(super) fn head(&self, limit: usize) -> Result<Cow<'_, [u8]>, LoadError> {
        match &self.0 {
            Source::Bytes(bytes) => Ok(Cow::Borrowed(&bytes[..limit.min(bytes.len())])),
            Source::File { file, len_bytes } => {
                let mut head = vec![0; limit.min(usize::try_from(*len_bytes).unwrap_or(limit))];
                file.read_exact_at(&mut head, 0).map_err(LoadError::Read)?;
                Ok(Cow::Owned(head))
            }
        }
    }

    /// All bytes.
    pub(super) fn into_bytes(self) -> Result<Vec<u8>, LoadError> {
        if let Source::Bytes(bytes) = self.0 {
            return Ok(bytes);
        }
        Ok(self.head(usize::MAX)?.into_owned())
    }

    /// Copies all bytes to `pa`.
    pub(super) fn load(&self, ram: &GuestRam, pa: u64) -> Result<(), LoadError> {
        let (file, len_bytes) = match &self.0 {
            Source::Bytes(bytes) => return Ok(ram.copy_in(pa, bytes)?),
            Source::File { file, len_bytes } => (file, *len_bytes),
        };
        let mut chunk = vec![0; CHUNK_BYTES];
        for offset in (0..len_bytes).step_by(CHUNK_BYTES) {
            let piece =
                &mut chunk[..CHUNK_BYTES.min(usize::try_from(len_bytes - offset).unwrap_or(CHUNK_BYTES))];
            file.read_exact_at(piece, offset).map_err(LoadError::Read)?;
            ram.copy_in(pa.saturating_add(offset), piece)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{MemfdFlags, memfd_create};
    use std::io::Write;

    const BASE: u64 = 0x4000_0000;

    /// A file of that many bytes, each other than its neighbours.
    fn file(len: usize) -> (File, Vec<u8>) {
        let bytes: Vec<u8> = (0..len).map(|n| (n ^ n >> 8 ^ n >> 16).to_le_bytes()[0]).collect();
        let mut file = File::from(memfd_create("droste-test", MemfdFlags::CLOEXEC).unwrap());
        file.write_all(&bytes).unwrap();
        (file, bytes)
    }

    #[test]
    fn a_file_is_loaded_as_its_bytes_are() {
        for len in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 5] {
            let (file, bytes) = file(len);
            let content = Content::of_file(file.try_clone().unwrap()).unwrap();
            assert_eq!(content.len_bytes(), len as u64);
            assert_eq!(content.head(100).unwrap(), &bytes[..len.min(100)]);
            let ram = GuestRam::new(BASE, 1 << 20).unwrap();
            content.load(&ram, BASE + 3).unwrap();
            let mut loaded = vec![0; len];
            ram.copy_out(BASE + 3, &mut loaded).unwrap();
            assert!(loaded == bytes, "{len} bytes");
            assert!(content.into_bytes().unwrap() == bytes, "{len} bytes");
        }
    }

    #[test]
    fn a_file_that_has_shrunk_is_an_error() {
        let (file, _) = file(1000);
        let content = Content::of_file(file.try_clone().unwrap()).unwrap();
        file.set_len(500).unwrap();
        let ram = GuestRam::new(BASE, 1 << 20).unwrap();
        assert!(matches!(content.load(&ram, BASE), Err(LoadError::Read(_))));
    }

    #[test]
    fn what_is_no_regular_file_is_read_to_its_end() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"from a pipe").unwrap();
        drop(writer);
        let content = Content::of_file(std::os::fd::OwnedFd::from(reader).into()).unwrap();
        assert_eq!(content.into_bytes().unwrap(), b"from a pipe");
    }
}
