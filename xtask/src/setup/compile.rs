//! Three rustc runs that make a private sysroot.

use super::TARGET;
use super::rustc::{Rustc, holds_core};
use crate::process;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What the build script of compiler_builtins would set, as of Rust 1.95.
const BUILTINS: [&str; 10] = [
    "feature=\"compiler-builtins\"",
    "feature=\"rustc-dep-of-std\"",
    "feature=\"unstable-intrinsics\"",
    "feature=\"mem\"",
    "feature=\"mem-unaligned\"",
    "intrinsics_enabled",
    "arch_enabled",
    "optimizations_enabled",
    "f16_enabled",
    "f128_enabled",
];

/// The crates in the order of their dependencies: name, root file, cfgs.
const CRATES: [(&str, &str, &[&str]); 3] = [
    ("core", "core/src/lib.rs", &[]),
    ("compiler_builtins", "compiler-builtins/compiler-builtins/src/lib.rs", &BUILTINS),
    ("alloc", "alloc/src/lib.rs", &[]),
];

/// Compiles the crates of `source`, a `library` folder, into a sysroot at `private`.
pub(crate) fn sysroot(rustc: &Rustc, source: &Path, private: &Path) -> Result<()> {
    let place = |root: &Path| root.join("lib/rustlib").join(TARGET).join("lib");
    // Built aside and renamed, so that an interrupted run leaves nothing half made.
    let part = private.with_extension(format!("part{}", std::process::id()));
    fs::create_dir_all(place(&part)).with_context(|| format!("cannot make {}", part.display()))?;
    for (name, path, cfgs) in CRATES {
        let mut c = Command::new(&rustc.program);
        c.env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTFLAGS");
        c.args([
            "--crate-type=rlib",
            "--edition=2024",
            "--cap-lints=allow",
            "-Copt-level=3",
            "-Cpanic=abort",
        ]);
        c.args(["-Zforce-unstable-if-unmarked", "--target", TARGET, "--crate-name", name]);
        c.arg(format!("-Cmetadata={name}-{}", rustc.short_commit()));
        c.arg(format!("-Cextra-filename=-{}", rustc.short_commit()));
        c.arg(format!("--remap-path-prefix={}=/rustc/{}/library", source.display(), rustc.commit));
        c.arg("--sysroot").arg(&part).arg("--out-dir").arg(place(&part));
        c.args(cfgs.iter().flat_map(|cfg| ["--cfg", cfg]));
        process::output(c.arg(source.join(path)))?;
    }
    fs::create_dir_all(place(private).parent().context("no parent")?)?;
    let moved = fs::rename(place(&part), place(private));
    let _ = fs::remove_dir_all(&part);
    // Another run may have finished first: its result is as good.
    match moved {
        Err(why) if !holds_core(&place(private)) => Err(why).context("cannot move the sysroot into place"),
        _ => Ok(()),
    }
}
