//! The cases of Debian's kernels: alone, with user space, and with guests of their own.

use super::cases::{AT_EL1, AT_EL2, Case, Check, INTERP, Kernel, LINUX, UP, VHE};

/// Those that `cargo xtask test` runs; the others run by `--case`.
pub(super) const READY: &[&str] = &[
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
    "boot-interp",
    "suspend",
    "systemd",
    "kvm",
    "kvm-smp2",
    "pkvm-guest",
    "nested",
];

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

pub(super) const CASES: &[Case] = &[
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
    Case { name: "boot-interp", what: "Linux 7.2 at EL2 by the interpreter", by: INTERP, ..LINUX },
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
    Case {
        name: "boot-executors-smp4",
        what: "Linux 7.2 on four CPUs by both, compared all the way",
        cpus: 4,
        check: Check::Executors,
        ..LINUX
    },
];
