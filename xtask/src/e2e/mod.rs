//! End to end: whole machines that run guests, judged by what appears on the console.

mod cases;
mod conformance;
mod engine;
mod footprint;
mod http;
mod hyp_cases;
mod hyp_refusals;
mod linux_cases;
mod modules;
mod overhead;
mod program_cases;
mod refusals;
mod run;
mod startup;

pub(crate) use cases::{Case, Check, Kernel, all, find};
pub(crate) use conformance::Explained;
pub(crate) use engine::{Engine, Spec};
pub(crate) use run::{Outcome, follow, follow_process};

use crate::say::say;
use crate::test::Tally;
use crate::{cross, guests, hyp, place};
use anyhow::{Context, Result, ensure};
use std::fs;

type Run = fn() -> Result<Tally>;

/// Many short runs that are asked for by one name: bad input to the machine and to the hypervisor, and starts.
const SERIES: [(&str, Run); 3] =
    [("refusals", refusals::run), ("hyp-refusals", hyp_refusals::run), ("startup", startup::run)];

/// Runs the enabled cases, or those named, and names those that were skipped.
pub(crate) fn run(only: &[String], engine: Engine) -> Result<Tally> {
    let (series, only): (Vec<&String>, Vec<&String>) =
        only.iter().partition(|name| SERIES.iter().any(|(known, _)| known == name));
    let all_cases = only.is_empty() && series.is_empty();
    let chosen: Vec<&Case> = if all_cases {
        all().filter(|case| case.is_ready()).collect()
    } else {
        only.iter().map(|name| find(name)).collect::<Result<_>>()?
    };
    engine.build()?;
    cross::build()?;
    let mut tally = Tally::default();
    let mut skipped = Vec::new();
    for case in chosen {
        let began = std::time::Instant::now();
        let mut footprint = None;
        match one(case, engine, &mut footprint) {
            Ok(Outcome::Passed) => {
                tally.passed += 1;
                let beside = footprint
                    .map_or(String::new(), |bytes: u64| format!(", {} MiB beside guest RAM", bytes >> 20));
                say(format!(
                    "case {} on {}: ok, {:.1} s{beside}",
                    case.name,
                    engine.name(),
                    began.elapsed().as_secs_f32()
                ));
            }
            Ok(Outcome::Skipped(why)) => {
                say(format!("case {}: SKIPPED: {why}", case.name));
                skipped.push(case.name);
            }
            Ok(Outcome::Failed(why)) => {
                tally.failed += 1;
                say(format!("case {} on {}: FAILED: {why}", case.name, engine.name()));
            }
            Err(why) => {
                tally.failed += 1;
                say(format!("case {} on {}: FAILED: {why:#}", case.name, engine.name()));
            }
        }
    }
    for (name, check) in SERIES {
        if engine == Engine::Droste && (all_cases || series.iter().any(|asked| *asked == name)) {
            tally.add(check()?);
        }
    }
    if all_cases && engine == Engine::Droste {
        let waiting: Vec<&str> = all().filter(|c| !c.is_ready()).map(|c| c.name).collect();
        if !waiting.is_empty() {
            say(format!("not enabled yet, run by --case only: {}", waiting.join(", ")));
        }
    }
    if !skipped.is_empty() {
        say(format!("SKIPPED {}: {}", skipped.len(), skipped.join(", ")));
    }
    Ok(tally)
}

