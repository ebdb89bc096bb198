//! A store of clusters in a file, which can be used again later.
//!
//! The file has a header of one cluster, a bitmap of the clusters that were written, and the clusters, each
//! at its place: a sparse file as large as the base at most. Numbers are little-endian.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::overlay::{CLUSTER_BYTES, ClusterStore};

const CLUSTER: u64 = CLUSTER_BYTES as u64;
const MAGIC: &[u8; 8] = b"DROSTEOV";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 24;

/// Why an overlay file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    /// The host refuses.
    #[error("the overlay file cannot be opened")]
    Io(#[from] io::Error),
    /// The file is something else.
    #[error("the file is no overlay of this version")]
    NotAnOverlay,
    /// The overlay was made for another base.
    #[error("the overlay is for a base of {overlay_bytes} bytes, and this one has {base_bytes}")]
    OtherBase {
        /// The size in the overlay's header.
        overlay_bytes: u64,
        /// The size of the base that it is used with.
        base_bytes: u64,
    },
}

/// A store of clusters in a file.
#[derive(Debug)]
pub struct FileStore {
    file: File,
    written: Vec<u8>,
    /// The bitmap in the file is older than the one in memory.
    bitmap_changed: bool,
    data_offset: u64,
}

impl FileStore {
    /// Opens or makes the overlay at `path` for a base of `base_bytes`.
    pub fn open(path: &Path, base_bytes: u64) -> Result<Self, OverlayError> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let bitmap_bytes = base_bytes.div_ceil(CLUSTER).div_ceil(8);
        let data_offset = (CLUSTER + bitmap_bytes).next_multiple_of(CLUSTER);
        let bitmap_length = usize::try_from(bitmap_bytes).map_err(io::Error::other)?;
        let mut written = vec![0; bitmap_length];
        let header = header(base_bytes);
        if file.metadata()?.len() == 0 {
            file.write_all_at(&header, 0)?;
            file.set_len(data_offset)?;
        } else {
            let mut found = [0; HEADER_BYTES];
            file.read_exact_at(&mut found, 0).map_err(|_| OverlayError::NotAnOverlay)?;
            if found[..16] != header[..16] {
                return Err(OverlayError::NotAnOverlay);
            }
            if found != header {
                let size = found.last_chunk().copied().unwrap_or_default();
                return Err(OverlayError::OtherBase { overlay_bytes: u64::from_le_bytes(size), base_bytes });
            }
            file.read_exact_at(&mut written, CLUSTER).map_err(|_| OverlayError::NotAnOverlay)?;
        }
        Ok(Self { file, written, bitmap_changed: false, data_offset })
    }

    fn place(&self, cluster: u64) -> u64 {
        self.data_offset + cluster * CLUSTER
    }
}

impl ClusterStore for FileStore {
    fn read(&mut self, cluster: u64, bytes: &mut [u8; CLUSTER_BYTES]) -> io::Result<bool> {
        let (byte, bit) = bitmap_place(cluster)?;
        if self.written.get(byte).is_none_or(|flags| flags & bit == 0) {
            return Ok(false);
        }
        self.file.read_exact_at(bytes, self.place(cluster))?;
        Ok(true)
    }

    fn write(&mut self, cluster: u64, bytes: &[u8; CLUSTER_BYTES]) -> io::Result<()> {
        let (byte, bit) = bitmap_place(cluster)?;
        self.file.write_all_at(bytes, self.place(cluster))?;
        let flags = self.written.get_mut(byte).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.bitmap_changed |= *flags & bit == 0;
        *flags |= bit;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        // The bitmap must not name a cluster whose bytes are not there yet.
        self.file.sync_data()?;
        if self.bitmap_changed {
            self.file.write_all_at(&self.written, CLUSTER)?;
            self.file.sync_data()?;
            self.bitmap_changed = false;
        }
        Ok(())
    }
}

impl Drop for FileStore {
    fn drop(&mut self) {
        // A guest that wants to know whether its data are safe flushes before.
        let _ = self.flush();
    }
}

fn header(base_bytes: u64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&(CLUSTER_BYTES as u32).to_le_bytes());
    header[16..].copy_from_slice(&base_bytes.to_le_bytes());
    header
}

fn bitmap_place(cluster: u64) -> io::Result<(usize, u8)> {
    Ok((usize::try_from(cluster / 8).map_err(io::Error::other)?, 1 << (cluster % 8)))
}

#[cfg(test)]
mod tests {
    use super::super::{Disk, Overlay};
    use super::*;

    /// A file name that no other test uses; the file is removed at the end.
    struct Scratch(std::path::PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("droste-{name}-{}", std::process::id()));
            let _ = std::fs::remove_file(&path);
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn what_was_written_is_there_after_reopening() {
        let scratch = Scratch::new("reopen");
        let base = vec![7; 100_000];
        let open = || Overlay::new(Box::new(base.clone()), FileStore::open(&scratch.0, 100_000).unwrap());
        let mut overlay = open();
        overlay.write_at(50_000, b"changed").unwrap();
        overlay.write_at(99_999, b"x").unwrap();
        drop(overlay);
        let mut bytes = vec![0; 100_000];
        open().read_at(0, &mut bytes).unwrap();
        let mut expected = base.clone();
        expected[50_000..50_007].copy_from_slice(b"changed");
        expected[99_999] = b'x';
        assert!(bytes == expected);
    }

    #[test]
    fn other_files_and_other_bases_are_refused() {
        let scratch = Scratch::new("other");
        std::fs::write(&scratch.0, b"some text that is no overlay").unwrap();
        assert!(matches!(FileStore::open(&scratch.0, 8192), Err(OverlayError::NotAnOverlay)));
        std::fs::write(&scratch.0, header(8192)).unwrap();
        assert!(matches!(FileStore::open(&scratch.0, 8192), Err(OverlayError::NotAnOverlay)), "no bitmap");
        std::fs::remove_file(&scratch.0).unwrap();
        drop(FileStore::open(&scratch.0, 8192).unwrap());
        let error = FileStore::open(&scratch.0, 4096).unwrap_err();
        assert!(matches!(error, OverlayError::OtherBase { overlay_bytes: 8192, base_bytes: 4096 }));
    }
}
