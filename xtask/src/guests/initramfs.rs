//! What is in the initramfs archives.

use super::cpio::Archive;
use super::{KERNELS, elf, packages};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// The init of every level.
const INIT: &str = include_str!("init.sh");

/// The init of the disk archives.
const SWITCH: &str = include_str!("switch.sh");
/// What a root file system on a virtio disk, and the network, need.
pub(crate) const DISK_MODULES: &[&str] =
    &["virtio_mmio", "virtio_blk", "virtio_net", "virtio_rng", "ext4", "af_packet"];

/// The init of the host archives.
const HOST: &str = include_str!("host.sh");

/// busybox, kexec, a kernel for it, and an init that puts the host through its paces.
pub(crate) fn host(busybox: &Path, kexec: &Path, kernel: &Path) -> Result<Archive> {
    let mut archive = with_init(busybox, HOST);
    elf::add_program(&mut archive, kexec, "usr/sbin/kexec")?;
    archive.file("next/Image", 0o644, kernel);
    Ok(archive)
}

/// busybox and the init script: what every level has.
pub(crate) fn base(busybox: &Path) -> Archive {
    with_init(busybox, INIT)
}

/// busybox, modules, and an init that goes on with the one on the disk.
pub(crate) fn disk(busybox: &Path, modules: &[PathBuf]) -> Archive {
    let mut archive = with_init(busybox, SWITCH);
    let mut order = String::new();
    for module in modules {
        let name = module.file_name().unwrap_or_default().to_string_lossy();
        order += &format!("{name}\n");
        archive.file(&format!("modules/{name}"), 0o644, module);
    }
    archive.text("modules/order", 0o644, &order);
    archive
}

/// busybox and an init script.
pub(crate) fn with_init(busybox: &Path, init: &str) -> Archive {
    let mut archive = Archive::default();
    for name in ["proc", "sys", "dev", "tmp", "run", "root"] {
        archive.directory(name);
    }
    archive.character_device("dev/console", 0o600, (5, 1));
    archive.character_device("dev/null", 0o666, (1, 3));
    archive.file("bin/busybox", 0o755, busybox);
    archive.link("bin/sh", "busybox");
    archive.text("init", 0o755, init);
    archive
}

/// What a level starts the next one with: the kernel, the last level's archive, and the one of the levels between.
pub(crate) fn add_next(archive: &mut Archive, (kernel, tiny, big): (PathBuf, PathBuf, Option<PathBuf>)) {
    archive.file("next/Image", 0o644, &kernel);
    archive.file("next/tiny.cpio", 0o644, &tiny);
    if let Some(big) = big {
        archive.file("next/big.cpio", 0o644, &big);
    }
}

/// Names everything that a file is made from: when this changes, the file is made again.
pub(crate) fn recipe(name: &str) -> Result<String> {
    let kernel = name.rsplit_once('-').map(|(_, k)| k.trim_end_matches(".cpio"));
    let mut text = String::from(packages::RECIPE);
    if let Some((known, suite)) = KERNELS.iter().find(|(k, _)| Some(*k) == kernel) {
        text += &format!("kernel {known} from {suite}\n");
    }
    if name == "debian.img" {
        text += packages::ROOTFS_RECIPE;
    } else if name == super::PROGRAMS {
        text += packages::PROGRAMS_RECIPE;
        text += &super::programs::recipe()?;
    } else if name.starts_with("disk-") {
        text += SWITCH;
        text += &DISK_MODULES.join(" ");
    } else if name.starts_with("host-") {
        text += HOST;
    } else if name.ends_with(".cpio") {
        text += INIT;
    }
    Ok(text)
}
