//! Makes `core` and `alloc` available for the bare-metal target.
//!
//! In order: what the active rustc already has; a private sysroot made before; sources that the user
//! names; rustup; a private sysroot compiled from library sources of the same release. Only the three
//! rustc runs that make a private sysroot use `RUSTC_BOOTSTRAP`: the project's own crates stay on stable.

mod compile;
mod rustc;
mod source;

use crate::{place, process, say};
use anyhow::{Context, Result};
use rustc::Rustc;
use std::process::Command;
use std::{env, fs};

/// The one bare-metal target: EL2 images and test kernels.
pub(crate) const TARGET: &str = "aarch64-unknown-none-softfloat";

/// Makes the target buildable and says how.
pub(crate) fn ensure() -> Result<String> {
    let rustc = Rustc::active()?;
    let config = place::root().join("target/cross/config.toml");
    if rustc.has(TARGET) {
        // A stale --sysroot would hide the installed target.
        let _ = fs::remove_file(&config);
        return Ok("installed in the toolchain".into());
    }
    let private =
        place::state().join("rust").join(format!("sysroot-{}-{}", rustc.release, rustc.short_commit()));
    let library = private.join("lib/rustlib").join(TARGET).join("lib");
    let mut how = format!("private sysroot {}", private.display());
    if !rustc::holds_core(&library) {
        let mut source = source::named(&rustc)?;
        if source.is_none() && added_by_rustup(&rustc) {
            let _ = fs::remove_file(&config);
            return Ok("added by rustup".into());
        }
        if source.is_none() {
            source = source::found(&rustc);
        }
        let source = source.with_context(|| remedies(&rustc))?;
        say::working(&format!("compiling core and alloc for {TARGET} (once)"), || {
            compile::sysroot(&rustc, &source, &private)
        })?;
        how += ", made now";
    }
    let flag = format!("--sysroot={}", private.display());
    let text = format!("[target.{TARGET}]\nrustflags = [{flag:?}]\n");
    if fs::read_to_string(&config).ok().as_ref() != Some(&text) {
        fs::create_dir_all(config.parent().context("no parent")?)?;
        fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
    }
    Ok(how)
}

/// Asks rustup, unless `XTASK_NO_RUSTUP` or rustup's own switch for "install nothing unasked" forbids it.
fn added_by_rustup(rustc: &Rustc) -> bool {
    let forbidden = env::var_os("XTASK_NO_RUSTUP").is_some_and(|v| !v.is_empty())
        || env::var("RUSTUP_AUTO_INSTALL").as_deref() == Ok("0");
    if forbidden || !process::exists("rustup") {
        return false;
    }
    say::working(&format!("rustup target add {TARGET}"), || {
        process::answers(Command::new("rustup").args(["target", "add", TARGET])) && rustc.has(TARGET)
    })
}

fn remedies(rustc: &Rustc) -> String {
    let release = &rustc.release;
    format!(
        "rustc {release} has no core for {TARGET}, and no way was found to get one. Any one of these helps:
  rustup target add {TARGET}
  rustup component add rust-src
  install your distribution's rust-src of exactly release {release}
  XTASK_RUST_SRC=DIR, the `library` folder of Rust {release}'s source
  XTASK_RUST_SRC_ARCHIVE=FILE, a tar archive of that folder's content"
    )
}
