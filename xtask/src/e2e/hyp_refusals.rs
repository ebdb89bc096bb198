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
        tree: Some(|dtb| module_at(dtb, 0x4040_0000)),
        says: "^droste: cannot boot: the host's kernel at 0x40400000..0x40401000 overlaps the hypervisor at",
    },
    Refusal {
        name: "a kernel module that is no kernel",
        host: None,
        args: &[],
        tree: Some(|dtb| module_at(dtb, 0x4800_0000)),
        says: "^droste: cannot boot: the kernel module at 0x48000000 is no arm64 Image",
    },
    Refusal {
        name: "a device tree without RAM",
        host: Some(""),
        args: &[],
        tree: Some(|dtb| Ok(replaced(dtb, b"memory\0", b"nothing"))),
        says: "^droste: cannot boot: a device tree without RAM",
    },
    Refusal {
        name: "a device tree without CPUs",
        host: Some(""),
        args: &[],
        tree: Some(|dtb| Ok(replaced(dtb, b"cpu\0", b"xxx\0"))),
        says: "^droste: cannot boot: a device tree without CPUs",
    },
    Refusal {
        name: "a device tree whose nodes are damaged",
        host: Some(""),
        args: &[],
        // FDT_BEGIN_NODE of /cpus becomes no token at all.
        tree: Some(|dtb| Ok(replaced(dtb, b"\0\0\0\x01cpus\0", b"\0\0\0\x77cpus\0"))),
        says: "^droste: cannot boot: a device tree whose nodes are damaged",
    },
    Refusal {
        name: "a device tree that ends early",
        host: Some(""),
        args: &[],
        // The size of the structure block in the header.
        tree: Some(|dtb| Ok([&dtb[..36], &[0x7f, 0xff, 0xff, 0], &dtb[40..]].concat())),
        says: "^droste: cannot boot: a device tree with a block beyond its end",
    },
    Refusal {
        name: "too little memory",
        host: Some(""),
        args: &[],
        // 256 MiB at 1 GiB become 7 MiB.
        tree: Some(|dtb| {
            Ok(replaced(
                dtb,
                &[0x40, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0],
                &[0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0x70, 0, 0],
            ))
        }),
        says: "^droste: cannot boot: too little memory: the host's ",
    },
    Refusal {
        name: "a host in memory that is reserved",
        host: Some(""),
        args: &[],
        // What is neither kernel nor initrd is reserved; the packed kernel is at 0x40600000.
        tree: Some(|dtb| {
            let other = Module { kind: "multiboot,microcode", range: page(0x4060_0000), bootargs: None };
            modules::with_modules(dtb, &[other])
        }),
        says: "^droste: cannot boot: the host's kernel at 0x40600000.* overlaps the reserved memory at 0x40600000",
    },
    Refusal {
        name: "a CPU without the 4 KiB granule",
        host: Some(""),
        args: &["--cpu", "max,-tgran4k,-s2tgran4k"],
        tree: None,
        says: "^droste: cannot boot: this CPU has no 4 KiB granule$",
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

fn page(start: u64) -> PaRange {
    PaRange { start, end: start + 0x1000 }
}

fn module_at(dtb: &[u8], start: u64) -> Result<Vec<u8>> {
    let range = page(start);
    modules::with_modules(dtb, &[Module { kind: "multiboot,kernel", range, bootargs: None }])
}

/// An Image that enters another with a device tree of its own, whatever the loader thinks of that tree: first a header with
/// three instructions, at the next 2 MiB the other, behind its memory the tree.
fn with_tree(other: Vec<u8>, tree: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 2 << 20;
    const IMAGE_SIZE: std::ops::Range<usize> = 16..24;
    let memory = u64::from_le_bytes(other[IMAGE_SIZE].try_into().expect("eight bytes")) as usize;
    let tree_at = (BLOCK + memory).next_multiple_of(BLOCK);
    // ADRP Xd, page: the Image is at a multiple of 2 MiB.
    let adrp = |d: u32, at: usize| {
        let page = (at / 4096) as u32;
        0x9000_0000 | (page & 3) << 29 | (page >> 2) << 5 | d
    };
    let br_x1 = 0xd61f_0020_u32;
    let mut out = other[..64].to_vec();
    out[..4].copy_from_slice(&0x1400_0010_u32.to_le_bytes()); // B to behind the header
    out[IMAGE_SIZE].copy_from_slice(&((tree_at + BLOCK) as u64).to_le_bytes());
    out.extend([adrp(0, tree_at), adrp(1, BLOCK), br_x1].map(u32::to_le_bytes).concat());
    out.resize(BLOCK, 0);
    out.extend(other);
    out.resize(tree_at, 0);
    out.extend(tree);
    out
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
            let tree = change(&modules::machines_tree(&spec)?)?;
            fs::write(&kernel, with_tree(fs::read(&kernel)?, &tree))?;
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
