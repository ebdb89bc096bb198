//! Machines on which the hypervisor cannot boot a host: it has to say why on the console, and power off.

use super::cases;
use super::engine::{Spec, droste};
use super::modules::{self, Module};
use super::run::follow;
use crate::test::Tally;
use crate::{cross, hyp, place, say};
use anyhow::Result;
use droste_hyp_core::address::PaRange;
use regex_lite::Regex;
use std::fs;
use std::process::Command;
use std::time::Duration;

/// What becomes of the machine's device tree.
type Change = fn(&[u8]) -> Result<Vec<u8>>;

struct Refusal {
    name: &'static str,
    /// The command line of the packed host; nothing for the image alone.
    host: Option<&'static str>,
    args: &'static [&'static str],
    /// Nothing: the machine's own.
    tree: Option<Change>,
    says: &'static str,
}

const REFUSALS: &[Refusal] = &[
    Refusal {
        name: "no EL2",
        host: Some(""),
        args: &["--el", "1", "--timeout", "2"],
        tree: None,
        says: "^droste: cannot boot: the image was entered at EL1, it needs EL2",
    },
    Refusal { name: "no host", host: None, args: &[], tree: None, says: "^droste: cannot boot: no host: " },
    Refusal {
        name: "a misspelt mode",
        host: Some("droste.mode=protect"),
        args: &[],
        tree: None,
        says: "^droste: cannot boot: unknown value: droste.mode=protect$",
    },
    Refusal {
        name: "no PSCI under protection",
        host: Some("droste.mode=protected"),
        args: &[],
        tree: Some(|dtb| Ok(replaced(dtb, b"arm,psci", b"arm,xxxx"))),
        says: "^droste: cannot boot: no PSCI in the device tree",
    },
    Refusal {
        name: "PSCI by HVC",
        host: Some(""),
        args: &[],
        tree: Some(|dtb| Ok(replaced(dtb, b"smc\0", b"hvc\0"))),
        says: "^droste: cannot boot: PSCI is not by SMC",
    },
    Refusal {
        name: "a kernel module that is not in RAM",
        host: None,
        args: &[],
        tree: Some(|dtb| module_at(dtb, 0x2_0000_0000)),
        says: "^droste: cannot boot: too little memory: the host's kernel would be at 0x200000000",
    },
    Refusal {
        name: "a kernel module that is the hypervisor",
        host: None,
        args: &[],
        tree: Some(|dtb| module_at(dtb, 0x4020_0000)),
        says: "^droste: cannot boot: the host's kernel at 0x40200000..0x40201000 overlaps the hypervisor at",
    },
    Refusal {
        name: "a kernel module that is no kernel",
        host: None,
        args: &[],
        tree: Some(|dtb| module_at(dtb, 0x4400_0000)),
        says: "^droste: cannot boot: the kernel module at 0x44000000 is no arm64 Image",
    },
    Refusal {
        name: "a device tree without RAM",
        host: Some(""),
        args: &[],
        tree: Some(|dtb| Ok(replaced(dtb, b"device_type\0", b"device_tipe\0"))),
        says: "^droste: cannot boot: a device tree without RAM",
    },
];

fn replaced(dtb: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = dtb.to_vec();
    for at in 0..=out.len() - from.len() {
        if out[at..].starts_with(from) {
            out[at..at + to.len()].copy_from_slice(to);
        }
    }
    out
}

fn module_at(dtb: &[u8], start: u64) -> Result<Vec<u8>> {
    let range = PaRange { start, end: start + 0x1000 };
    modules::with_modules(dtb, &[Module { kind: "multiboot,kernel", range, bootargs: None }])
}

pub(crate) fn run() -> Result<Tally> {
    let mut tally = Tally::default();
    let dir = place::target().join("e2e/hyp-refusals");
    fs::create_dir_all(&dir)?;
    hyp::build()?;
    for (n, refusal) in REFUSALS.iter().enumerate() {
        let kernel = dir.join(format!("{n}.img"));
        match refusal.host {
            Some(append) => hyp::pack(&cross::program("hostile-host"), None, append, &kernel)?,
            None => hyp::alone(&kernel)?,
        }
        let mut command = Command::new(droste());
        command.args(["run", "--memory", "256M", "--cpus", "4", "--kernel"]).arg(&kernel).args(refusal.args);
        if let Some(change) = refusal.tree {
            let spec = Spec::new(cases::find("hyp-hostile")?, kernel.clone(), None);
            let dtb = kernel.with_extension("dtb");
            fs::write(&dtb, change(&modules::machines_tree(&spec)?)?)?;
            command.arg("--dtb").arg(dtb);
        }
        let says = Regex::new(refusal.says)?;
        let (mut said, mut lines) = (false, Vec::new());
        let (status, _) = follow(&mut command, Duration::from_secs(20), |_, line| {
            said |= line.is_some_and(|line| says.is_match(line));
            lines.extend(line.map(str::to_owned));
        })?;
        // At EL1 there is nobody whom the image could ask to power off.
        let ended = status.is_some_and(|s| s.success()) || refusal.args.contains(&"--timeout");
        if said && ended {
            tally.passed += 1;
        } else {
            tally.failed += 1;
            say::say(format!("the hypervisor's refusal of {}: FAILED: {status:?}, {lines:?}", refusal.name));
        }
    }
    say::say(format!(
        "the hypervisor: {} of {} bad boots refused as they have to be",
        tally.passed,
        REFUSALS.len()
    ));
    Ok(tally)
}
