//! How much faster two CPUs are than one: the same processes in parallel in Debian's kernel and busybox, and loops on the
//! bare machine, by the guest's clock. On a host with other work the CPU time that the machine got tells what the wall time cannot.
//!
//! The loops run on data of each CPU's own, and once more on the same data: there the host's caches pass the lines to and fro
//! for each store, natively too (two threads of the host took 15 times the CPU time of one there), so that two CPUs are slower than one.

use super::subject::Subject;
use super::{measure, micro};
use crate::e2e::{self, Spec};
use crate::{cross, guests};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::time::Duration;

/// What `--only` names.
pub(crate) const NAME: &str = "smp2";

/// The init: four processes that compute, four that system calls and pipes keep busy, and the time until all have ended.
const SCRIPT: &str = "/bin/busybox --install -s /bin; export PATH=/bin; mkdir -p /proc; mount -t proc proc /proc; \
    begin=$(cut -d' ' -f1 /proc/uptime); \
    for i in 1 2 3 4; do \
    awk 'BEGIN { for (i = 0; i < 500000; i++) s += i * i % 7; print s }' >/dev/null & \
    dd if=/dev/zero bs=4k count=5000 2>/dev/null | sha256sum >/dev/null & \
    done; wait; \
    echo DROSTE-LOAD cpus=$(nproc) began=$begin ended=$(cut -d' ' -f1 /proc/uptime); \
    poweroff -f";
const LIMIT: Duration = Duration::from_secs(900);

/// Turns of the loops on the bare machine, on each CPU.
const TURNS: u64 = 120_000_000;

/// What is run.
#[derive(Clone, Copy)]
enum Work {
    Linux,
    /// A program of `bench-micro`.
    Bare(&'static str),
}

impl Work {
    const ALL: [Work; 3] = [Work::Linux, Work::Bare("parallel"), Work::Bare("parallel-shared")];

    fn name(self) -> &'static str {
        match self {
            Work::Linux => "processes",
            Work::Bare("parallel") => "loops",
            Work::Bare(_) => "loops, shared data",
        }
    }
}

/// What one run told, in seconds.
#[derive(Clone, Copy)]
struct Load {
    /// The work, the same for any number of CPUs, by the guest's clock.
    wall: f64,
    /// The whole machine: CPU time, and how many of the host's CPUs it had.
    cpu: f64,
    host_cpus: f64,
}

/// Measures every subject with one and with two CPUs in turn; prints the medians and answers all samples.
pub(crate) fn run(subjects: &[Subject], rounds: u32) -> Result<Value> {
    subjects.iter().try_for_each(|s| s.build())?;
    cross::build()?;
    let mut rows = Vec::new();
    println!("| engine | work | 1 CPU, s | 2 CPUs, s | times faster | CPU time, s | host CPUs had |");
    println!("|---|---|---|---|---|---|---|");
    for (work, subject) in Work::ALL.into_iter().flat_map(|work| subjects.iter().map(move |s| (work, *s))) {
        let mut loads = [Vec::new(), Vec::new()];
        for _ in 0..rounds.max(1) {
            for (loads, cpus) in loads.iter_mut().zip([1, 2]) {
                loads.push(once(work, subject, cpus)?);
            }
        }
        let [one, two] = loads.each_ref().map(|loads| median(loads));
        println!(
            "| {} | {} | {:.2} | {:.2} | {:.2} | {:.2}, {:.2} | {:.2}, {:.2} |",
            subject.name(),
            work.name(),
            one.wall,
            two.wall,
            one.wall / two.wall,
            one.cpu,
            two.cpu,
            one.host_cpus,
            two.host_cpus
        );
        let walls = loads.each_ref().map(|all| all.iter().map(|load| load.wall).collect::<Vec<_>>());
        let (subject, work) = (subject.name(), work.name());
        rows.push(json!({ "subject": subject, "work": work, "wall_1": walls[0], "wall_2": walls[1] }));
    }
    Ok(Value::Array(rows))
}

fn once(work: Work, subject: Subject, cpus: u32) -> Result<Load> {
    let case = e2e::find("boot")?;
    let spec = match work {
        Work::Linux => {
            let (kernel, initrd) = (guests::file("Image-7.2")?, guests::file("tiny.cpio")?);
            let append = format!(
                "console=ttyAMA0 panic=-1 quiet loglevel=3 rdinit=/bin/busybox -- sh -c \"{SCRIPT}\""
            );
            Spec { append: Some(append), cpus, ..Spec::new(case, kernel, Some(initrd)) }
        }
        Work::Bare(program) => {
            let append = format!("{program} {}", TURNS / u64::from(cpus));
            Spec { append: Some(append), cpus, ..Spec::new(case, cross::program("bench-micro"), None) }
        }
    };
    let (cost, lines) = measure::run(&mut subject.command(&spec)?, LIMIT)?;
    let wall = lines.iter().find_map(|line| match work {
        Work::Linux => said(line, cpus),
        Work::Bare(program) => micro::said(line, program).map(|said| said.seconds),
    });
    let wall = wall.with_context(|| format!("the guest said {lines:?}"))?;
    Ok(Load { wall, cpu: cost.cpu, host_cpus: cost.cpu / cost.wall })
}

/// Reads `DROSTE-LOAD cpus=2 began=1.50 ended=4.25`.
fn said(line: &str, cpus: u32) -> Option<f64> {
    let rest = line.strip_prefix("DROSTE-LOAD ")?;
    let value = |key: &str| -> Option<f64> {
        rest.split_whitespace().find_map(|w| w.strip_prefix(key)?.strip_prefix('='))?.parse().ok()
    };
    (value("cpus")? == f64::from(cpus)).then_some(value("ended")? - value("began")?)
}

fn median(loads: &[Load]) -> Load {
    let mut sorted = loads.to_vec();
    sorted.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    sorted[sorted.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn the_guests_line_is_read() {
        assert_eq!(said("DROSTE-LOAD cpus=2 began=1.50 ended=4.25", 2), Some(2.75));
        assert_eq!(said("DROSTE-LOAD cpus=1 began=1.50 ended=4.25", 2), None, "a CPU did not start");
        assert_eq!(said("DROSTE-UP 0", 1), None);
    }
}
