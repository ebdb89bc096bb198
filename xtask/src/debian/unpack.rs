//! Unpacking packages without dpkg's database or locks.

use crate::process;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Unpacks a package's files under a directory. tar and not `dpkg -x`, which would replace the links of a merged
/// /usr by directories.
pub(crate) fn unpack(deb: &Path, into: &Path) -> Result<()> {
    fs::create_dir_all(into).with_context(|| format!("cannot make {}", into.display()))?;
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(into).args(["--keep-directory-symlink", "--no-same-owner", "-x"]);
    process::pipe(Command::new("dpkg-deb").arg("--fsys-tarfile").arg(deb), &mut tar)
        .with_context(|| format!("cannot unpack {}", deb.display()))
}

/// Makes /bin, /sbin, /lib and /lib64 links into /usr, as on every Debian of today.
pub(crate) fn merged_usr(root: &Path) -> Result<()> {
    for name in ["bin", "sbin", "lib", "lib64"] {
        fs::create_dir_all(root.join("usr").join(name))?;
        if root.join(name).symlink_metadata().is_err() {
            std::os::unix::fs::symlink(Path::new("usr").join(name), root.join(name))?;
        }
    }
    Ok(())
}
