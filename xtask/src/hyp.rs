//! `cargo xtask hyp pack`: the hypervisor, a host's kernel and initrd in one bootable file. `hyp image`: the hypervisor alone,
//! for loaders that describe the host in the device tree.

mod symbols;

use crate::args::Args;
use crate::{cross, process, say};
use anyhow::{Context, Result, bail, ensure};
use droste_hyp_core::address::PaRange;
use droste_hyp_core::boot_file::{self, BootFile};
use std::fs;
use std::path::{Path, PathBuf};

const REGION: usize = boot_file::REGION_BYTES as usize;
/// Offsets in the header of an arm64 Image.
const IMAGE_SIZE: usize = 16;
const MAGIC: usize = 56;

/// Runs `hyp pack`.
pub(crate) fn run(mut args: Args) -> Result<bool> {
    match args.command().as_deref() {
        Some("pack") => {}
        Some("image") => {
            let out = args.option("-o")?.map(PathBuf::from).context("name the file to write: -o FILE")?;
            args.finish()?;
            build()?;
            alone(&out)?;
            return Ok(true);
        }
        other => bail!("`hyp` knows `pack` and `image`, not {other:?}"),
    }
    let file = |args: &mut Args, name: &str| Ok::<_, anyhow::Error>(args.option(name)?.map(PathBuf::from));
    let kernel = file(&mut args, "--host-kernel")?.context("name a kernel: --host-kernel FILE")?;
    let initrd = file(&mut args, "--host-initrd")?;
    let append = args.option("--host-append")?.unwrap_or_default();
    let out = file(&mut args, "-o")?.context("name the file to write: -o FILE")?;
    args.finish()?;
    build()?;
    pack(&kernel, initrd.as_deref(), &append, &out)?;
    Ok(true)
}

/// Builds the image.
pub(crate) fn build() -> Result<()> {
    say::say("building the hypervisor");
    process::run(cross::cargo("build")?.args(["--release", "-p", "droste-hyp"]))
}

/// The most that the image may be, with its symbols.
const MAX_BYTES: usize = 256 << 10;

/// Writes the image that [`build`] made, without a host.
pub(crate) fn alone(out: &Path) -> Result<()> {
    let mut image = image()?;
    image[IMAGE_SIZE..IMAGE_SIZE + 8].copy_from_slice(&boot_file::REGION_BYTES.to_le_bytes());
    fs::write(out, &image).with_context(|| format!("cannot write {}", out.display()))
}

/// The image with its symbols.
fn image() -> Result<Vec<u8>> {
    let program = cross::program("droste-hyp");
    let elf = fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
    let mut image = flat(&elf)?;
    let code = segments(&elf)?.bytes.len();
    let table = symbols::write(&elf, &mut image[droste_hyp_core::symbols::OFFSET..])?;
    let bytes = code + table;
    say::say(format!("the hypervisor: {} KiB, {} of them symbols", bytes >> 10, table >> 10));
    ensure!(bytes < MAX_BYTES, "the hypervisor has {bytes} bytes, the limit is {MAX_BYTES}");
    Ok(image)
}

/// Packs the image that [`build`] made.
pub(crate) fn pack(kernel: &Path, initrd: Option<&Path>, append: &str, out: &Path) -> Result<()> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let image = image()?;
    let initrd = initrd.map(read).transpose()?.unwrap_or_default();
    let packed = packed(image, &read(kernel)?, &initrd, append)
        .with_context(|| format!("cannot pack {}", kernel.display()))?;
    fs::write(out, &packed).with_context(|| format!("cannot write {}", out.display()))?;
    say::say(format!("{}: {} MiB", out.display(), packed.len() >> 20));
    Ok(())
}

/// The image: the loadable segments of an ELF file that is linked at 0, in its region.
fn flat(elf: &[u8]) -> Result<Vec<u8>> {
    let mut out = segments(elf)?.bytes;
    ensure!(out.len() <= REGION, "the image is too large");
    out.resize(REGION, 0);
    Ok(out)
}

/// A program as it is in memory.
struct Program {
    bytes: Vec<u8>,
    /// Where it is linked, and where it is entered.
    start: usize,
    entry: usize,
    /// What it needs with what is not in the file.
    memory: usize,
}

