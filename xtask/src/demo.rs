//! `cargo xtask demo`: the main job, on the screen.

use crate::args::Args;
use crate::e2e::{self, Case, Engine, Spec};
use crate::{cross, guests, process, say};
use anyhow::{Result, bail};
use std::time::Instant;

/// Builds everything and runs the demonstrations, one after the other.
pub(crate) fn run(mut args: Args) -> Result<bool> {
    let debian = args.flag("--debian");
    let engine = Engine::named(args.option("--on")?.as_deref())?;
    args.finish()?;
    engine.build()?;
    if !debian {
        cross::build()?;
    }
    for name in if debian { &["kvm"][..] } else { &["demo-hyp", "hyp-demo"] } {
        let case = e2e::find(name)?;
        match e2e::spec(case, engine) {
            Ok(spec) => show(case, &spec, engine)?,
            Err(why) if why.is::<guests::Unavailable>() => {
                say::say(format!("{}: SKIPPED: {why:#}", case.what))
            }
            Err(why) => return Err(why),
        }
    }
    Ok(true)
}

/// Runs one machine with its console on ours.
fn show(case: &Case, spec: &Spec, engine: Engine) -> Result<()> {
    let mut command = engine.command(spec)?;
    say::say(format!("{}: {}", engine.name(), case.what));
    if spec.initrd.is_some() {
        say::say("lines that start with DROSTE- are of the init at each level; this takes some minutes");
    }
    println!("$ {}", process::line(&command));
    let began = Instant::now();
    let status = command.stdin(std::process::Stdio::null()).status()?;
    if !status.success() {
        bail!("{} ended with {status}", engine.name());
    }
    say::say(format!("done in {:.1} s", began.elapsed().as_secs_f32()));
    Ok(())
}
