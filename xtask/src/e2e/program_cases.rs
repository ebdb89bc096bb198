//! The cases of bare-metal programs of `guests/`.

use super::cases::{BARE, Case, Check, INTERP, Kernel};

/// Those that `cargo xtask test` runs; the others run by `--case`.
pub(super) const READY: &[&str] = &[
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
    "cpu-smp4-interp",
    "stress",
    "stress-interp",
    "stress-el1",
    "cpu-executors",
    "cpu-executors-nested",
];

const NESTED_PROGRAM: Case = Case {
    kernel: Kernel::Bare("cpu-tests-nested"),
    expect: &["^cpu-tests-nested: [0-9]+ passed, 0 failed"],
    ..BARE
};

const MATRIX: Case = Case {
    kernel: Kernel::Bare("conformance-nv"),
    expect: &["^conformance-nv at EL2", "^conformance-nv: [0-9]+ cells, [0-9]+ different, [0-9]+ skipped"],
    check: Check::ConformanceAlone,
    timeout_s: 300,
    ..BARE
};

const STRESS: Case = Case {
    kernel: Kernel::Bare("stress"),
    cpus: 4,
    append: "seconds=28",
    expect: &["^stress at EL2: 4 CPUs", "^PASS stage 1", "^PASS stage 2", "^stress: [0-9]+ passed, 0 failed"],
    check: Check::Markers,
    timeout_s: 240,
    ..BARE
};

pub(super) const CASES: &[Case] = &[
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
    Case {
        name: "cpu-smp4-interp",
        what: "cpu-tests at EL2 on four CPUs by the interpreter",
        cpus: 4,
        by: INTERP,
        ..BARE
    },
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
        name: "cpu-executors",
        what: "cpu-tests on four CPUs by the interpreter and by the JIT, compared all the way",
        cpus: 4,
        check: Check::Executors,
        ..BARE
    },
    Case {
        name: "cpu-executors-nested",
        what: "FEAT_NV and FEAT_NV2 by both, compared all the way",
        check: Check::Executors,
        ..NESTED_PROGRAM
    },
    Case {
        name: "stress-executors",
        what: "what CPUs do to each other, by both, where no mapping is used while it changes",
        append: "seconds=1 apart",
        check: Check::Executors,
        timeout_s: 900,
        ..STRESS
    },
];
