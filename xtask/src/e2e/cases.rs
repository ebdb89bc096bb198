//! The table of cases.

use super::hyp_cases;
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

/// The cases of the machine that `cargo xtask test` runs; the others run by `--case`.
const READY: &[&str] = &[
    "cpu",
    "cpu-smp4",
    "cpu-el1",
    "cpu-nested",
    "cpu-nested-nv",
    "cpu-nested-nv2-only",
    "cpu-nested-nv2p1",
    "cpu-nested-nv3",
    "cpu-access",
    "cpu-power",
    "conformance-nv",
    "conformance-nv3",
    "conformance-e2h",
    "cpu-debug",
    "cpu-debug-interp",
    "demo-hyp",
    "demo-hyp-twice",
    "boot",
    "boot-smp4",
    "boot-6.12",
    "boot-el1",
    "boot-e2h",
    "boot-a76",
    "nvhe",
    "pkvm",
    "boot-twice",
    "boot-twice-smp4",
    "boot-executors",
    "cpu-smp4-interp",
    "boot-interp",
    "stress",
    "stress-interp",
    "stress-el1",
    "suspend",
    "systemd",
    "kvm",
    "kvm-smp2",
    "pkvm-guest",
    "nested",
];

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

const MATRIX: Case = Case {
    kernel: Kernel::Bare("conformance-nv"),
    expect: &["^conformance-nv at EL2", "^conformance-nv: [0-9]+ cells, [0-9]+ different, [0-9]+ skipped"],
    check: Check::ConformanceAlone,
    timeout_s: 300,
    ..BARE
};

const NESTED_PROGRAM: Case = Case {
    kernel: Kernel::Bare("cpu-tests-nested"),
    expect: &["^cpu-tests-nested: [0-9]+ passed, 0 failed"],
    ..BARE
};

const INTERP: Option<&str> = Some("interp");

const STRESS: Case = Case {
    kernel: Kernel::Bare("stress"),
    cpus: 4,
    append: "seconds=24",
    expect: &["^stress at EL2: 4 CPUs", "^PASS stage 1", "^PASS stage 2", "^stress: [0-9]+ passed, 0 failed"],
    check: Check::Markers,
    timeout_s: 240,
    ..BARE
};

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
const L1: [&str; 3] =
    ["DROSTE-UP 1 ", r"DROSTE-DMESG 1 .*CPU: All CPU\(s\) started at EL1", "^DROSTE-END 0 kvm status=0"];

const NESTED: &[&str] = &[
    UP,
    r"^DROSTE-DMESG 0 .*VHE\+NV2 mode initialized",
    "DROSTE-UP 1 ",
    r"DROSTE-DMESG 1 .*CPU: All CPU\(s\) started at EL2",
    "DROSTE-DMESG 1 .*VHE mode initialized",
    "DROSTE-UP 2 ",
    r"DROSTE-DMESG 2 .*CPU: All CPU\(s\) started at EL1",
    "DROSTE-END 1 .*status=0",
    "^DROSTE-END 0 .*status=0",
];

const CHAIN: Case = Case {
    name: "nested",
    what: "KVM, KVM at virtual EL2, and Linux in it",
    initrd: Some("two-7.2.cpio"),
    append: "kvm-arm.mode=nested quiet loglevel=4 droste.chain=nested,kvm droste.mem=2048",
    memory_mb: 6144,
    expect: NESTED,
    timeout_s: 1200,
    ..LINUX
};

