//! `cargo xtask bench`: the same guests on Droste's machine and on QEMU, as ratios of time.

use crate::args::Args;
use crate::e2e::{self, Case, Engine};
use crate::{cross, place, say};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// What is measured when nothing is named.
const DEFAULT: [&str; 4] = ["micro-bench", "demo-hyp", "boot", "boot-6.12"];

/// What one engine took: for the whole case in seconds, and for what the guest timed itself in nanoseconds.
struct Times {
    seconds: f64,
    inside: Vec<(String, f64)>,
}

/// One line of the table.
struct Row {
    name: String,
    unit: &'static str,
    droste: Option<f64>,
    qemu: Option<f64>,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        self.droste.zip(self.qemu).map(|(droste, qemu)| qemu / droste)
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "unit": self.unit, "droste": self.droste, "qemu": self.qemu, "ratio": self.ratio()
        })
    }
}

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
        let [droste, qemu] = engines.map(|engine| {
            let times = best(case, engine, runs);
            times.inspect_err(|why| say::say(format!("{name} on {}: {why:#}", engine.name()))).ok()
        });
        rows.extend(compared(name, droste.as_ref(), qemu.as_ref()));
    }
    let all: Vec<Value> = rows.iter().map(Row::json).collect();
    let arguments = std::env::var("DROSTE_RUN_ARGS").unwrap_or_default();
    let text = serde_json::to_string_pretty(&json!({ "runs": runs, "arguments": arguments, "rows": all }))?;
    let file = place::target().join("bench.json");
    fs::write(&file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    if to_stdout {
        println!("{text}");
    } else {
        print(&rows);
    }
    Ok(rows.iter().all(|row| row.ratio().is_some()))
}

fn print(rows: &[Row]) {
    let number = |n: Option<f64>| n.map_or("-".to_owned(), |n| format!("{n:.2}"));
    println!("{:<32} {:>4} {:>12} {:>12} {:>12}", "what", "unit", "droste", "qemu", "qemu/droste");
    for row in rows {
        let (droste, qemu, ratio) = (number(row.droste), number(row.qemu), number(row.ratio()));
        println!("{:<32} {:>4} {droste:>12} {qemu:>12} {ratio:>12}", row.name, row.unit);
    }
}

/// The rows of one case: what was timed inside, if anything was, else the whole.
fn compared(name: &str, droste: Option<&Times>, qemu: Option<&Times>) -> Vec<Row> {
    let inside = |times: Option<&Times>| times.map(|t| t.inside.clone()).unwrap_or_default();
    let (ours, theirs) = (inside(droste), inside(qemu).into_iter().collect::<BTreeMap<_, _>>());
    if ours.is_empty() {
        let whole = |times: Option<&Times>| times.map(|t| t.seconds);
        return vec![Row { name: name.to_owned(), unit: "s", droste: whole(droste), qemu: whole(qemu) }];
    }
    let row = |(what, time): (String, f64)| Row {
        name: format!("{name}: {what}"),
        unit: "ns",
        droste: Some(time),
        qemu: theirs.get(&what).copied(),
    };
    ours.into_iter().map(row).collect()
}

/// The shortest times of some runs.
fn best(case: &Case, engine: Engine, runs: u32) -> Result<Times> {
    let spec = e2e::spec(case)?;
    let mut best: Option<Times> = None;
    for run in 1..=runs.max(1) {
        say::say(format!("bench: {} on {}, run {run} of {}", case.name, engine.name(), runs.max(1)));
        let mut command = engine.command(&spec)?;
        let mut inside = Vec::new();
        let limit = Duration::from_secs(case.timeout_s);
        let (status, seconds) =
            e2e::follow(&mut command, limit, |_, line| inside.extend(line.and_then(timed)))?;
        match status {
            Some(status) if status.success() => {}
            Some(status) => bail!("{} ended with {status}", engine.name()),
            None => bail!("{} was not done after {} s", engine.name(), case.timeout_s),
        }
        let now = Times { seconds: f64::from(seconds), inside };
        best = Some(match best {
            Some(before) => shorter(before, now),
            None => now,
        });
    }
    best.context("no run")
}

fn shorter(a: Times, b: Times) -> Times {
    let other: BTreeMap<String, f64> = b.inside.into_iter().collect();
    let least = |(name, time): (String, f64)| {
        let time = other.get(&name).map_or(time, |t| t.min(time));
        (name, time)
    };
    Times { seconds: a.seconds.min(b.seconds), inside: a.inside.into_iter().map(least).collect() }
}

/// Reads `BENCH name nanoseconds`.
fn timed(line: &str) -> Option<(String, f64)> {
    let (name, time) = line.strip_prefix("BENCH ")?.split_once(' ')?;
    Some((name.to_owned(), time.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Times, compared, shorter, timed};

    #[test]
    fn lines_of_the_guest_are_read() {
        assert_eq!(timed("BENCH svc 12.5"), Some(("svc".to_owned(), 12.5)));
        assert_eq!(timed("micro-bench: done"), None);
        assert_eq!(timed("BENCH svc"), None);
    }

    #[test]
    fn shortest_times_are_kept_one_by_one() {
        let times = |a: f64, b: f64| Times { seconds: a + b, inside: vec![("a".into(), a), ("b".into(), b)] };
        let best = shorter(times(1.0, 9.0), times(2.0, 3.0));
        assert_eq!(best.inside, [("a".to_owned(), 1.0), ("b".to_owned(), 3.0)]);
    }

    #[test]
    fn ratio_above_one_means_that_droste_is_faster() {
        let times = |seconds| Times { seconds, inside: Vec::new() };
        let rows = compared("boot", Some(&times(2.0)), Some(&times(6.0)));
        assert_eq!(rows[0].ratio(), Some(3.0));
        assert_eq!(compared("boot", None, Some(&times(6.0)))[0].ratio(), None);
    }
}
