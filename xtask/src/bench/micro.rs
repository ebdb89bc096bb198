//! Single operations: `bench-micro` at two numbers of turns. The difference of two runs holds no start-up cost.

use super::measure::{self, Cost};
use super::subject::Subject;
use crate::cross;
use crate::e2e::Spec;
use anyhow::{Context, Result, bail};
use std::time::Duration;

/// A test of `guests/bench-micro`.
pub(crate) struct Test {
    pub(crate) name: &'static str,
    /// What one operation is.
    pub(crate) what: &'static str,
}

const fn test(name: &'static str, what: &'static str) -> Test {
    Test { name, what }
}

pub(crate) const TESTS: [Test; 26] = [
    test("alu", "an instruction of a loop of 10 without memory accesses"),
    test("load", "an instruction of a loop with 8 loads of 10"),
    test("store", "an instruction of a loop with 8 stores of 10"),
    test("call-return", "a call and its return, same page"),
    test("indirect-call", "a call through a register, each time to another function, and its return"),
    test("far-branch", "a direct branch to another page, or the loop's branch back"),
    test("cold-code", "an instruction that runs for the first time, in blocks of 8"),
    test("mrs-esr", "MRS of ESR_EL1 at EL2"),
    test("mrs-cntvct", "MRS of CNTVCT_EL0"),
    test("exclusive", "LDAXR and STLXR"),
    test("ldaddal", "LDADDAL"),
    test("fp-double", "a scalar double operation: FADD, FSUB, FMUL, FMADD"),
    test("pauth", "PACIA or AUTIA"),
    test("hcr-same", "MSR of HCR_EL2 with the same value, ISB"),
    test("hcr-flip", "MSR of HCR_EL2 that changes VM, ISB"),
    test("hcr-flip-16", "the same, then a load from each of 16 pages at EL2"),
    test("asid", "MSR of TTBR0_EL1 with another ASID, ISB"),
    test("vmid", "MSR of VTTBR_EL2 with another VMID, ISB"),
    test("hvc", "HVC from EL1 and ERET"),
    test("hvc-16-16", "the same, with a load from each of 16 pages at EL2 and of 16 at EL1"),
    test("hvc-hcr", "HVC, HCR_EL2.VM off, ISB, on, ISB, ERET"),
    test("hvc-hcr-16-16", "the same, with the loads from 16 and 16 pages"),
    test("hvc-vmid-16", "HVC, another VMID, ISB, ERET, then a load from each of 16 pages at EL1"),
    test("vncr-read", "MRS of VTTBR_EL2 at EL1 with HCR_EL2.{NV,NV2} = {1,1}"),
    test("vncr-write", "MSR of it"),
    test("nested-eret", "ERET at EL1 that is trapped to EL2, and ERET behind it"),
];

/// The two numbers of turns.
pub(crate) struct Counts {
    low: u64,
    high: u64,
    /// Seconds that the higher one is to take.
    wanted: f64,
}

/// What the guest said about its run.
pub(super) struct Said {
    iterations: u64,
    operations: u64,
    pub(super) seconds: f64,
}

const GUESSES: u32 = 4;
const LIMIT: Duration = Duration::from_secs(120);

/// Finds numbers of turns whose higher one takes about as long as is wanted. The guest's own clock gives the first guess,
/// but on a busy machine it runs on while the guest does not.
pub(crate) fn calibrated(test: &Test, subject: &Subject, wanted: Duration) -> Result<Counts> {
    let wanted = wanted.as_secs_f64();
    let (start, _) = run(test, subject, "0")?;
    let (_, said) = run(test, subject, "calibrate")?;
    let each = (said.seconds / said.iterations.max(1) as f64).max(1e-10);
    let mut high = ((wanted / each) as u64).max(64);
    for _ in 0..GUESSES {
        let (cost, said) = run(test, subject, &high.to_string())?;
        let took = (cost.cpu - start.cpu).max(wanted / 32.0);
        if took >= wanted / 2.0 || said.iterations < high {
            high = said.iterations;
            break;
        }
        high = (high as f64 * wanted / took) as u64;
    }
    Ok(Counts { low: high / 8, high, wanted })
}

/// The cost of one operation in nanoseconds. Runs that hardly differ, because a calibration was disturbed, are
/// replaced by longer ones.
pub(crate) fn slope(test: &Test, subject: &Subject, counts: &Counts) -> Result<Cost> {
    for longer in (0..GUESSES).map(|n| 4_u64.pow(n)) {
        let (cost_low, low) = run(test, subject, &(counts.low * longer).to_string())?;
        let (cost_high, high) = run(test, subject, &(counts.high * longer).to_string())?;
        let (cpu, wall) = (cost_high.cpu - cost_low.cpu, cost_high.wall - cost_low.wall);
        let more = high.operations.saturating_sub(low.operations);
        // The guest does fewer turns than asked where its supply ends.
        let all = high.iterations < counts.high * longer;
        if more > 0 && (cpu > counts.wanted / 3.0 || (cpu > 0.0 && all)) {
            let each = 1e9 / more as f64;
            return Ok(Cost { cpu: cpu * each, wall: wall * each });
        }
    }
    bail!("more turns take no more CPU time: the machine is too noisy for runs of this length")
}

fn run(test: &Test, subject: &Subject, count: &str) -> Result<(Cost, Said)> {
    let spec = Spec {
        kernel: cross::program("bench-micro"),
        initrd: None,
        append: Some(format!("{} {count}", test.name)),
        disk: None,
        cpu: "max",
        cpus: 1,
        memory_mb: 256,
        el: 2,
        deterministic: false,
        check: false,
        reboots: false,
        engine: None,
        more: Vec::new(),
    };
    let (cost, lines) = measure::run(&mut subject.command(&spec)?, LIMIT)?;
    let said = lines.iter().find_map(|line| said(line, test.name));
    Ok((cost, said.with_context(|| format!("the guest said {lines:?}"))?))
}

/// Reads `bench-micro NAME iterations=1 operations=10 ticks=3 frequency=1000`.
pub(super) fn said(line: &str, name: &str) -> Option<Said> {
    let rest = line.strip_prefix("bench-micro ")?.strip_prefix(name)?;
    let value = |key: &str| -> Option<u64> {
        rest.split_whitespace().find_map(|w| w.strip_prefix(key)?.strip_prefix('='))?.parse().ok()
    };
    Some(Said {
        iterations: value("iterations")?,
        operations: value("operations")?,
        seconds: value("ticks")? as f64 / value("frequency")? as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_line_is_read() {
        let line = "bench-micro alu iterations=20 operations=200 ticks=3000 frequency=1000";
        let said = said(line, "alu").unwrap();
        assert_eq!((said.iterations, said.operations), (20, 200));
        assert!((said.seconds - 3.0).abs() < 1e-9);
    }

    #[test]
    fn line_of_another_test_is_not_read() {
        assert!(said("bench-micro load iterations=1 operations=1 ticks=1 frequency=1", "alu").is_none());
        assert!(said("FAIL: no test \"alu\"; there are:", "alu").is_none());
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<&str> = TESTS.iter().map(|t| t.name).collect();
        assert_eq!(names.len(), TESTS.len());
    }
}