const CASES: &[Case] = &[
    Case { name: "cpu", what: "cpu-tests at EL2 on one CPU, by the interpreter", by: INTERP, ..BARE },
    Case { name: "cpu-smp4", what: "the same on four CPUs by the JIT", cpus: 4, ..BARE },
    Case {
        name: "cpu-el1",
        what: "cpu-tests at EL1 on four CPUs",
        cpus: 4,
        el: 1,
        expect: &["^cpu-tests at EL1", "^cpu-tests: [0-9]+ passed, 0 failed"],
        ..BARE
    },
    Case {
        name: "cpu-access",
        what: "PAN and unprivileged accesses at EL1",
        kernel: Kernel::Bare("cpu-tests-access"),
        el: 1,
        expect: &["^cpu-tests-access: [0-9]+ passed, 0 failed"],
        ..BARE
    },
    Case { name: "cpu-nested", what: "FEAT_NV and FEAT_NV2", ..NESTED_PROGRAM },
    Case {
        name: "cpu-nested-nv",
        what: "FEAT_NV without FEAT_NV2",
        cpu: "max,-nv2",
        check: Check::Markers,
        ..NESTED_PROGRAM
    },
    Case {
        name: "cpu-nested-nv2-only",
        what: "FEAT_NV2 announced by NV_frac",
        cpu: "max,+nv2_only",
        check: Check::Markers,
        ..NESTED_PROGRAM
    },
    Case {
        name: "cpu-nested-nv2p1",
        what: "FEAT_NV2p1",
        cpu: "max,+nv2p1",
        check: Check::Markers,
        ..NESTED_PROGRAM
    },
    Case {
        name: "cpu-nested-nv3",
        what: "FEAT_NV3",
        cpu: "max,+nv3",
        check: Check::Markers,
        ..NESTED_PROGRAM
    },
    Case {
        name: "conformance-nv",
        what: "every access to a system register against the architecture's tables",
        check: Check::Conformance,
        ..MATRIX
    },
    Case {
        name: "conformance-nv3",
        what: "the same with FEAT_NV3 and FEAT_FGT2",
        cpu: "max,+nv3,+fgt2",
        ..MATRIX
    },
    Case {
        name: "conformance-e2h",
        what: "the same with FEAT_NV2p1, where HCR_EL2.E2H is RES1",
        cpu: "max,+nv2p1,-e2h0",
        ..MATRIX
    },
    Case {
        name: "cpu-debug",
        what: "single step, breakpoints and watchpoints",
        kernel: Kernel::Bare("cpu-tests-debug"),
        expect: &["^cpu-tests-debug: [0-9]+ passed, 0 failed"],
        ..BARE
    },
    Case {
        name: "cpu-power",
        what: "power-down states of CPUs and of the machine, and resets",
        kernel: Kernel::Bare("cpu-tests-power"),
        cpus: 2,
        reboots: true,
        expect: &[
            "^life 1",
            "^cpu-tests-power: [0-9]+ passed, 0 failed",
            "^life 2",
            "^cpu-tests-power: 2 passed, 0 failed",
            "^life 3",
            "^cpu-tests-power: 2 passed, 0 failed",
        ],
        check: Check::Markers,
        ..BARE
    },
    Case {
        name: "cpu-debug-interp",
        what: "the same by the interpreter",
        kernel: Kernel::Bare("cpu-tests-debug"),
        by: INTERP,
        expect: &["^cpu-tests-debug: [0-9]+ passed, 0 failed"],
        ..BARE
    },
    Case {
        name: "demo-hyp",
        what: "a hypervisor at EL2, its guest at EL1, a program at EL0",
        kernel: Kernel::Bare("demo-hyp"),
        expect: &[
            "^EL2 . stage 2 on",
            "^EL1 .   a kernel at EL1",
            "^EL2 . trap: HVC #42",
            "^EL1 .   MMIO: .* says 42",
            "^EL1 .   EL0: .* ended with 126",
            "^EL2 . trap: WFI",
            "^EL1 .   timer: interrupt 27",
            "^EL2 . demo-hyp: done",
        ],
        ..BARE
    },
    Case {
        name: "demo-hyp-twice",
        what: "the same twice in deterministic mode",
        kernel: Kernel::Bare("demo-hyp"),
        expect: &["^EL2 . demo-hyp: done"],
        check: Check::SameTwice,
        ..BARE
    },
    Case { name: "boot", what: "Linux 7.2 at EL2 (VHE)", ..LINUX },
    Case { name: "boot-smp4", what: "the same on four CPUs", cpus: 4, ..LINUX },
    Case { name: "boot-6.12", what: "Linux 6.12", kernel: Kernel::Debian("Image-6.12"), ..LINUX },
    Case { name: "boot-el1", what: "Linux 7.2 at EL1", el: 1, expect: &[UP, AT_EL1], ..LINUX },
    Case {
        name: "boot-e2h",
        what: "Linux 7.2 where HCR_EL2.E2H is 1 and NV1 is 0",
        cpu: "max,-nv1",
        append: "kvm-arm.mode=nested",
        expect: &[UP, AT_EL2, r"^DROSTE-DMESG 0 .*VHE\+NV2 mode initialized"],
        ..LINUX
    },
    Case { name: "boot-a76", what: "Linux 7.2 on a Cortex-A76", cpu: "cortex-a76", ..LINUX },
    Case {
        name: "nvhe",
        what: "KVM in nVHE mode",
        append: "kvm-arm.mode=nvhe",
        expect: &[UP, "^DROSTE-DMESG 0 .*Hyp nVHE mode initialized"],
        ..LINUX
    },
    Case {
        name: "pkvm",
        what: "KVM in protected mode",
        append: "kvm-arm.mode=protected",
        expect: &[UP, "^DROSTE-DMESG 0 .*Protected h?n?VHE mode initialized"],
        ..LINUX
    },
    Case {
        name: "boot-twice",
        what: "Linux 7.2 twice in deterministic mode",
        check: Check::SameTwice,
        ..LINUX
    },
    Case {
        name: "boot-twice-smp4",
        what: "the same with four CPUs",
        cpus: 4,
        check: Check::SameTwice,
        timeout_s: 600,
        ..LINUX
    },
    Case {
        name: "boot-executors",
        what: "Linux 7.2 by the interpreter and by the JIT, compared all the way",
        check: Check::Executors,
        ..LINUX
    },
    Case {
        name: "cpu-smp4-interp",
        what: "cpu-tests at EL2 on four CPUs by the interpreter",
        cpus: 4,
        by: INTERP,
        ..BARE
    },
    Case { name: "boot-interp", what: "Linux 7.2 at EL2 by the interpreter", by: INTERP, ..LINUX },
    Case { name: "stress", what: "what CPUs do to each other, at EL2 on four CPUs by the JIT", ..STRESS },
    Case {
        name: "stress-interp",
        what: "the same by the interpreter",
        append: "seconds=20 seed=2",
        by: INTERP,
        ..STRESS
    },
    Case {
        name: "stress-el1",
        what: "the same at EL1 on two CPUs by the JIT",
        cpus: 2,
        el: 1,
        append: "seconds=12 seed=3",
        expect: &["^stress at EL1: 2 CPUs", "^PASS stage 1", "^stress: [0-9]+ passed, 0 failed"],
        ..STRESS
    },
    Case {
        name: "suspend",
        what: "Linux 7.2 suspended to RAM twice, and woken by the real-time clock",
        append: "droste.suspend=2",
        cpus: 2,
        expect: &[UP, "^DROSTE-SUSPEND 1 slept", "^DROSTE-SUSPEND 2 slept"],
        ..LINUX
    },
    Case {
        name: "systemd",
        what: "Debian with systemd on a virtio disk, and a download",
        initrd: Some("disk-7.2.cpio"),
        append: "droste.poweroff=1",
        disk_and_net: true,
        cpus: 2,
        expect: &[
            "^DROSTE-DISK root is mounted",
            r"DROSTE-SYSTEMD up [0-9]+\.[0-9]+",
            "DROSTE-SYSTEMD root on /dev/vda ext4",
            "DROSTE-NET .* 10.0.2.15/24",
            "DROSTE-NET sum f6a34d4c79c3d12c297589206bf216b084347471a53ea5e7fe9a46bd1230f098",
            "DROSTE-SYSTEMD login: active",
            "reboot: Power down",
        ],
        timeout_s: 900,
        ..LINUX
    },
    Case {
        name: "kvm",
        what: "Linux, KVM, QEMU, and Linux in it",
        initrd: Some("one-7.2.cpio"),
        append: "droste.chain=kvm droste.mem=1024",
        memory_mb: 4096,
        expect: &[UP, VHE, L1[0], L1[1], L1[2]],
        timeout_s: 900,
        ..LINUX
    },
    Case {
        name: "kvm-smp2",
        what: "the same with two CPUs at each level",
        initrd: Some("one-7.2.cpio"),
        append: "droste.chain=kvm droste.mem=1024 droste.smp=2",
        cpus: 2,
        memory_mb: 4096,
        expect: &[UP, VHE, L1[0], L1[1], L1[2]],
        timeout_s: 900,
        ..LINUX
    },
    Case {
        name: "pkvm-guest",
        what: "Linux, protected KVM, and Linux in an ordinary VM",
        initrd: Some("one-7.2.cpio"),
        append: "kvm-arm.mode=protected droste.chain=kvm droste.mem=1024",
        memory_mb: 4096,
        expect: &[UP, "^DROSTE-DMESG 0 .*Protected", L1[0], L1[1], L1[2]],
        timeout_s: 900,
        ..LINUX
    },
    CHAIN,
    Case { name: "nested-nv2p1", what: "the same with FEAT_NV2p1", cpu: "max,+nv2p1", ..CHAIN },
    Case { name: "nested-nv3", what: "the same with FEAT_NV3", cpu: "max,+nv3", ..CHAIN },
    Case {
        name: "nested-smp2",
        what: "the same with two CPUs at each level",
        append: "kvm-arm.mode=nested quiet loglevel=4 droste.chain=nested,kvm droste.mem=2048 droste.smp=2",
        cpus: 2,
        ..CHAIN
    },
    Case {
        name: "nested-6.12",
        what: "the same with Linux 6.12 in the guests",
        initrd: Some("two-6.12.cpio"),
        ..CHAIN
    },
    Case {
        name: "nested-pkvm",
        what: "KVM, protected KVM at virtual EL2, and Linux in it",
        // The kernel of the middle level cannot have 52-bit addresses in stage 1 and not in stage 2: its hVHE tables
        // are of the one kind and its TCR_EL2.DS of the other.
        cpu: "max,-lpa2",
        append: "kvm-arm.mode=nested quiet loglevel=4 droste.chain=nested,kvm droste.mem=2048 droste.more=kvm-arm.mode=protected",
        expect: &[
            UP,
            r"^DROSTE-DMESG 0 .*VHE\+NV2 mode initialized",
            "DROSTE-UP 1 ",
            "DROSTE-DMESG 1 .*Protected hVHE mode initialized",
            "DROSTE-UP 2 ",
            r"DROSTE-DMESG 2 .*CPU: All CPU\(s\) started at EL1",
            "DROSTE-END 1 .*status=0",
            "^DROSTE-END 0 .*status=0",
        ],
        ..CHAIN
    },
    Case {
        name: "nested-l3",
        what: "one level more: a guest of a guest hypervisor of a guest hypervisor",
        initrd: Some("three-7.2.cpio"),
        // KVM of Linux 7.3 takes 49 bits of the VNCR_EL2 of a guest hypervisor, whose kernel with 52-bit addresses in stage
        // 1 has it at an address of 52.
        cpu: "max,-lpa2",
        append: "kvm-arm.mode=nested quiet loglevel=4 droste.chain=nested,nested,kvm droste.mem=4096",
        memory_mb: 10240,
        expect: &[
            UP,
            r"^DROSTE-DMESG 0 .*VHE\+NV2 mode initialized",
            "DROSTE-UP 1 ",
            r"DROSTE-DMESG 1 .*VHE\+NV2 mode initialized",
            "DROSTE-UP 2 ",
            r"DROSTE-DMESG 2 .*CPU: All CPU\(s\) started at EL2",
            "DROSTE-DMESG 2 .*VHE mode initialized",
            "DROSTE-UP 3 ",
            r"DROSTE-DMESG 3 .*CPU: All CPU\(s\) started at EL1",
            "DROSTE-END 2 .*status=0",
            "DROSTE-END 1 .*status=0",
            "^DROSTE-END 0 .*status=0",
        ],
        check: Check::MarkersInCountedTime,
        ..CHAIN
    },
    Case {
        name: "nested-twice",
        what: "the same twice in deterministic mode",
        check: Check::SameTwice,
        ..CHAIN
    },
    Case {
        name: "nested-interp",
        what: "KVM, KVM at virtual EL2, and Linux in it, by the interpreter",
        by: INTERP,
        timeout_s: 3600,
        ..CHAIN
    },
];

impl Case {
    pub(crate) fn is_ready(&self) -> bool {
        READY.contains(&self.name) || hyp_cases::READY.contains(&self.name)
    }
}

/// All cases: those of the machine, then those of the hypervisor.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    CASES.iter().chain(hyp_cases::CASES)
}

/// The case of a name.
pub(crate) fn find(name: &str) -> Result<&'static Case> {
    let known = || all().map(|c| c.name).collect::<Vec<_>>().join(", ");
    all().find(|c| c.name == name).with_context(|| format!("no case {name:?}; there are: {}", known()))
}

#[cfg(test)]
mod tests {
    use super::{READY, all, hyp_cases};
    use regex_lite::Regex;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_every_enabled_case_exists() {
        let names: BTreeSet<&str> = all().map(|c| c.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(READY.iter().chain(hyp_cases::READY).all(|name| names.contains(name)));
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
