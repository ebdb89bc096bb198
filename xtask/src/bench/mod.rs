//! `cargo xtask bench`: the same work on Droste's machine and on QEMU, in turn, as ratios of CPU time.

mod facts;
mod measure;
mod micro;
mod programs;
mod report;
mod smp;
mod subject;
mod whole;

use crate::args::Args;
use crate::e2e::{self, Case};
use crate::guests::programs::{Program, TESTS as PROGRAMS};
use crate::{cross, place, say};
use anyhow::{Context, Result, anyhow, bail};
use measure::Cost;
pub(crate) use measure::run as cost;
use serde_json::{Map, Value, json};
use std::fs;
use std::time::Duration;
use subject::Subject;

/// The whole machines that are timed, cases of the end-to-end tests; the quick ones first.
const WHOLE: [&str; 2] = ["boot", "kvm"];
/// The one that takes minutes on each subject, for who asks for it.
const NESTED: &str = "nested";

/// How thorough a run is.
struct Effort {
    rounds: u32,
    /// CPU time of the longer of a micro-benchmark's two runs.
    run: Duration,
    whole: usize,
    /// Whether programs are timed without being asked for.
    programs: bool,
}

/// What is timed.
enum Work {
    Micro(&'static micro::Test),
    Whole(&'static Case),
    Program(&'static Program),
}

/// Names of several.
const GROUPS: [&str; 3] = ["micro", "whole", "programs"];

/// Measures (or reads what was measured), prints a table, and writes `bench.json` in the target directory.
pub(crate) fn run(mut args: Args) -> Result<bool> {
    let only = args.options("--only")?;
    let rounds = args.option("--rounds")?;
    let engines = args.options("--engine")?;
    let (quick, nested, write_docs) =
        (args.flag("--quick"), args.flag("--nested"), args.flag("--write-docs"));
    let from = args.option("--from")?;
    args.finish()?;
    if only == [smp::NAME] {
        let rounds = rounds.as_deref().unwrap_or("3").parse().context("--rounds wants a number")?;
        let measured = smp::run(&subject::named(&engines)?, rounds)?;
        let file = place::target().join("bench-smp2.json");
        fs::write(&file, serde_json::to_string_pretty(&measured)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
        return Ok(true);
    }
    let measured = match from {
        Some(file) => {
            serde_json::from_str(&fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?)
                .with_context(|| format!("{file} is not what `cargo xtask bench` writes"))?
        }
        None => {
            let mut effort = if quick {
                Effort { rounds: 1, run: Duration::from_millis(200), whole: 1, programs: false }
            } else {
                Effort { rounds: 3, run: Duration::from_millis(400), whole: WHOLE.len(), programs: true }
            };
            if let Some(text) = rounds {
                effort.rounds = text.parse().with_context(|| format!("--rounds {text:?} is not a number"))?;
            }
            let mut works = chosen(&only, &effort)?;
            if nested && !works.iter().any(|work| work.name() == NESTED) {
                works.push(Work::Whole(e2e::find(NESTED)?));
            }
            let measured = measured(&works, &subject::named(&engines)?, &effort)?;
            let file = place::target().join("bench.json");
            fs::write(&file, serde_json::to_string_pretty(&measured)?)
                .with_context(|| format!("cannot write {}", file.display()))?;
            measured
        }
    };
    print!("{}", report::table(&measured));
    if write_docs {
        let page = place::root().join("docs/performance.md");
        fs::write(&page, report::page(&measured))
            .with_context(|| format!("cannot write {}", page.display()))?;
    }
    Ok(report::is_complete(&measured))
}

/// The work of some names or groups; without names, all that the effort allows.
fn chosen(only: &[String], effort: &Effort) -> Result<Vec<Work>> {
    if only.is_empty() {
        let programs = if effort.programs { group("programs", effort)? } else { Vec::new() };
        return Ok(group("micro", effort)?
            .into_iter()
            .chain(group("whole", effort)?)
            .chain(programs)
            .collect());
    }
    let mut works = Vec::new();
    for name in only {
        if GROUPS.contains(&name.as_str()) {
            works.extend(group(name, effort)?);
        } else if let Some(test) = micro::TESTS.iter().find(|t| t.name == name) {
            works.push(Work::Micro(test));
        } else if let Some(program) = PROGRAMS.iter().find(|p| p.name == name) {
            works.push(Work::Program(program));
        } else if WHOLE.contains(&name.as_str()) || name == NESTED {
            works.push(Work::Whole(e2e::find(name)?));
        } else {
            let names = micro::TESTS.iter().map(|t| t.name).chain(WHOLE).chain([NESTED]);
            let known: Vec<&str> = names.chain(PROGRAMS.iter().map(|p| p.name)).chain(GROUPS).collect();
            bail!("no benchmark {name:?}; there are: {}", known.join(", "))
        }
    }
    Ok(works)
}

fn group(name: &str, effort: &Effort) -> Result<Vec<Work>> {
    match name {
        "micro" => Ok(micro::TESTS.iter().map(Work::Micro).collect()),
        "programs" => Ok(PROGRAMS.iter().map(Work::Program).collect()),
        _ => WHOLE[..effort.whole].iter().map(|name| e2e::find(name).map(Work::Whole)).collect(),
    }
}

fn measured(works: &[Work], subjects: &[Subject], effort: &Effort) -> Result<Value> {
    subjects.iter().try_for_each(|s| s.build())?;
    cross::build()?;
    let mut facts = facts::gather(effort.rounds)?;
    let mut rows = Vec::new();
    for (at, work) in works.iter().enumerate() {
        say::say(format!("bench {} of {}: {}", at + 1, works.len(), work.name()));
        let prepared: Vec<Result<Prepared>> = subjects.iter().map(|s| work.prepared(s, effort)).collect();
        let mut samples: Vec<Result<Vec<Cost>>> = subjects.iter().map(|_| Ok(Vec::new())).collect();
        for _ in 0..effort.rounds.max(1) {
            for ((subject, prepared), samples) in subjects.iter().zip(&prepared).zip(&mut samples) {
                let cost = match prepared {
                    Ok(Prepared::Micro(test, counts)) => micro::slope(test, subject, counts),
                    Ok(Prepared::Whole(case)) => whole::once(case, subject),
                    Ok(Prepared::Program(program)) => programs::once(program, subject),
                    Err(why) => Err(anyhow!("{why:#}")),
                };
                match (samples.as_mut(), cost) {
                    (Ok(all), Ok(cost)) => all.push(cost),
                    (Ok(_), Err(why)) => *samples = Err(why),
                    (Err(_), _) => {}
                }
            }
        }
        let medians: Vec<String> =
            subjects.iter().zip(&samples).map(|(s, all)| glance(s, work, all)).collect();
        say::say(format!("bench {} of {}: {}: {}", at + 1, works.len(), work.name(), medians.join(", ")));
        let results: Map<String, Value> = subjects
            .iter()
            .zip(samples)
            .map(|(s, samples)| (s.name().to_owned(), outcome(work, s, samples)))
            .collect();
        rows.push(
            json!({ "name": work.name(), "what": work.what(), "unit": work.unit(), "results": results }),
        );
    }
    facts.insert("load_at_end".into(), facts::load());
    facts.insert("subjects".into(), subjects.iter().map(|s| s.name()).collect());
    facts.insert("rows".into(), Value::Array(rows));
    Ok(Value::Object(facts))
}

/// A subject's CPU time of the work just done: the middle sample, or the higher of the two.
fn glance(subject: &Subject, work: &Work, samples: &Result<Vec<Cost>>) -> String {
    let mut all: Vec<f64> = samples.iter().flatten().map(|c| c.cpu).collect();
    all.sort_by(f64::total_cmp);
    match all.get(all.len() / 2) {
        Some(middle) => format!("{} {middle:.3} {}", subject.name(), work.unit()),
        None => format!("{} failed", subject.name()),
    }
}

fn outcome(work: &Work, subject: &Subject, samples: Result<Vec<Cost>>) -> Value {
    match samples {
        Ok(all) => json!({
            "cpu": all.iter().map(|c| c.cpu).collect::<Vec<_>>(),
            "wall": all.iter().map(|c| c.wall).collect::<Vec<_>>(),
        }),
        Err(why) => {
            say::say(format!("{} on {}: {why:#}", work.name(), subject.name()));
            json!({ "error": format!("{why:#}") })
        }
    }
}

/// Work with what a subject needs to know before the first round.
enum Prepared {
    Micro(&'static micro::Test, micro::Counts),
    Whole(&'static Case),
    Program(&'static Program),
}

impl Work {
    fn prepared(&self, subject: &Subject, effort: &Effort) -> Result<Prepared> {
        match self {
            Work::Micro(test) => Ok(Prepared::Micro(test, micro::calibrated(test, subject, effort.run)?)),
            Work::Whole(case) => Ok(Prepared::Whole(case)),
            Work::Program(program) => Ok(Prepared::Program(program)),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Work::Micro(test) => test.name,
            Work::Whole(case) => case.name,
            Work::Program(program) => program.name,
        }
    }

    fn what(&self) -> &'static str {
        match self {
            Work::Micro(test) => test.what,
            Work::Whole(case) => case.what,
            Work::Program(program) => program.what,
        }
    }

    fn unit(&self) -> &'static str {
        match self {
            Work::Micro(_) => "ns",
            Work::Whole(_) | Work::Program(_) => "s",
        }
    }
}
