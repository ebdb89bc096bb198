//! `cargo xtask ...`: the one entry point for everything that is not plain host Rust.
//!
//! Each subcommand does its own set-up, says what it does, and may be run at any time and in any order.
//! Nothing here is part of the product; nothing in the product depends on it.

use std::process::ExitCode;

mod args;
mod bench;
mod check;
mod cross;
mod debian;
mod demo;
mod e2e;
mod r#gen;
mod guests;
mod hyp;
mod oracle;
mod place;
mod process;
mod say;
mod setup;
mod test;

use args::Args;

const USAGE: &str = "\
usage: cargo xtask COMMAND [OPTIONS]

  setup                 make the bare-metal target buildable on this machine
  check                 format, lints on both targets, generated code, docs, dependency policy
  test [OPTIONS]        host tests, then whole machines running guests
      --case NAME         only this end-to-end case (may be repeated), enabled or not
      --on droste|qemu    what runs the cases (default droste)
      --host              only the host tests
      --list              name the cases
  guests [FILE...]      fetch Debian's kernels, busybox and QEMU, and make the kernels and initramfs archives
  demo [--debian]       a hypervisor at EL2 with a guest at EL1; or Debian, KVM and a guest in it
      --on droste|qemu    what runs it (default droste)
  bench [OPTIONS]       CPU time of operations, boots and programs in a guest, on droste and on QEMU in turn
      --only NAME         only this one, or this group: micro, whole, programs (may be repeated);
                          or smp2: one CPU against two
      --engine interp|jit droste's engine (default jit; may be repeated)
      --rounds N          the median of N rounds (default 3)
      --quick             one round of short runs, without the KVM guest and programs
      --nested            also KVM in a guest of KVM (minutes on each subject)
      --write-docs        also writes docs/performance.md
      --from FILE         measures nothing; shows an earlier target/bench.json
  hyp pack              the hypervisor and its host in one file that boots
  hyp image             the hypervisor alone, for loaders that describe the host in the device tree
      --host-kernel FILE  the host's kernel, a raw arm64 Image
      --host-initrd FILE  its initrd
      --host-append TEXT  its command line (default: what the device tree has)
      -o FILE             the file to write
  gen [--check]         regenerate the code that comes from data/; --check only compares";

fn main() -> ExitCode {
    match dispatch(Args::from_env()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("xtask: {why:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one subcommand; `Ok(false)` is a failure that has already been explained.
fn dispatch(mut args: Args) -> anyhow::Result<bool> {
    match args.command().as_deref() {
        Some("setup") => {
            args.finish()?;
            println!("{}: {}", setup::TARGET, setup::ensure()?);
            Ok(true)
        }
        Some("check") => {
            args.finish()?;
            check::run()
        }
        Some("test") => test::run(args),
        Some("guests") => guests::run(&args.rest()?),
        Some("demo") => demo::run(args),
        Some("bench") => bench::run(args),
        Some("hyp") => hyp::run(args),
        Some("gen") => {
            let check = args.flag("--check");
            args.finish()?;
            r#gen::run(check).map(|()| true).map_err(anyhow::Error::msg)
        }
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            Ok(true)
        }
        Some(other) => anyhow::bail!("no command {other:?}\n{USAGE}"),
        None => anyhow::bail!("name a command\n{USAGE}"),
    }
}
