//! What runs a case: Droste's machine, or QEMU for comparison.

use super::cases::{Case, Check, Kernel};
use crate::{oracle, place, process, say};
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::Command;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Droste,
    Qemu,
}

/// A machine and what it boots, with every file in place.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) kernel: PathBuf,
    pub(crate) initrd: Option<PathBuf>,
    pub(crate) append: Option<String>,
    /// A disk image that stays as it is; with it comes a user-mode network.
    pub(crate) disk: Option<PathBuf>,
    pub(crate) cpu: &'static str,
    pub(crate) cpus: u32,
    pub(crate) memory_mb: u32,
    pub(crate) el: u8,
    pub(crate) deterministic: bool,
    /// What executes Droste's CPUs, if not what is the default.
    pub(crate) engine: Option<&'static str>,
    /// Whether Droste's two executors are compared.
    pub(crate) check: bool,
    /// Whether the machine starts again when its guest says so.
    pub(crate) reboots: bool,
    /// More arguments for the engine that this is for.
    pub(crate) more: Vec<String>,
}

impl Spec {
    /// The command line of a case's Linux.
    pub(crate) fn command_line(case: &Case) -> String {
        format!("console=ttyAMA0 panic=-1 {}", case.append).trim().to_owned()
    }

    pub(crate) fn new(case: &Case, kernel: PathBuf, initrd: Option<PathBuf>) -> Spec {
        let append = match case.kernel {
            Kernel::Bare(_) => (!case.append.is_empty()).then(|| case.append.to_owned()),
            Kernel::UnderDroste(_)
            | Kernel::OldPsciUnderDroste(_)
            | Kernel::BareUnderDroste(_)
            | Kernel::ModuleUnderDroste(_) => None,
            Kernel::Debian(_) => Some(Spec::command_line(case)),
        };
        Spec {
            kernel,
            initrd,
            append,
            disk: None,
            cpu: case.cpu,
            cpus: case.cpus,
            memory_mb: case.memory_mb,
            el: case.el,
            deterministic: case.check.is_deterministic(),
            engine: case.by,
            check: case.check == Check::Executors,
            more: Vec::new(),
            reboots: case.reboots,
        }
    }
}

impl Engine {
    pub(crate) fn named(name: Option<&str>) -> Result<Engine> {
        match name {
            None | Some("droste") => Ok(Engine::Droste),
            Some("qemu") => Ok(Engine::Qemu),
            Some(other) => bail!("{other:?} is neither droste nor qemu"),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Engine::Droste => "droste",
            Engine::Qemu => "qemu",
        }
    }

    /// Makes the engine ready to run.
    pub(crate) fn build(self) -> Result<()> {
        match self {
            Engine::Droste => {
                say::say("building droste");
                process::run(process::cargo().args(["build", "--release", "--package", "droste"]))
            }
            Engine::Qemu => oracle::qemu().map(drop),
        }
    }

    /// The command that runs a machine with its console on standard input and output.
    pub(crate) fn command(self, spec: &Spec) -> Result<Command> {
        let mut c = match self {
            Engine::Droste => {
                let mut c = Command::new(droste());
                c.args(["run", "--cpu", spec.cpu]);
                c.arg("--cpus").arg(spec.cpus.to_string());
                c.arg("--memory").arg(format!("{}M", spec.memory_mb));
                if !spec.reboots {
                    c.arg("--no-reboot");
                }
                if spec.el != 2 {
                    c.arg("--el").arg(spec.el.to_string());
                }
                if spec.deterministic {
                    c.args(["--deterministic", "--summary"]);
                }
                if spec.check {
                    c.args(["--engine", "check"]);
                } else if let Some(engine) = spec.engine {
                    c.args(["--engine", engine]);
                }
                c.arg("--kernel").arg(&spec.kernel);
                if let Some(initrd) = &spec.initrd {
                    c.arg("--initrd").arg(initrd);
                }
                if let Some(append) = &spec.append {
                    c.arg("--append").arg(append);
                }
                if let Some(disk) = &spec.disk {
                    c.arg("--disk").arg(format!("{},overlay", disk.display()));
                    c.args(["--net", "user"]);
                }
                c.args(&spec.more);
                c.args(extra());
                return Ok(c);
            }
            Engine::Qemu => oracle::qemu()?,
        };
        let virtualization = if spec.el == 2 { "on" } else { "off" };
        c.arg("-M").arg(format!("virt,virtualization={virtualization},gic-version=3"));
        c.args(["-cpu", spec.cpu, "-smp", &spec.cpus.to_string(), "-m", &spec.memory_mb.to_string()]);
        c.args(["-nodefaults", "-display", "none", "-serial", "stdio"]);
        if !spec.reboots {
            c.arg("-no-reboot");
        }
        if spec.deterministic {
            c.args(["-icount", "shift=0,sleep=off"]);
        }
        c.arg("-kernel").arg(&spec.kernel);
        if let Some(initrd) = &spec.initrd {
            c.arg("-initrd").arg(initrd);
        }
        if let Some(append) = &spec.append {
            c.arg("-append").arg(append);
        }
        if let Some(disk) = &spec.disk {
            c.arg("-drive").arg(format!("file={},format=raw,if=none,snapshot=on,id=disk", disk.display()));
            c.args(["-device", "virtio-blk-device,drive=disk", "-netdev", "user,id=net"]);
            c.args(["-device", "virtio-net-device,netdev=net"]);
        }
        c.args(&spec.more);
        Ok(c)
    }
}

/// More arguments for `droste run`: the words of `DROSTE_RUN_ARGS`.
fn extra() -> Vec<String> {
    let text = std::env::var("DROSTE_RUN_ARGS").unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

/// The `droste` command that this checkout builds.
pub(crate) fn droste() -> PathBuf {
    place::target().join("release/droste")
}
