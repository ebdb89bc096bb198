//! Stock guests: Debian's arm64 kernels, and initramfs archives whose init starts the next level under KVM.
//!
//! `DROSTE_GUESTS=DIR` names a directory that holds the finished files, by the names used here; else they are made
//! from Debian's packages, under the state directory.

mod cpio;
mod elf;
mod image;
mod initramfs;
mod modules;
mod packages;
pub(crate) mod programs;
mod rootfs;

use crate::{place, say};
use anyhow::{Context, Result, anyhow, bail};
use std::fs;
use std::path::PathBuf;

/// The kernels: a name for file names, and the Debian suite that the version is taken from.
pub(crate) const KERNELS: [(&str, &str); 2] = [("7.2", "trixie-backports"), ("6.12", "trixie")];

/// The archive of the programs that `cargo xtask bench` times in a guest.
pub(crate) const PROGRAMS: &str = "programs.cpio";

/// Marks an error that means: this machine has no way to get guests. Tests are skipped for it, and for no other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unavailable;

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this guest cannot be had here")
    }
}

/// Every file that can be asked for.
pub(crate) fn names() -> Vec<String> {
    let mut all = vec!["tiny.cpio".to_owned(), "debian.img".to_owned(), PROGRAMS.to_owned()];
    for (kernel, _) in KERNELS {
        all.push(format!("Image-{kernel}"));
        all.extend(["disk", "host", "one", "two", "three"].map(|levels| format!("{levels}-{kernel}.cpio")));
    }
    all
}

/// Makes every file, or those named, and says where they are.
pub(crate) fn run(wanted: &[String]) -> Result<bool> {
    let wanted = if wanted.is_empty() { names() } else { wanted.to_vec() };
    for name in wanted {
        let path = file(&name)?;
        println!("{} ({} MB)", path.display(), fs::metadata(&path)?.len().div_ceil(1_000_000));
    }
    Ok(true)
}

/// One of `names()`, made if need be.
pub(crate) fn file(name: &str) -> Result<PathBuf> {
    if let Some(dir) = place::variable("DROSTE_GUESTS") {
        let path = dir.join(name);
        if !path.is_file() {
            return Err(anyhow!("DROSTE_GUESTS={} has no {name}", dir.display()).context(Unavailable));
        }
        return Ok(path);
    }
    if !names().iter().any(|n| n == name) {
        bail!("{name:?} is no guest file; there are: {}", names().join(", "));
    }
    let dir = place::state().join("guests/images");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let path = dir.join(name);
    let fresh = initramfs::recipe(name)?;
    let stamp = dir.join(format!("{name}.recipe"));
    if path.is_file() && fs::read_to_string(&stamp).ok().as_ref() == Some(&fresh) {
        return Ok(path);
    }
    let _ = fs::remove_file(&stamp);
    match name.trim_end_matches(".cpio").split_once('-') {
        None if name == PROGRAMS => programs::archive()?.write(&path)?,
        None if name == "debian.img" => rootfs::pack(&packages::rootfs()?, &path)?,
        Some(("disk", kernel)) => {
            let unpacked = place::state().join("guests/modules").join(kernel);
            let modules =
                modules::in_load_order(&packages::modules(kernel)?, initramfs::DISK_MODULES, &unpacked)?;
            initramfs::disk(&packages::busybox()?, &modules).write(&path)?;
        }
        Some(("host", kernel)) => {
            let image = file(&format!("Image-{kernel}"))?;
            initramfs::host(&packages::busybox()?, &packages::kexec()?, &image)?.write(&path)?;
        }
        Some(("Image", kernel)) => {
            let vmlinuz = packages::kernel(kernel)?;
            image::write_raw(&vmlinuz, &path)?;
        }
        Some((levels, kernel)) => {
            let next = match levels {
                "one" => None,
                "two" => Some(file(&format!("one-{kernel}.cpio"))?),
                _ => Some(file(&format!("two-{kernel}.cpio"))?),
            };
            let parts = (file(&format!("Image-{kernel}"))?, file("tiny.cpio")?, next);
            let (busybox, qemu) = (packages::busybox()?, packages::qemu_arm64()?);
            say::working(&format!("packing {name}"), || {
                let mut archive = initramfs::base(&busybox);
                elf::add_program(&mut archive, &qemu, "usr/bin/qemu-system-aarch64")?;
                initramfs::add_next(&mut archive, parts);
                archive.write(&path)
            })?;
        }
        None => initramfs::base(&packages::busybox()?).write(&path)?,
    }
    fs::write(&stamp, fresh)?;
    Ok(path)
}
