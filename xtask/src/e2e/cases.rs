//! What a case is, and the table of all.

use super::{hyp_cases, linux_cases, program_cases};
use anyhow::{Context, Result};

/// What is booted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kernel {
    /// A program of `guests/`.
    Bare(&'static str),
    /// A file that `cargo xtask guests` makes.
    Debian(&'static str),
    /// The hypervisor with such a file as its host, packed with the case's initrd and command line.
    UnderDroste(&'static str),
    /// As `UnderDroste`, on a machine whose device tree has PSCI 0.1. It cannot be powered off: the last marker ends the run.
    OldPsciUnderDroste(&'static str),
    /// The hypervisor alone, with such a file and the case's initrd as boot modules.
    ModuleUnderDroste(&'static str),
    /// The hypervisor with a program of `guests/` as its host.
    BareUnderDroste(&'static str),
}

/// What is asked beyond the markers and a clean power-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Markers,
    /// The same in deterministic mode: guests of guests that are slower than their clock do nothing but serve its ticks.
    MarkersInCountedTime,
    /// The console is the same as on QEMU.
    SameAsQemu,
    /// The console and the final state are the same when run again, in deterministic mode.
    SameTwice,
    /// The interpreter and the JIT agree all the way (`--engine check`), in deterministic mode.
    Executors,
    /// The hypervisor executes at most 1.5 % of all instructions, in deterministic mode.
    Share,
    /// Its host takes at most 1.5 % more instructions than without it, in deterministic mode and over some seeds.
    Overhead,
    /// The image finds no difference from the architecture's tables, and on QEMU only explained ones.
    Conformance,
    /// The same on a CPU that QEMU does not have.
    ConformanceAlone,
}

impl Check {
    /// Whether the case runs in deterministic mode.
    pub(crate) fn is_deterministic(self) -> bool {
        use Check::{Executors, MarkersInCountedTime, Overhead, SameTwice, Share};
        matches!(self, SameTwice | Executors | Share | Overhead | MarkersInCountedTime)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) kernel: Kernel,
    pub(crate) initrd: Option<&'static str>,
    pub(crate) append: &'static str,
    /// A disk with Debian's root file system, changes thrown away, and a network with a server to download from.
    pub(crate) disk_and_net: bool,
    pub(crate) cpu: &'static str,
    pub(crate) cpus: u32,
    pub(crate) memory_mb: u32,
    /// The exception level that the kernel is entered at.
    pub(crate) el: u8,
    /// What executes Droste's CPUs, if not what is the default: the JIT, where the host can. The interpreter is named
    /// where it is asked whether it does what QEMU does, as the reference of the JIT: single programs, one boot, and a
    /// part of the stress test. `boot-executors` compares both.
    pub(crate) by: Option<&'static str>,
    /// Whether the machine starts again when its guest says so; else that ends the run.
    pub(crate) reboots: bool,
    /// Regular expressions that console lines have to match, in this order.
    pub(crate) expect: &'static [&'static str],
    pub(crate) check: Check,
    pub(crate) timeout_s: u64,
}

pub(super) const BARE: Case = Case {
    name: "",
    what: "",
    kernel: Kernel::Bare("cpu-tests"),
    initrd: None,
    append: "",
    disk_and_net: false,
    cpu: "max",
    cpus: 1,
    memory_mb: 256,
    el: 2,
    by: None,
    reboots: false,
    expect: &["^cpu-tests at EL2", "^cpu-tests: [0-9]+ passed, 0 failed"],
    check: Check::SameAsQemu,
    timeout_s: 60,
};

pub(super) const INTERP: Option<&str> = Some("interp");

pub(super) const LINUX: Case = Case {
    kernel: Kernel::Debian("Image-7.2"),
    initrd: Some("tiny.cpio"),
    memory_mb: 1024,
    expect: &[UP, AT_EL2, VHE],
    check: Check::Markers,
    timeout_s: 240,
    ..BARE
};

pub(super) const UP: &str = "^DROSTE-UP 0 ";
pub(super) const AT_EL2: &str = r"^DROSTE-DMESG 0 .*CPU: All CPU\(s\) started at EL2";
pub(super) const AT_EL1: &str = r"^DROSTE-DMESG 0 .*CPU: All CPU\(s\) started at EL1";
pub(super) const VHE: &str = "^DROSTE-DMESG 0 .*VHE mode initialized";
impl Case {
    pub(crate) fn is_ready(&self) -> bool {
        ready().any(|name| name == self.name)
    }
}

/// All cases: those of the machine, then those of the hypervisor.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    [program_cases::CASES, linux_cases::CASES, hyp_cases::CASES].into_iter().flatten()
}

/// The names of those that `cargo xtask test` runs.
fn ready() -> impl Iterator<Item = &'static str> {
    [program_cases::READY, linux_cases::READY, hyp_cases::READY].into_iter().flatten().copied()
}

/// The case of a name.
pub(crate) fn find(name: &str) -> Result<&'static Case> {
    let known = || all().map(|c| c.name).collect::<Vec<_>>().join(", ");
    all().find(|c| c.name == name).with_context(|| format!("no case {name:?}; there are: {}", known()))
}

#[cfg(test)]
mod tests {
    use super::{all, ready};
    use regex_lite::Regex;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_every_enabled_case_exists() {
        let names: BTreeSet<&str> = all().map(|c| c.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(ready().all(|name| names.contains(name)));
    }

    #[test]
    fn download_is_expected_with_the_sum_of_what_is_served() {
        let case = super::find("systemd").unwrap();
        assert!(case.expect.iter().any(|e| e.ends_with(crate::e2e::http::SHA256)));
    }

    #[test]
    fn every_case_expects_something_and_its_expressions_compile() {
        for case in all() {
            assert!(!case.expect.is_empty(), "{}", case.name);
            assert!(case.expect.iter().all(|e| Regex::new(e).is_ok()), "{}", case.name);
        }
    }
}
