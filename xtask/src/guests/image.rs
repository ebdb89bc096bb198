//! The raw arm64 Image inside a vmlinuz.

use crate::process;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::Command;

/// How a vmlinuz is packed.
#[derive(Debug, PartialEq, Eq)]
enum Packing {
    /// An Image as it is.
    Raw,
    /// A whole gzip file.
    Gzip,
    /// An EFI zboot program: where the payload is, and the tool that unpacks it.
    Zboot { offset: usize, size: usize, tool: &'static str },
}

/// Writes the raw Image of a vmlinuz.
pub(crate) fn write_raw(vmlinuz: &Path, to: &Path) -> Result<()> {
    let data = fs::read(vmlinuz).with_context(|| format!("cannot read {}", vmlinuz.display()))?;
    let part = to.with_extension("part");
    match packing(&data).with_context(|| format!("{}", vmlinuz.display()))? {
        Packing::Raw => fs::write(&part, &data)?,
        Packing::Gzip => unpack("gzip", vmlinuz, &part)?,
        Packing::Zboot { offset, size, tool } => {
            let payload = to.with_extension("payload");
            fs::write(&payload, data.get(offset..offset + size).context("cut short")?)?;
            let unpacked = unpack(tool, &payload, &part);
            let _ = fs::remove_file(&payload);
            unpacked?;
        }
    }
    if packing(&fs::read(&part)?)? != Packing::Raw {
        bail!("{} does not unpack to an arm64 Image", vmlinuz.display());
    }
    fs::rename(&part, to).with_context(|| format!("cannot write {}", to.display()))
}

fn unpack(tool: &str, from: &Path, to: &Path) -> Result<()> {
    let mut command = Command::new(tool);
    command.args(["-d", "-c"]).stdin(fs::File::open(from)?).stdout(fs::File::create(to)?);
    process::run(&mut command)
}

fn packing(data: &[u8]) -> Result<Packing> {
    let word = |at: usize| {
        let bytes = data.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
        bytes.context("cut short")
    };
    if data.starts_with(b"\x1f\x8b") {
        return Ok(Packing::Gzip);
    }
    if data.starts_with(b"MZ") && data.get(4..8) == Some(b"zimg") {
        let name = data.get(0x18..0x38).context("cut short")?.split(|b| *b == 0).next().unwrap_or_default();
        let tool = match name {
            b"gzip" => "gzip",
            b"xzkern" | b"xz" | b"lzma" => "xz",
            b"zstd22" | b"zstd" => "zstd",
            other => bail!("a zboot payload packed with {}", String::from_utf8_lossy(other)),
        };
        return Ok(Packing::Zboot { offset: word(8)? as usize, size: word(12)? as usize, tool });
    }
    if data.get(0x38..0x3c) == Some(b"ARM\x64") {
        return Ok(Packing::Raw);
    }
    bail!("not an arm64 kernel")
}

#[cfg(test)]
mod tests {
    use super::{Packing, packing};

    #[test]
    fn packings_are_told_apart() {
        let mut raw = vec![0; 64];
        raw[0x38..0x3c].copy_from_slice(b"ARM\x64");
        assert_eq!(packing(&raw).unwrap(), Packing::Raw);
        assert_eq!(packing(b"\x1f\x8b\x08").unwrap(), Packing::Gzip);
        let mut zboot = vec![0; 64];
        zboot[..8].copy_from_slice(b"MZ\0\0zimg");
        zboot[8..16].copy_from_slice(&[0x40, 0, 0, 0, 5, 0, 0, 0]);
        zboot[0x18..0x1c].copy_from_slice(b"zstd");
        assert_eq!(packing(&zboot).unwrap(), Packing::Zboot { offset: 0x40, size: 5, tool: "zstd" });
        assert!(packing(b"MZ").is_err());
    }
}
