//! The cases of the hypervisor: its hosts, and those who try to get around it.

use super::cases::{AT_EL1, AT_EL2, BARE, Case, Check, Kernel, LINUX, UP, VHE};

/// Those that `cargo xtask test` runs; the others run by `--case`.
pub(super) const READY: &[&str] = &[
    "hyp",
    "hyp-6.12-smp4",
    "hyp-a57-smp4",
    "hyp-n2-smp4",
    "hyp-off",
    "hyp-modules",
    "hyp-life",
    "hyp-hostile",
    "hyp-power",
    "hyp-stub",
];

const HOST: Case = Case {
    kernel: Kernel::UnderDroste("Image-7.2"),
    append: "droste.mode=protected",
    expect: &[PROTECTED, ENTERS, UP, AT_EL1, NO_KVM, ENDS, UNCHANGED],
    ..LINUX
};

/// A host whose init does what `droste.do` says.
const BUSY: Case = Case { initrd: Some("host-7.2.cpio"), cpus: 4, timeout_s: 600, ..HOST };

const PROTECTED: &str = "^droste: EL2 is resident, protected: E2H = 1";
const PROTECTED_NVHE: &str = "^droste: EL2 is resident, protected: E2H = 0";
const ENTERS: &str = "^droste: entering the host at EL1";
const NO_KVM: &str = "^DROSTE-DMESG 0 .*kvm .*HYP mode not available";
const ENDS: &str =
    "^droste: the host ends: [0-9]+ SMCs, 0 HVCs, [0-9]+ blocks mapped, 0 accesses denied, 0 instr.* 0 cores";
const ENDS_SMP4: &str =
    "^droste: the host ends: [0-9]+ SMCs, 0 HVCs, [0-9]+ blocks mapped, 0 accesses denied, 0 instr.* 3 cores";
const UNCHANGED: &str = "^droste: code and constants are unchanged, and no page of EL2 is the host's";

const KEXEC: &[&str] = &[
    PROTECTED,
    ENTERS,
    UP,
    "^DROSTE-HOTPLUG 0 .*failed=0 cpus=4",
    "^DROSTE-KEXEC 0 status=0",
    "^DROSTE-UP 1 .*cpus=4",
    r"^DROSTE-DMESG 1 .*CPU: All CPU\(s\) started at EL1",
    "^DROSTE-HOTPLUG 1 .*failed=0 cpus=4",
    "^DROSTE-KEXEC 1 status=0",
    "^DROSTE-UP 2 .*cpus=4",
    "^DROSTE-HOTPLUG 2 .*failed=0 cpus=4",
    "^droste: the host ends: .* 0 HVCs, [0-9]+ blocks mapped, 0 accesses denied",
    UNCHANGED,
];

// Redistributors cannot forget where the first kernel has put its tables of LPIs, and without EFI a second kernel does not
// know that this memory has a use: `irqchip.gicv3_nolpi` is what Linux has for kernels that start others.
macro_rules! busy {
    ($work:literal) => {
        concat!("droste.mode=protected quiet loglevel=4 irqchip.gicv3_nolpi=1 droste.do=", $work)
    };
}

/// A kernel that boots to its marker and powers off.
const fn boots(
    name: &'static str,
    what: &'static str,
    kernel: &'static str,
    cpu: &'static str,
    cpus: u32,
) -> Case {
    // Without FEAT_VHE.
    let is_old = cpu.len() == "cortex-a57".len();
    let expect: &[&str] = match (is_old, cpus > 1) {
        (false, false) => HOST.expect,
        (false, true) => &[PROTECTED, ENTERS, UP, AT_EL1, NO_KVM, ENDS_SMP4, UNCHANGED],
        (true, false) => &[PROTECTED_NVHE, ENTERS, UP, AT_EL1, NO_KVM, ENDS, UNCHANGED],
        (true, true) => &[PROTECTED_NVHE, ENTERS, UP, AT_EL1, NO_KVM, ENDS_SMP4, UNCHANGED],
    };
    Case { name, what, kernel: Kernel::UnderDroste(kernel), cpu, cpus, expect, ..HOST }
}

const NEW: &str = "Image-7.2";
const OLD: &str = "Image-6.12";

