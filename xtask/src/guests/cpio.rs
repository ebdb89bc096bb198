//! A writer of newc archives, as Linux unpacks for its initramfs. Needs no root: owners and devices are just numbers.

use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write, copy};
use std::path::{Path, PathBuf};

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;
const CHARACTER: u32 = 0o020_000;

enum Data {
    Bytes(Vec<u8>),
    File(PathBuf),
}

struct Entry {
    name: String,
    mode: u32,
    device: (u32, u32),
    data: Data,
}

/// Entries in the order in which they are unpacked; the folders of an entry come before it by themselves.
#[derive(Default)]
pub(crate) struct Archive {
    entries: Vec<Entry>,
    names: BTreeSet<String>,
}

impl Archive {
    fn add(&mut self, name: &str, mode: u32, device: (u32, u32), data: Data) {
        if let Some((parent, _)) = name.rsplit_once('/') {
            self.directory(parent);
        }
        if self.names.insert(name.to_owned()) {
            self.entries.push(Entry { name: name.to_owned(), mode, device, data });
        }
    }

    pub(crate) fn directory(&mut self, name: &str) {
        self.add(name, DIRECTORY | 0o755, (0, 0), Data::Bytes(Vec::new()));
    }

    /// A regular file, read when the archive is written.
    pub(crate) fn file(&mut self, name: &str, mode: u32, source: &Path) {
        self.add(name, REGULAR | mode, (0, 0), Data::File(source.to_path_buf()));
    }

    pub(crate) fn text(&mut self, name: &str, mode: u32, text: &str) {
        self.add(name, REGULAR | mode, (0, 0), Data::Bytes(text.into()));
    }

    pub(crate) fn link(&mut self, name: &str, target: &str) {
        self.add(name, LINK | 0o777, (0, 0), Data::Bytes(target.into()));
    }

    pub(crate) fn character_device(&mut self, name: &str, mode: u32, device: (u32, u32)) {
        self.add(name, CHARACTER | mode, device, Data::Bytes(Vec::new()));
    }

    /// Writes the archive aside and renames it: a running machine may be reading the old one.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let part = path.with_extension(format!("part{}", std::process::id()));
        let written: Result<()> = (|| {
            let mut out = BufWriter::new(File::create(&part)?);
            self.write_to(&mut out)?;
            out.flush()?;
            Ok(fs::rename(&part, path)?)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    fn write_to(&self, out: &mut impl Write) -> Result<()> {
        for (index, entry) in self.entries.iter().enumerate() {
            let size = match &entry.data {
                Data::Bytes(bytes) => bytes.len() as u64,
                Data::File(file) => {
                    fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len()
                }
            };
            let size = u32::try_from(size).with_context(|| format!("{} is too large", entry.name))?;
            header(out, index + 1, entry, size)?;
            match &entry.data {
                Data::Bytes(bytes) => out.write_all(bytes)?,
                Data::File(file) => {
                    let copied = copy(&mut File::open(file)?, out)?;
                    anyhow::ensure!(
                        copied == u64::from(size),
                        "{} changed while it was read",
                        file.display()
                    );
                }
            }
            pad(out, size as usize)?;
        }
        let end = Entry { name: "TRAILER!!!".into(), mode: 0, device: (0, 0), data: Data::Bytes(Vec::new()) };
        header(out, 0, &end, 0)
    }
}

fn header(out: &mut impl Write, inode: usize, entry: &Entry, size: u32) -> Result<()> {
    let name_size = entry.name.len() as u32 + 1;
    let (major, minor) = entry.device;
    let fields = [inode as u32, entry.mode, 0, 0, 1, 0, size, 0, 0, major, minor, name_size, 0];
    write!(out, "070701")?;
    for field in fields {
        write!(out, "{field:08X}")?;
    }
    out.write_all(entry.name.as_bytes())?;
    out.write_all(&[0])?;
    pad(out, 110 + name_size as usize)
}

/// Fills up to a multiple of four bytes.
fn pad(out: &mut impl Write, written: usize) -> Result<()> {
    Ok(out.write_all(&[0; 3][..written.wrapping_neg() & 3])?)
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn parents_come_once_and_before_their_files() {
        let mut archive = Archive::default();
        archive.text("a/b/c", 0o644, "x");
        archive.text("a/b/d", 0o644, "y");
        let names: Vec<&str> = archive.entries.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["a", "a/b", "a/b/c", "a/b/d"]);
    }

    #[test]
    fn archive_is_newc_with_everything_on_four_bytes() {
        let mut archive = Archive::default();
        archive.text("init", 0o755, "hello");
        let mut bytes = Vec::new();
        archive.write_to(&mut bytes).unwrap();
        assert!(bytes.starts_with(b"07070100000001000081ED"));
        assert_eq!(&bytes[110..115], b"init\0");
        // 110 + 5 = 115, padded to 116
        assert_eq!(&bytes[116..121], b"hello");
        assert_eq!(&bytes[124..130], b"070701");
        assert_eq!(bytes.len() % 4, 0);
        assert!(bytes.windows(11).any(|w| w == b"TRAILER!!!\0"));
    }
}
