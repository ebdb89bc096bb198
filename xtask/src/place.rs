//! Where things are: the checkout, build output, and what is kept between checkouts.

use std::env;
use std::path::{Path, PathBuf};

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the checkout").to_path_buf()
}

/// Cargo's target directory.
pub(crate) fn target() -> PathBuf {
    variable("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// What is kept outside of the checkout, so that a fresh clone finds it: `DROSTE_STATE`, else `droste`
/// in the user's cache directory, else in the target directory.
pub(crate) fn state() -> PathBuf {
    variable("DROSTE_STATE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("droste")))
        .or_else(|| Some(variable("HOME")?.join(".cache/droste")))
        .unwrap_or_else(|| target().join("droste"))
}

/// An environment variable that is set and not empty, as a path.
pub(crate) fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
