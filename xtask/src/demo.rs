//! `cargo xtask demo`: the main job, on the screen.

use crate::args::Args;
use crate::e2e::{self, Engine};
use crate::{cross, process, say};
use anyhow::{Result, bail};
use std::time::Instant;

/// Builds everything and runs the demonstration with its console on ours.
pub(crate) fn run(mut args: Args) -> Result<bool> {
    let debian = args.flag("--debian");
    let engine = Engine::named(args.option("--on")?.as_deref())?;
    args.finish()?;
    let case = e2e::find(if debian { "kvm" } else { "demo-hyp" })?;
    engine.build()?;
    if !debian {
        cross::build()?;
    }
    let spec = e2e::spec(case)?;
    let mut command = engine.command(&spec)?;
    say::say(format!("{}: {}", engine.name(), case.what));
    if debian {
        say::say("lines that start with DROSTE- are of the init at each level; this takes some minutes");
    }
    println!("$ {}", process::line(&command));
    let began = Instant::now();
    let status = command.stdin(std::process::Stdio::null()).status()?;
    if !status.success() {
        bail!("{} ended with {status}", engine.name());
    }
    say::say(format!("done in {:.1} s", began.elapsed().as_secs_f32()));
    Ok(true)
}
