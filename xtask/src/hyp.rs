//! `cargo xtask hyp pack`: the hypervisor, a host's kernel and initrd in one bootable file. `hyp image`: the hypervisor alone,
//! for loaders that describe the host in the device tree.

mod symbols;

use crate::args::Args;
use crate::{cross, place, process, say};
use anyhow::{Context, Result, bail, ensure};
use droste_hyp_core::boot_file;
use droste_hyp_pack::{self as file, REGION, number};
use std::fs;
use std::path::{Path, PathBuf};

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
    let path = |args: &mut Args, name: &str| Ok::<_, anyhow::Error>(args.option(name)?.map(PathBuf::from));
    let kernel = path(&mut args, "--host-kernel")?.context("name a kernel: --host-kernel FILE")?;
    let initrd = path(&mut args, "--host-initrd")?;
    let append = args.option("--host-append")?.unwrap_or_default();
    let out = path(&mut args, "-o")?.context("name the file to write: -o FILE")?;
    args.finish()?;
    build()?;
    pack(&kernel, initrd.as_deref(), &append, &out)?;
    Ok(true)
}

/// Builds the image.
pub(crate) fn build() -> Result<()> {
    say::say("building the hypervisor");
    process::run(cross::cargo("build")?.args(["--release", "-p", "droste-hyp"]))?;
    // For `droste hyp pack`, which looks for it beside itself.
    let release = place::target().join("release");
    fs::create_dir_all(&release)?;
    alone(&release.join("droste-hyp.img"))
}

/// The most that the image may be, with its symbols.
const MAX_BYTES: usize = 256 << 10;

/// Writes the image that [`build`] made, without a host.
pub(crate) fn alone(out: &Path) -> Result<()> {
    let mut image = image()?;
    file::set_memory(&mut image, boot_file::REGION_BYTES);
    fs::write(out, &image).with_context(|| format!("cannot write {}", out.display()))
}

/// The image with its symbols.
fn image() -> Result<Vec<u8>> {
    let program = cross::program("droste-hyp");
    let elf = fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
    let mut image = file::program(&elf)?.bytes;
    let code = image.len();
    ensure!(code <= REGION, "the image is too large");
    image.resize(REGION, 0);
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
    let packed = file::pack(image, &read(kernel)?, &initrd, append)
        .with_context(|| format!("cannot pack {}", kernel.display()))?;
    fs::write(out, &packed).with_context(|| format!("cannot write {}", out.display()))?;
    say::say(format!("{}: {} MiB", out.display(), packed.len() >> 20));
    Ok(())
}
