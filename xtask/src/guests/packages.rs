//! The Debian packages that guests are made of, unpacked under the state directory.

use super::{KERNELS, Unavailable};
use crate::debian::{Apt, merged_usr, unpack};
use crate::{place, say};
use anyhow::{Context, Result, anyhow};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Changes with what is put into the root file system.
pub(crate) const ROOTFS_RECIPE: &str = "rootfs-3";
/// Changes with `programs::PACKAGES`.
pub(crate) const PROGRAMS_RECIPE: &str = "programs-1";

const SUITES: [&str; 2] = ["trixie", "trixie-backports"];
/// Changes when the way of taking packages changes.
pub(crate) const RECIPE: &str = "busybox-static from trixie, qemu-system-arm from trixie-backports\n";

/// The vmlinuz of one of `KERNELS`.
pub(crate) fn kernel(name: &str) -> Result<PathBuf> {
    let (_, suite) = KERNELS.iter().find(|(k, _)| *k == name).with_context(|| format!("no kernel {name}"))?;
    let tree = tree(&format!("kernel-{name}"), |apt, into| {
        let meta = "linux-image-arm64";
        let version = apt.newest(meta, suite)?;
        let depends = apt.depends(meta, &version)?;
        let image = depends.iter().find(|d| d.starts_with("linux-image-"));
        let image = image.with_context(|| format!("{meta} {version} depends on no linux-image-*"))?;
        // Debian splits newer kernels into packages of their own.
        let mut parts = apt.depends(image, &version)?;
        parts.retain(|d| d.starts_with("linux-binary-"));
        parts.push(image.clone());
        for part in parts {
            unpack(&apt.download(&part, &version)?, into)?;
        }
        Ok(())
    })?;
    find(&tree, &|name| name.starts_with("vmlinuz"))
        .with_context(|| format!("no vmlinuz under {}", tree.display()))
}

/// A tree with the modules of one of `KERNELS`: Debian has split them off from newer kernels' packages.
pub(crate) fn modules(name: &str) -> Result<PathBuf> {
    let (_, suite) = KERNELS.iter().find(|(k, _)| *k == name).with_context(|| format!("no kernel {name}"))?;
    let kernel = kernel(name)?;
    let with_kernel = place::state().join("guests/packages").join(format!("kernel-{name}"));
    if kernel.starts_with(with_kernel.join("boot")) {
        return Ok(with_kernel);
    }
    tree(&format!("modules-{name}"), |apt, into| {
        let version = apt.newest("linux-image-arm64", suite)?;
        let depends = apt.depends("linux-image-arm64", &version)?;
        let image = depends.iter().find(|d| d.starts_with("linux-image-")).context("no linux-image-*")?;
        let parts = apt.depends(image, &version)?;
        let modules = parts.iter().find(|d| d.starts_with("linux-modules-")).context("no linux-modules-*")?;
        unpack(&apt.download(modules, &version)?, into)
    })
}

/// A tree with Debian's root file system. The tree's name changes with what is put into it.
pub(crate) fn rootfs() -> Result<PathBuf> {
    tree(ROOTFS_RECIPE, |apt, into| {
        let wanted = super::rootfs::PACKAGES.map(str::to_owned);
        super::rootfs::fill(&apt.closure(&wanted, "trixie")?, into)
    })
}

/// The static busybox.
pub(crate) fn busybox() -> Result<PathBuf> {
    let tree = tree("busybox", |apt, into| {
        unpack(&apt.download("busybox-static", &apt.newest("busybox-static", "trixie")?)?, into)
    })?;
    Ok(tree.join("usr/bin/busybox"))
}

/// The root of a tree with QEMU for arm64 hosts and all its libraries.
pub(crate) fn qemu_arm64() -> Result<PathBuf> {
    tree("qemu-arm64", |apt, into| {
        let suite = "trixie-backports";
        let wanted = format!("qemu-system-arm={}", apt.newest("qemu-system-arm", suite)?);
        merged_usr(into)?;
        apt.closure(&[wanted], suite)?.iter().try_for_each(|deb| unpack(deb, into))
    })
}

/// The root of a tree with kexec and all its libraries.
pub(crate) fn kexec() -> Result<PathBuf> {
    tree("kexec", |apt, into| {
        let suite = "trixie";
        let wanted = format!("kexec-tools={}", apt.newest("kexec-tools", suite)?);
        merged_usr(into)?;
        apt.closure(&[wanted], suite)?.iter().try_for_each(|deb| unpack(deb, into))
    })
}

/// The root of a tree with the programs that `cargo xtask bench` times in a guest. The tree's name changes with what
/// is put into it.
pub(crate) fn programs() -> Result<PathBuf> {
    tree(PROGRAMS_RECIPE, |apt, into| {
        merged_usr(into)?;
        let wanted = super::programs::PACKAGES.map(str::to_owned);
        apt.closure(&wanted, "trixie")?.iter().try_for_each(|deb| unpack(deb, into))
    })
}

/// A directory of unpacked packages, made aside and renamed, so that an interrupted run leaves nothing half made.
fn tree(name: &str, fill: impl FnOnce(&Apt, &Path) -> Result<()>) -> Result<PathBuf> {
    let dir = place::state().join("guests/packages").join(name);
    if dir.is_dir() {
        return Ok(dir);
    }
    let apt = apt()?;
    let part = dir.with_extension(format!("part{}", std::process::id()));
    fs::create_dir_all(&part).with_context(|| format!("cannot make {}", part.display()))?;
    let filled = say::working(&format!("fetching Debian's packages for {name}"), || fill(apt, &part));
    if let Err(why) = filled.and_then(|()| Ok(fs::rename(&part, &dir)?)) {
        let _ = fs::remove_dir_all(&part);
        if !dir.is_dir() {
            return Err(why.context(Unavailable));
        }
    }
    Ok(dir)
}

/// Reads the package lists once.
fn apt() -> Result<&'static Apt> {
    static APT: OnceLock<std::result::Result<Apt, String>> = OnceLock::new();
    let apt = APT.get_or_init(|| {
        say::working("reading Debian's package lists for arm64", || Apt::over(&SUITES, "arm64"))
            .map_err(|why| format!("{why:#}"))
    });
    apt.as_ref().map_err(|why| anyhow!("{why}").context(Unavailable))
}

/// The first file below a directory whose name fits.
pub(super) fn find(dir: &Path, fits: &dyn Fn(&str) -> bool) -> Option<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(dir).ok()?.flatten().collect();
    entries.sort_by_key(|e| e.file_name());
    for entry in entries {
        let kind = entry.file_type().ok()?;
        if kind.is_file() && fits(&entry.file_name().to_string_lossy()) {
            return Some(entry.path());
        }
        if kind.is_dir()
            && let Some(found) = find(&entry.path(), fits)
        {
            return Some(found);
        }
    }
    None
}
