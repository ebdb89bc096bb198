//! What is in the initramfs archives.

use super::cpio::Archive;
use super::{KERNELS, packages};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// The init of every level.
const INIT: &str = include_str!("init.sh");

/// busybox and the init script: what every level has.
pub(crate) fn base(busybox: &Path) -> Archive {
    let mut archive = Archive::default();
    for name in ["proc", "sys", "dev", "tmp", "run", "root"] {
        archive.directory(name);
    }
    archive.character_device("dev/console", 0o600, (5, 1));
    archive.character_device("dev/null", 0o666, (1, 3));
    archive.file("bin/busybox", 0o755, busybox);
    archive.link("bin/sh", "busybox");
    archive.text("init", 0o755, INIT);
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
    if name.ends_with(".cpio") {
        text += INIT;
    }
    Ok(text)
}
