//! The active compiler.

use crate::process;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

pub(crate) struct Rustc {
    pub(crate) program: String,
    pub(crate) release: String,
    pub(crate) commit: String,
    pub(crate) sysroot: PathBuf,
}

impl Rustc {
    pub(crate) fn active() -> Result<Rustc> {
        let program = env::var("RUSTC").unwrap_or("rustc".into());
        let text = process::output(Command::new(&program).arg("-vV"))?;
        let field = |name: &str| {
            let value = text.lines().find_map(|l| l.strip_prefix(name));
            value.map(|v| v.trim().to_owned()).with_context(|| format!("no {name} in {program} -vV"))
        };
        let (release, commit) = (field("release:")?, field("commit-hash:")?);
        let sysroot = process::output(Command::new(&program).args(["--print", "sysroot"]))?;
        Ok(Rustc { program, release, commit, sysroot: sysroot.trim().into() })
    }

    /// Whether this rustc, unaided, has `core` for the target.
    pub(crate) fn has(&self, target: &str) -> bool {
        let mut ask = Command::new(&self.program);
        ask.args(["--print", "target-libdir", "--target", target]);
        process::output(&mut ask).is_ok_and(|dir| holds_core(Path::new(dir.trim())))
    }

    pub(crate) fn short_commit(&self) -> &str {
        self.commit.get(..9).unwrap_or("unknown")
    }
}

pub(crate) fn holds_core(dir: &Path) -> bool {
    let is_core = |f: fs::DirEntry| f.file_name().to_string_lossy().starts_with("libcore-");
    fs::read_dir(dir).is_ok_and(|entries| entries.flatten().any(is_core))
}
