//! Debian packages without installing anything: private apt state, and unpacking.
//!
//! The mirror is the one that the system's own apt is configured with; the system's sources, lists, caches and
//! locks are left alone, so a concurrent apt of the system neither disturbs nor is disturbed.

mod apt;
mod unpack;

pub(crate) use apt::Apt;
pub(crate) use unpack::{merged_usr, unpack};

use anyhow::{Result, bail};

/// Debian's name of this machine's architecture.
pub(crate) fn host_architecture() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => bail!("no Debian architecture is known for {other}"),
    }
}
