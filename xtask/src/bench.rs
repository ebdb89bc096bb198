//! `cargo xtask bench`: the same guests on Droste's machine and on QEMU, as wall-clock ratios.

use crate::args::Args;
use crate::e2e::{self, Case, Engine};
use crate::{cross, place, say};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::fs;
use std::time::Duration;

/// What is measured when nothing is named.
const DEFAULT: [&str; 4] = ["cpu", "demo-hyp", "boot", "boot-6.12"];

/// Measures, prints a table, and writes `bench.json` in the target directory.
pub(crate) fn run(mut args: Args) -> Result<bool> {
    let mut names = args.options("--case")?;
    let to_stdout = args.flag("--json");
    let runs: u32 = match args.option("--runs")? {
        Some(text) => text.parse().with_context(|| format!("--runs {text:?} is not a number"))?,
        None => 1,
    };
    args.finish()?;
    if names.is_empty() {
        names = DEFAULT.map(str::to_owned).to_vec();
    }
    let engines = [Engine::Droste, Engine::Qemu];
    engines.iter().try_for_each(|e| e.build())?;
    cross::build()?;
    let mut rows = Vec::new();
    for name in &names {
        let case = e2e::find(name)?;
        let [droste, qemu] = engines.map(|engine| best(case, engine, runs));
        for failed in [&droste, &qemu].into_iter().filter_map(|r| r.as_ref().err()) {
            say::say(format!("{name}: {failed:#}"));
        }
        let (droste, qemu) = (droste.ok(), qemu.ok());
        rows.push((name.clone(), droste, qemu, droste.zip(qemu).map(|(d, q)| q / d)));
    }
    let number = |n: Option<f32>| n.map_or("-".to_owned(), |n| format!("{n:.2}"));
    if !to_stdout {
        println!("{:<16} {:>10} {:>10} {:>12}", "case", "droste, s", "qemu, s", "qemu/droste");
        for (name, droste, qemu, ratio) in &rows {
            println!("{name:<16} {:>10} {:>10} {:>12}", number(*droste), number(*qemu), number(*ratio));
        }
    }
    let row = |(name, droste, qemu, ratio): &(String, Option<f32>, Option<f32>, Option<f32>)| json!({ "case": name, "droste_s": droste, "qemu_s": qemu, "qemu_by_droste": ratio });
    let text = serde_json::to_string_pretty(
        &json!({ "runs": runs, "cases": rows.iter().map(row).collect::<Vec<_>>() }),
    )?;
    let file = place::target().join("bench.json");
    fs::write(&file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    if to_stdout {
        println!("{text}");
    }
    Ok(rows.iter().all(|r| r.3.is_some()))
}

/// The shortest wall-clock time of some runs.
fn best(case: &Case, engine: Engine, runs: u32) -> Result<f32> {
    let spec = e2e::spec(case)?;
    let mut times = Vec::new();
    for run in 1..=runs.max(1) {
        say::say(format!("bench: {} on {}, run {run} of {}", case.name, engine.name(), runs.max(1)));
        let mut command = engine.command(&spec)?;
        let (status, seconds) = e2e::follow(&mut command, Duration::from_secs(case.timeout_s), |_, _| {})?;
        match status {
            Some(status) if status.success() => times.push(seconds),
            Some(status) => bail!("{} ended with {status}", engine.name()),
            None => bail!("{} was not done after {} s", engine.name(), case.timeout_s),
        }
    }
    times.into_iter().reduce(f32::min).context("no run")
}