/// Runs a case; `footprint` becomes what its machine took beside guest RAM.
fn one(case: &Case, engine: Engine, footprint: &mut Option<u64>) -> Result<Outcome> {
    let spec = match spec(case, engine) {
        Ok(spec) => spec,
        Err(why) if why.is::<guests::Unavailable>() => return Ok(Outcome::Skipped(format!("{why:#}"))),
        Err(why) => return Err(why),
    };
    let seen = run::console(&spec, case, engine, "")?;
    *footprint = seen.footprint;
    let outcome = run::judged(case, &seen, engine);
    if !matches!(outcome, Outcome::Passed) {
        return Ok(outcome);
    }
    match case.check {
        Check::Markers | Check::MarkersInCountedTime | Check::Executors => Ok(Outcome::Passed),
        Check::SameAsQemu if engine == Engine::Qemu => Ok(Outcome::Passed),
        Check::SameAsQemu => {
            if let Err(why) = crate::oracle::qemu() {
                return Ok(Outcome::Skipped(format!(
                    "passed alone, but there is no QEMU to compare with: {why:#}"
                )));
            }
            let other = run::console(&spec, case, Engine::Qemu, "")?;
            Ok(run::same(&comparable(&seen.lines), &comparable(&other.lines), "QEMU's"))
        }
        Check::Share | Check::Overhead if engine == Engine::Qemu => Ok(Outcome::Passed),
        Check::Share => overhead::share(&seen),
        Check::Overhead => overhead::totals(case, &spec, engine),
        Check::Conformance if engine == Engine::Qemu => conformance::explained(&seen.lines),
        Check::Conformance | Check::ConformanceAlone => conformance::judged(case, spec, &seen.lines),
        Check::SameTwice => {
            let again = run::console(&spec, case, engine, "-again")?;
            // Both streams are compared, but not how they are mixed.
            let sorted = |mut lines: Vec<String>| {
                lines.sort_by_key(|l| l.starts_with(run::FROM_STDERR));
                lines
            };
            Ok(run::same(&sorted(seen.lines), &sorted(again.lines), "the second run's"))
        }
    }
}

/// What to run, with every file made; an error if a guest cannot be had here.
pub(crate) fn spec(case: &Case, engine: Engine) -> Result<Spec> {
    let kernel = match case.kernel {
        Kernel::Bare(name) | Kernel::BareUnderDroste(name) => cross::program(name),
        Kernel::Debian(name)
        | Kernel::UnderDroste(name)
        | Kernel::OldPsciUnderDroste(name)
        | Kernel::ModuleUnderDroste(name) => guests::file(name)?,
    };
    let mut initrd = case.initrd.map(guests::file).transpose()?;
    let mut kernel = kernel;
    let command_line = match case.kernel {
        Kernel::UnderDroste(_) | Kernel::OldPsciUnderDroste(_) => Some(Spec::command_line(case)),
        Kernel::BareUnderDroste(_) => Some(case.append.to_owned()),
        Kernel::Bare(_) | Kernel::Debian(_) | Kernel::ModuleUnderDroste(_) => None,
    };
    if let Kernel::ModuleUnderDroste(_) = case.kernel {
        let dir = place::target().join("e2e");
        fs::create_dir_all(&dir)?;
        let image = dir.join(format!("{}.img", case.name));
        hyp::build()?;
        hyp::alone(&image)?;
        let mut spec = Spec::new(case, image, None);
        let initrd = initrd.context("a host by modules needs an initrd")?;
        modules::add(&mut spec, engine, &kernel, &initrd, &Spec::command_line(case))?;
        return Ok(spec);
    }
    if let Some(command_line) = command_line {
        let dir = place::target().join("e2e");
        fs::create_dir_all(&dir)?;
        let out = dir.join(format!("{}.img", case.name));
        hyp::build()?;
        hyp::pack(&kernel, initrd.take().as_deref(), &command_line, &out)?;
        kernel = out;
    }
    let mut spec = Spec::new(case, kernel, initrd);
    if let Kernel::OldPsciUnderDroste(_) = case.kernel {
        ensure!(engine == Engine::Droste, "only Droste's machine is asked for its device tree");
        let marker = case.expect.last().context("nothing is expected")?;
        modules::with_old_psci(&mut spec, marker)?;
    }
    if case.disk_and_net {
        spec.disk = Some(guests::file("debian.img")?);
        spec.append = spec
            .append
            .map(|text| Ok::<_, anyhow::Error>(format!("{text} droste.url={}", http::url()?)))
            .transpose()?;
    }
    Ok(spec)
}

/// The guest's lines without those on which QEMU is known to fall short.
fn comparable(lines: &[String]) -> Vec<String> {
    let counts = |l: &&String| !l.starts_with("BEYOND-QEMU") && !l.starts_with(run::FROM_STDERR);
    lines.iter().filter(counts).cloned().collect()
}
