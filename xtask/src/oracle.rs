//! QEMU, for comparison: an installed one of release 10.0 or newer, else Debian's, unpacked with its libraries into the
//! state directory and run with its own loader.

use crate::debian::{self, Apt, merged_usr, unpack};
use crate::{place, process, say};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = "qemu-system-aarch64";
const SUITE: &str = "trixie";

/// A command that runs `qemu-system-aarch64`, without arguments yet.
pub(crate) fn qemu() -> Result<Command> {
    let installed = process::output(Command::new(PROGRAM).arg("--version"));
    if installed.is_ok_and(|text| release(&text).is_some_and(|r| r >= 10)) {
        return Ok(Command::new(PROGRAM));
    }
    let root = unpacked()?;
    let architecture = debian::host_architecture()?;
    let (loader, triplet) = match architecture {
        "amd64" => ("usr/lib64/ld-linux-x86-64.so.2", "x86_64-linux-gnu"),
        _ => ("usr/lib/ld-linux-aarch64.so.1", "aarch64-linux-gnu"),
    };
    let loader = [loader, "lib64/ld-linux-x86-64.so.2"].iter().map(|l| root.join(l)).find(|l| l.exists());
    let libraries = root.join("usr/lib").join(triplet);
    let mut command = Command::new(loader.context("the unpacked QEMU has no loader")?);
    command.arg("--library-path").arg(library_path(&libraries)?);
    command.arg(root.join("usr/bin").join(PROGRAM));
    command.arg("-L").arg(root.join("usr/share/qemu"));
    command.env("QEMU_MODULE_DIR", libraries.join("qemu"));
    Ok(command)
}

/// The libraries' folder and its inner folders (some packages keep theirs in one of their own).
fn library_path(libraries: &Path) -> Result<String> {
    let mut all = vec![libraries.display().to_string()];
    for entry in fs::read_dir(libraries)?.flatten() {
        if entry.file_type()?.is_dir() {
            all.push(entry.path().display().to_string());
        }
    }
    Ok(all.join(":"))
}

fn unpacked() -> Result<PathBuf> {
    let architecture = debian::host_architecture()?;
    let dir = place::state().join("qemu").join(format!("{SUITE}-{architecture}"));
    if dir.is_dir() {
        return Ok(dir);
    }
    say::working("fetching Debian's QEMU, as none of release 10.0 or newer is installed", || {
        let apt = Apt::over(&[SUITE], architecture)?;
        let debs = apt.closure(&["qemu-system-arm".into()], SUITE)?;
        let part = dir.with_extension(format!("part{}", std::process::id()));
        fs::create_dir_all(&part).with_context(|| format!("cannot make {}", part.display()))?;
        merged_usr(&part)?;
        debs.iter().try_for_each(|deb| unpack(deb, &part))?;
        fs::rename(&part, &dir).with_context(|| format!("cannot make {}", dir.display()))
    })?;
    Ok(dir)
}

/// The release of `QEMU emulator version 10.0.2 (...)`.
fn release(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("version ")?;
    rest.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn release_is_read_from_the_version_line() {
        assert_eq!(release("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright"), Some(10));
        assert_eq!(release("something else"), None);
    }
}