/// Lays the loadable segments of an ELF file out.
fn segments(elf: &[u8]) -> Result<Program> {
    ensure!(is_elf(elf), "not a 64-bit little-endian ELF file");
    let (headers, each, count) = (number(elf, 32, 8)?, number(elf, 54, 2)?, number(elf, 56, 2)?);
    let mut loaded = Vec::new();
    for n in 0..count {
        let header = headers + n * each;
        if number(elf, header, 4)? == 1 {
            let field = |offset| number(elf, header + offset, 8);
            let (from, to, in_file, in_memory) = (field(8)?, field(24)?, field(32)?, field(40)?);
            let end = from.checked_add(in_file).context("a segment is cut short")?;
            loaded.push((to, elf.get(from..end).context("a segment is cut short")?, in_memory));
        }
    }
    let start = loaded.iter().map(|(to, ..)| *to).min().context("nothing to load")?;
    let memory = loaded.iter().map(|(to, _, bytes)| to + bytes - start).max().unwrap_or(0);
    ensure!(memory < 1 << 30, "the program is too large");
    let mut bytes = Vec::new();
    for (to, from, _) in loaded {
        let at = to - start;
        bytes.resize(bytes.len().max(at + from.len()), 0);
        bytes[at..at + from.len()].copy_from_slice(from);
    }
    Ok(Program { bytes, start, entry: number(elf, 24, 8)?, memory })
}

fn is_elf(file: &[u8]) -> bool {
    file.starts_with(b"\x7fELF\x02\x01")
}

fn number(bytes: &[u8], at: usize, size: usize) -> Result<usize> {
    let bytes = bytes.get(at..at + size).context("the file is cut short")?;
    Ok(bytes.iter().rev().fold(0, |value, b| value << 8 | usize::from(*b)))
}

/// Puts everything together: what is at an offset of the file will be at that offset from where it is loaded.
fn packed(mut image: Vec<u8>, kernel: &[u8], initrd: &[u8], append: &str) -> Result<Vec<u8>> {
    let program;
    let (kernel, entry, memory) = if is_elf(kernel) {
        // A test program, linked for where loaders put it.
        program = segments(kernel)?;
        let entry = program.entry.checked_sub(program.start).context("the entry is not in the program")?;
        (&program.bytes[..], entry, program.memory)
    } else {
        let is_image = kernel.get(MAGIC..MAGIC + 4) == Some(b"ARM\x64");
        ensure!(is_image, "the host's kernel is neither a raw arm64 Image nor an ELF file");
        ensure!(number(kernel, 8, 8)? == 0, "kernels with a text offset are not supported");
        (kernel, 0, number(kernel, IMAGE_SIZE, 8)?.max(kernel.len()))
    };
    ensure!(image.len() == REGION, "the image has to fill its region");
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
    let page = image.get_mut(boot_file::OFFSET..).context("no room for the description")?;
    match description.write(page) {
        Ok(()) => {}
        Err(why) => bail!("the command line or the sizes do not fit: {why:?}"),
    }
    image[IMAGE_SIZE..IMAGE_SIZE + 8].copy_from_slice(&(end as u64).to_le_bytes());
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
        kernel[IMAGE_SIZE..IMAGE_SIZE + 8].copy_from_slice(&memory.to_le_bytes());
        kernel[MAGIC..MAGIC + 4].copy_from_slice(b"ARM\x64");
        kernel
    }

    #[test]
    fn packed_file_describes_where_its_parts_are() {
        let file = packed(vec![0; REGION], &kernel(0x30_0001), b"initrd", "quiet").unwrap();
        let found = BootFile::read(&file[boot_file::OFFSET..]).unwrap();
        assert_eq!(found.command_line, b"quiet");
        assert_eq!(found.kernel, PaRange { start: 0x20_0000, end: 0x50_0001 });
        let (start, end) = (found.initrd.start as usize, found.initrd.end as usize);
        assert_eq!(&file[start..end], b"initrd");
        let size = number(&file, IMAGE_SIZE, 8).unwrap();
        assert_eq!(size as u64, found.device_tree.end, "loaders keep the device tree's room free");
    }

    #[test]
    fn kernel_that_is_no_image_is_refused() {
        assert!(packed(vec![0; REGION], &[0; 4096], b"", "").is_err());
    }

    #[test]
    fn command_line_that_is_too_long_is_refused() {
        let long = "x".repeat(boot_file::COMMAND_LINE_BYTES + 1);
        assert!(packed(vec![0; REGION], &kernel(4096), b"", &long).is_err());
    }
}