pub(super) const CASES: &[Case] = &[
    Case {
        check: Check::Share,
        ..boots("hyp", "Linux 7.2 as the host of our hypervisor, and EL2's share", NEW, "max", 1)
    },
    boots("hyp-smp4", "the same on four CPUs", NEW, "max", 4),
    boots("hyp-6.12", "Linux 6.12 as the host of our hypervisor", OLD, "max", 1),
    boots("hyp-6.12-smp4", "the same on four CPUs", OLD, "max", 4),
    boots("hyp-a57", "Linux 7.2 as its host without VHE, on a Cortex-A57", NEW, "cortex-a57", 1),
    boots("hyp-a57-smp4", "the same on four CPUs", NEW, "cortex-a57", 4),
    boots("hyp-a57-6.12", "Linux 6.12 as its host without VHE, on a Cortex-A57", OLD, "cortex-a57", 1),
    boots("hyp-a57-6.12-smp4", "the same on four CPUs", OLD, "cortex-a57", 4),
    boots("hyp-n2", "Linux 7.2 as its host on a Neoverse N2", NEW, "neoverse-n2", 1),
    boots("hyp-n2-smp4", "the same on four CPUs", NEW, "neoverse-n2", 4),
    boots("hyp-n2-6.12", "Linux 6.12 as its host on a Neoverse N2", OLD, "neoverse-n2", 1),
    boots("hyp-n2-6.12-smp4", "the same on four CPUs", OLD, "neoverse-n2", 4),
    Case {
        name: "hyp-overhead",
        what: "what the hypervisor costs in all, over some seeds",
        append: "droste.mode=protected nokaslr",
        check: Check::Overhead,
        ..HOST
    },
    Case {
        name: "hyp-psci-0.1",
        what: "a host on four CPUs whose device tree has the function numbers of PSCI 0.1",
        kernel: Kernel::OldPsciUnderDroste(NEW),
        append: "droste.mode=protected quiet loglevel=4 droste.do=hotplug:2",
        expect: &[
            PROTECTED,
            UP,
            "^DROSTE-DMESG 0 .*psci: Using PSCI v0.1 Function IDs from DT",
            AT_EL1,
            "^DROSTE-HOTPLUG 0 rounds=2 failed=0 cpus=4",
        ],
        ..BUSY
    },
    Case {
        name: "hyp-permissive",
        what: "Linux 7.2 over our hypervisor without protection",
        append: "",
        expect: &["^droste: EL2 is resident, permissive: E2H = 1", ENTERS, UP, AT_EL1, NO_KVM, ENDS],
        ..HOST
    },
    Case {
        name: "hyp-off",
        what: "the hypervisor gives EL2 to Linux 7.2, whose KVM works",
        append: "droste.mode=off",
        cpus: 4,
        expect: &["^droste: EL2 is the host's", UP, AT_EL2, VHE],
        ..HOST
    },
    Case {
        name: "hyp-modules",
        what: "a host that the loader describes in the device tree",
        kernel: Kernel::ModuleUnderDroste("Image-7.2"),
        ..HOST
    },
    Case {
        name: "hyp-life",
        what: "a host on four CPUs: suspend, hotplug, kexec twice, with all of it again, and a reset",
        append: busy!("mem,kexec,hotplug:1,mem,kexec,hotplug:1,mem,reboot"),
        expect: &[
            PROTECTED,
            UP,
            "^DROSTE-SUSPEND 0 mem status=0 succeeded=1 cpus=4",
            "^DROSTE-KEXEC 0 status=0",
            "^DROSTE-UP 1 .*cpus=4",
            r"^DROSTE-DMESG 1 .*CPU: All CPU\(s\) started at EL1",
            "^DROSTE-HOTPLUG 1 .*failed=0 cpus=4",
            "^DROSTE-SUSPEND 1 mem status=0 succeeded=1 cpus=4",
            "^DROSTE-KEXEC 1 status=0",
            "^DROSTE-UP 2 .*cpus=4",
            "^DROSTE-HOTPLUG 2 .*failed=0 cpus=4",
            "^DROSTE-SUSPEND 2 mem status=0 succeeded=1 cpus=4",
            "reboot: Restarting system",
            "^droste: the host ends: .* 0 HVCs, [0-9]+ blocks mapped, 0 accesses denied",
            UNCHANGED,
        ],
        ..BUSY
    },
    Case {
        name: "hyp-suspend",
        what: "suspend to idle and to memory with an alarm, a host on four CPUs",
        append: busy!("idle,mem,hotplug:1,mem"),
        expect: &[
            UP,
            "^DROSTE-SUSPEND 0 freeze status=0 succeeded=1 cpus=4",
            "^DROSTE-SUSPEND 0 mem status=0 succeeded=2 cpus=4",
            "^DROSTE-HOTPLUG 0 .*failed=0 cpus=4",
            "^DROSTE-SUSPEND 0 mem status=0 succeeded=3 cpus=4",
            UNCHANGED,
        ],
        ..BUSY
    },
    Case {
        name: "hyp-reboot",
        what: "a host that resets the machine",
        append: busy!("reboot"),
        cpus: 1,
        expect: &[UP, "reboot: Restarting system", "^droste: the host ends: ", UNCHANGED],
        ..BUSY
    },
    Case {
        name: "hyp-demo",
        what: "the hypervisor at EL2, Linux 7.2 as its host at EL1, and what it traps",
        append: "droste.mode=protected droste.log=debug quiet loglevel=4",
        cpus: 2,
        expect: &[ENTERS, "^droste: core 0x1 enters the host", UP, "^droste: the host ends: ", UNCHANGED],
        ..HOST
    },
    Case {
        name: "hyp-hotplug",
        what: "every core but the first is switched off and on a hundred times under our hypervisor",
        append: busy!("hotplug:100"),
        expect: &[
            UP,
            "^DROSTE-HOTPLUG 0 rounds=100 failed=0 cpus=4",
            "^droste: the host ends: .* 303 cores entered",
            UNCHANGED,
        ],
        ..BUSY
    },
    Case {
        name: "hyp-kexec",
        what: "a host that starts a second and a third kernel by kexec, with hotplug in each",
        append: busy!("hotplug:1,kexec,hotplug:1,kexec,hotplug:1"),
        expect: KEXEC,
        ..BUSY
    },
    Case {
        name: "hyp-kexec-6.12",
        what: "the same with Linux 6.12, which cannot copy its tables for kexec where there is FEAT_LPA2",
        kernel: Kernel::UnderDroste(OLD),
        cpu: "neoverse-n2",
        initrd: Some("host-6.12.cpio"),
        append: busy!("hotplug:1,kexec,hotplug:1,kexec,hotplug:1"),
        expect: KEXEC,
        ..BUSY
    },
    Case {
        name: "hyp-hostile",
        what: "a host that tries to get at the hypervisor, on four CPUs",
        kernel: Kernel::BareUnderDroste("hostile-host"),
        append: "droste.mode=protected",
        cpus: 4,
        expect: &[
            "^droste: EL2 is resident, protected",
            "^hostile-host at EL1",
            "^hostile-host: every immediate was tried",
            "^hostile-host: [0-9]+ races",
            "^hostile-host: [0-9]+ passed, 0 failed",
            UNCHANGED,
        ],
        check: Check::Markers,
        timeout_s: 120,
        ..BARE
    },
    Case {
        name: "hyp-power",
        what: "power-down states and resets by a program under our hypervisor",
        kernel: Kernel::BareUnderDroste("cpu-tests-power"),
        append: "droste.mode=protected",
        cpus: 2,
        reboots: true,
        expect: &[
            PROTECTED,
            "^life 1",
            "^cpu-tests-power: [0-9]+ passed, 0 failed",
            UNCHANGED,
            PROTECTED,
            "^life 2",
            "^cpu-tests-power: 2 passed, 0 failed",
            UNCHANGED,
            "^life 3",
            "^cpu-tests-power: 2 passed, 0 failed",
            UNCHANGED,
        ],
        check: Check::Markers,
        ..BARE
    },
    Case {
        name: "hyp-stub",
        what: "stub vectors behind a program that is given EL2",
        kernel: Kernel::BareUnderDroste("hostile-host"),
        append: "droste.mode=off",
        expect: &["^droste: EL2 is the host's", "^hostile-host at EL2", "^hostile-host: 3 passed, 0 failed"],
        check: Check::Markers,
        ..BARE
    },
];
