//! Finds the library sources of the active rustc's own release. Sources of another release do not compile:
//! language items and intrinsics differ.

use super::rustc::Rustc;
use crate::debian::{self, Apt};
use crate::{place, process, say};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian suites that may hold a rust-src of a recent release, the likeliest first.
const SUITES: [&str; 3] = ["trixie-backports", "forky", "sid"];

/// Sources that the user names; naming what cannot be used is an error.
pub(crate) fn named(rustc: &Rustc) -> Result<Option<PathBuf>> {
    if let Some(dir) = place::variable("XTASK_RUST_SRC") {
        return match usable(dir.clone()) {
            Some(dir) => Ok(Some(dir)),
            None => bail!("XTASK_RUST_SRC: {} has no core/src/lib.rs", dir.display()),
        };
    }
    match place::variable("XTASK_RUST_SRC_ARCHIVE") {
        Some(archive) => unpacked(&archive, rustc)
            .map(Some)
            .with_context(|| format!("XTASK_RUST_SRC_ARCHIVE={}", archive.display())),
        None => Ok(None),
    }
}

/// Sources found on this machine, else Debian's package; what does not work is said and passed over.
pub(crate) fn found(rustc: &Rustc) -> Option<PathBuf> {
    let release = &rustc.release;
    let beside = place::root().join(format!("../shared/toolchain/rust-core-{release}.tar.xz"));
    usable(rustc.sysroot.join("lib/rustlib/src/rust/library"))
        .or_else(|| usable(format!("/usr/src/rustc-{release}/library").into()))
        .or_else(|| usable(kept(rustc)))
        .or_else(|| said(unpacked(&beside, rustc), beside.is_file()))
        .or_else(|| said(from_debian(rustc), true))
}

fn usable(library: PathBuf) -> Option<PathBuf> {
    library.join("core/src/lib.rs").is_file().then_some(library)
}

fn said(result: Result<PathBuf>, worth_saying: bool) -> Option<PathBuf> {
    result
        .inspect_err(|why| {
            if worth_saying {
                say::say(format!("{why:#}"));
            }
        })
        .ok()
}

fn kept(rustc: &Rustc) -> PathBuf {
    place::state().join("rust").join(format!("library-{}", rustc.release))
}

/// Unpacks an archive of the `library` folder's content into the state directory.
fn unpacked(archive: &Path, rustc: &Rustc) -> Result<PathBuf> {
    if !archive.is_file() {
        bail!("there is no such file");
    }
    into_kept(rustc, |part| process::run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(part)))
}

/// Debian's package of exactly this release: from the system's apt sources if they have it, else from suites
/// that may, through private apt state.
fn from_debian(rustc: &Rustc) -> Result<PathBuf> {
    let release = &rustc.release;
    let deb = say::working(&format!("looking for Debian's rust-src {release}"), || -> Result<PathBuf> {
        for suite in SUITES {
            let Ok(apt) = Apt::over(&[suite], debian::host_architecture()?) else { continue };
            for package in ["rust-src", "rust-web-src"] {
                let fits = |v: &&String| **v == *release || v.starts_with(&format!("{release}+"));
                if let Some(version) = apt.versions(package)?.iter().find(fits) {
                    return apt.download(package, version);
                }
            }
        }
        bail!("Debian's suites {} have no rust-src {release}", SUITES.join(", "))
    })?;
    into_kept(rustc, |part| {
        let mut tar = Command::new("tar");
        tar.arg("-x").arg("-C").arg(part).args(["--strip-components=5", "--wildcards"]);
        tar.args(["./usr/src/rustc-*/library", "--exclude=*/library/vendor"]);
        process::pipe(Command::new("dpkg-deb").arg("--fsys-tarfile").arg(&deb), &mut tar)
    })
}

/// Fills a directory aside and renames it, so that an interrupted run leaves nothing half made.
fn into_kept(rustc: &Rustc, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let library = kept(rustc);
    let part = library.with_extension(format!("part{}", std::process::id()));
    fs::create_dir_all(&part).with_context(|| format!("cannot make {}", part.display()))?;
    let filled = fill(&part);
    if filled.is_ok() && usable(part.clone()).is_some() {
        let _ = fs::remove_dir_all(&library);
        fs::rename(&part, &library)?;
        return Ok(library);
    }
    let _ = fs::remove_dir_all(&part);
    filled?;
    bail!("the archive has no core/src/lib.rs")
}
