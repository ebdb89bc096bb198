//! What is measured: Droste's machine with each of its engines, and QEMU.

use crate::e2e::{Engine, Spec};
use anyhow::{Result, bail};
use std::process::Command;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Interpreter,
    Jit,
    Qemu,
}

/// Droste's engines of some names, the JIT if there are none; and QEMU.
pub(crate) fn named(engines: &[String]) -> Result<Vec<Subject>> {
    if std::env::var("DROSTE_RUN_ARGS").is_ok_and(|words| words.contains("--engine")) {
        bail!("DROSTE_RUN_ARGS names an engine; here that is what --engine is for");
    }
    let one = |name: &String| match name.as_str() {
        "interp" => Ok(Subject::Interpreter),
        "jit" => Ok(Subject::Jit),
        other => bail!("--engine {other:?} is neither interp nor jit"),
    };
    let mut all = engines.iter().map(one).collect::<Result<Vec<_>>>()?;
    if all.is_empty() {
        all.push(Subject::Jit);
    }
    all.push(Subject::Qemu);
    Ok(all)
}

impl Subject {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Subject::Interpreter => "interp",
            Subject::Jit => "jit",
            Subject::Qemu => "qemu",
        }
    }

    pub(crate) fn engine(self) -> Engine {
        if self == Subject::Qemu { Engine::Qemu } else { Engine::Droste }
    }

    /// Makes it ready to run.
    pub(crate) fn build(self) -> Result<()> {
        self.engine().build()
    }

    /// The command that runs a machine.
    pub(crate) fn command(self, spec: &Spec) -> Result<Command> {
        let mut spec = spec.clone();
        if self == Subject::Qemu && spec.cpu == "max" {
            // As fast as QEMU can be: its default algorithm costs ten times as much.
            spec.cpu = "max,pauth-impdef=on";
        }
        spec.engine = match self {
            Subject::Interpreter => Some("interp"),
            Subject::Jit => Some("jit"),
            Subject::Qemu => None,
        };
        self.engine().command(&spec)
    }
}
