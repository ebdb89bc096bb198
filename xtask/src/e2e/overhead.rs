//! How many instructions more a host takes to its marker with the hypervisor, in deterministic mode.
//!
//! Two boots of one kernel differ by a few per cent with the random numbers that it gets, so a comparison of two runs says
//! little. What is exact is the hypervisor's own count of ticks, one for each instruction; what is fair are several seeds.

use super::cases::{Case, Kernel};
use super::engine::{Engine, Spec};
use super::run::{self, FROM_STDERR, Outcome, Seen};
use crate::{guests, say};
use anyhow::{Context, Result};
use regex_lite::Regex;

/// The most that is allowed, in thousandths.
const LIMIT: u64 = 15;
const SEEDS: u32 = 5;
const MARKER: &str = "^DROSTE-UP";

/// Holds the time at EL2 of a run against all that was executed.
pub(super) fn share(seen: &Seen) -> Result<Outcome> {
    let text = Regex::new("^droste: EL2 ran ([0-9]+) ticks")?;
    let ticks = seen.lines.iter().find_map(|line| text.captures(line)?.get(1)?.as_str().parse().ok());
    let ticks: u64 = ticks.context("the hypervisor does not say how long it ran")?;
    let all = instructions(seen)?;
    say::say(format!("EL2 ran {ticks} of {all} instructions, {}", percent(ticks, all)));
    Ok(if ticks * 1000 <= all * LIMIT {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("EL2 took {} of all instructions", percent(ticks, all)))
    })
}

/// Boots several times with the hypervisor and at EL1 without it, and compares the sums.
pub(super) fn totals(case: &Case, with: &Spec, engine: Engine) -> Result<Outcome> {
    let Kernel::UnderDroste(kernel) = case.kernel else {
        return Ok(Outcome::Failed("this case has no host".to_owned()));
    };
    let plain = Case { kernel: Kernel::Debian(kernel), el: 1, ..*case };
    let initrd = case.initrd.map(guests::file).transpose()?;
    let without = Spec::new(&plain, guests::file(kernel)?, initrd);
    let (mut more, mut base) = (0, 0);
    for seed in 1..=SEEDS {
        for (spec, sum, suffix) in [(with, &mut more, "with"), (&without, &mut base, "without")] {
            let mut spec = spec.clone();
            spec.more.extend(["--exit-on", MARKER, "--seed"].map(str::to_owned));
            spec.more.push(seed.to_string());
            let seen = run::console(&spec, case, engine, &format!("-{suffix}-{seed}"))?;
            *sum += instructions(&seen)?;
        }
    }
    let text = format!("{more} instructions with it, {base} without, in {SEEDS} boots each");
    say::say(format!("the hypervisor: {text}"));
    Ok(if more * 1000 <= base * (1000 + LIMIT) { Outcome::Passed } else { Outcome::Failed(text) })
}

/// What `--summary` says.
fn instructions(seen: &Seen) -> Result<u64> {
    let number = |line: &String| {
        line.strip_prefix(FROM_STDERR).unwrap_or(line).strip_prefix("instructions: ")?.parse().ok()
    };
    seen.lines.iter().rev().find_map(number).context("no count of instructions")
}

fn percent(part: u64, all: u64) -> String {
    let hundredths = part * 10_000 / all.max(1);
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(ticks: u64) -> Outcome {
        let lines =
            [format!("droste: EL2 ran {ticks} ticks of 9"), format!("{FROM_STDERR}instructions: 100000")];
        share(&Seen::of(lines.to_vec())).unwrap()
    }

    #[test]
    fn share_above_the_limit_fails() {
        assert!(matches!(outcome(1500), Outcome::Passed));
        let Outcome::Failed(why) = outcome(1501) else { panic!("1.501 % pass") };
        assert!(why.contains("1.50 %"), "{why}");
    }

    #[test]
    fn run_without_counts_is_an_error() {
        assert!(share(&Seen::of(vec!["instructions: 7".to_owned()])).is_err());
        assert!(share(&Seen::of(vec!["droste: EL2 ran 7 ticks of 9".to_owned()])).is_err());
    }
}
