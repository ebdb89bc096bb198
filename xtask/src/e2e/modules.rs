//! A host that the loader describes: kernel and initrd as boot modules in `/chosen`.
//!
//! QEMU has a loader that does this. For Droste's machine both are one file at the initrd's place, and the device tree is the
//! machine's own with the modules added.

use super::engine::{Engine, Spec, droste};
use crate::process;
use anyhow::{Context, Result, anyhow};
use droste_hyp_core::address::PaRange;
use droste_hyp_core::device_tree::{Blob, Platform, Token};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Where QEMU's loader puts them.
const QEMU_KERNEL: u64 = 0x5000_0000;
const QEMU_INITRD: u64 = 0x5800_0000;
const BLOCK: usize = 2 << 20;

/// A module to be added to a device tree.
pub(super) struct Module<'a> {
    pub(super) kind: &'a str,
    pub(super) range: PaRange,
    pub(super) bootargs: Option<&'a str>,
}

/// Adds a kernel and an initrd to what an engine boots.
pub(super) fn add(
    spec: &mut Spec,
    engine: Engine,
    kernel: &Path,
    initrd: &Path,
    bootargs: &str,
) -> Result<()> {
    if engine == Engine::Qemu {
        let device =
            |at: u64, what: &str, path: &Path| format!("guest-loader,addr={at:#x},{what}={}", path.display());
        let text = bootargs.replace(',', ",,");
        let kernel = format!("{},bootargs={text}", device(QEMU_KERNEL, "kernel", kernel));
        spec.more.extend(["-device".to_owned(), kernel]);
        spec.more.extend(["-device".to_owned(), device(QEMU_INITRD, "initrd", initrd)]);
        return Ok(());
    }
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let (mut both, initrd) = (read(kernel)?, read(initrd)?);
    let (kernel_bytes, header) = (both.len(), both.get(16..24).context("no kernel")?);
    let memory = usize::try_from(u64::from_le_bytes(header.try_into()?))?;
    both.resize(memory.max(kernel_bytes).next_multiple_of(BLOCK), 0);
    let initrd_at = both.len();
    both.extend(&initrd);
    let at = spec.kernel.with_extension("modules");
    fs::write(&at, &both)?;
    spec.initrd = Some(at);
    let dtb = machines_tree(spec)?;
    let start = platform(&dtb)?.initrd.context("the machine has no place for an initrd")?.start;
    let range = |offset: usize, bytes: usize| PaRange {
        start: start + offset as u64,
        end: start + (offset + bytes) as u64,
    };
    let modules = [
        Module { kind: "multiboot,kernel", range: range(0, kernel_bytes), bootargs: Some(bootargs) },
        Module { kind: "multiboot,ramdisk", range: range(initrd_at, initrd.len()), bootargs: None },
    ];
    let path = spec.kernel.with_extension("dtb");
    fs::write(&path, with_modules(&dtb, &modules)?)?;
    spec.more.extend(["--dtb".to_owned(), path.to_string_lossy().into_owned()]);
    Ok(())
}

/// Gives the machine a device tree that knows only PSCI 0.1, whose function numbers are properties of the node.
pub(super) fn with_old_psci(spec: &mut Spec, marker: &str) -> Result<()> {
    let mut dtb = machines_tree(spec)?;
    for newer in [b"arm,psci-1.0", b"arm,psci-0.2"] {
        let at = dtb.windows(newer.len()).position(|w| w == newer).context("the machine has another PSCI")?;
        dtb[at..at + 8].copy_from_slice(b"none,old");
    }
    let path = spec.kernel.with_extension("dtb");
    fs::write(&path, dtb)?;
    spec.more.extend(["--dtb".to_owned(), path.to_string_lossy().into_owned()]);
    spec.more.extend(["--exit-on".to_owned(), marker.to_owned()]);
    Ok(())
}

/// The device tree that Droste's machine makes for this.
pub(super) fn machines_tree(spec: &Spec) -> Result<Vec<u8>> {
    let path = spec.kernel.with_extension("machine.dtb");
    let mut command = Command::new(droste());
    command.args(["run", "--cpu", spec.cpu, "--cpus", &spec.cpus.to_string()]);
    command.arg("--memory").arg(format!("{}M", spec.memory_mb)).arg("--kernel").arg(&spec.kernel);
    if let Some(initrd) = &spec.initrd {
        command.arg("--initrd").arg(initrd);
    }
    process::run(command.arg("--dump-dtb").arg(&path))?;
    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn blob(dtb: &[u8]) -> Result<Blob<'_>> {
    Blob::new(dtb).map_err(|why| anyhow!("{why}"))
}

fn platform(dtb: &[u8]) -> Result<Platform<'_>> {
    Platform::read(&blob(dtb)?).map_err(|why| anyhow!("{why}"))
}

/// A copy of a tree with modules in `/chosen`, whose cells become two each.
pub(super) fn with_modules(dtb: &[u8], modules: &[Module<'_>]) -> Result<Vec<u8>> {
    let mut out = Writer::default();
    let (mut depth, mut is_chosen) = (0, false);
    for token in blob(dtb)?.tokens() {
        match token.map_err(|why| anyhow!("{why}"))? {
            Token::Begin(name) => {
                depth += 1;
                is_chosen = depth == 2 && name == b"chosen" || depth > 2 && is_chosen;
                out.begin(name);
                if is_chosen && depth == 2 {
                    out.property(b"#address-cells", &2_u32.to_be_bytes());
                    out.property(b"#size-cells", &2_u32.to_be_bytes());
                }
            }
            Token::Property { name, value, .. } => out.property(name, value),
            Token::End => {
                if is_chosen && depth == 2 {
                    modules.iter().for_each(|module| out.module(module));
                }
                out.word(2);
                depth -= 1;
                is_chosen &= depth >= 2;
            }
        }
    }
    out.finish()
}

#[derive(Default)]
struct Writer {
    structure: Vec<u8>,
    strings: Vec<u8>,
}

impl Writer {
    fn word(&mut self, value: u32) {
        self.structure.extend(value.to_be_bytes());
    }

    fn padded(&mut self, bytes: &[u8]) {
        self.structure.extend(bytes);
        self.structure.resize(self.structure.len().next_multiple_of(4), 0);
    }

    fn begin(&mut self, name: &[u8]) {
        self.word(1);
        self.padded(&[name, b"\0"].concat());
    }

    fn property(&mut self, name: &[u8], value: &[u8]) {
        self.word(3);
        self.word(value.len() as u32);
        self.word(self.strings.len() as u32);
        self.strings.extend(name);
        self.strings.push(0);
        self.padded(value);
    }

    fn module(&mut self, module: &Module<'_>) {
        self.begin(format!("module@{:x}", module.range.start).as_bytes());
        self.property(b"compatible", format!("{}\0multiboot,module\0", module.kind).as_bytes());
        let reg = [module.range.start.to_be_bytes(), module.range.bytes().to_be_bytes()].concat();
        self.property(b"reg", &reg);
        if let Some(text) = module.bootargs {
            self.property(b"bootargs", format!("{text}\0").as_bytes());
        }
        self.word(2);
    }

    fn finish(mut self) -> Result<Vec<u8>> {
        const STRUCTURE: usize = 56;
        self.word(9);
        let strings = STRUCTURE + self.structure.len();
        let total = strings + self.strings.len();
        let sizes = [total, STRUCTURE, strings, 40, 17, 16, 0, self.strings.len(), self.structure.len()];
        let mut out = 0xd00d_feed_u32.to_be_bytes().to_vec();
        for size in sizes {
            out.extend(u32::try_from(size)?.to_be_bytes());
        }
        out.resize(STRUCTURE, 0);
        out.extend(self.structure);
        out.extend(self.strings);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_in_the_copy_and_the_rest_is_kept() {
        let mut empty = Writer::default();
        empty.begin(b"");
        empty.property(b"#address-cells", &2_u32.to_be_bytes());
        empty.property(b"#size-cells", &2_u32.to_be_bytes());
        empty.begin(b"chosen");
        empty.property(b"bootargs", b"old\0");
        empty.word(2);
        empty.begin(b"memory@40000000");
        empty.property(b"device_type", b"memory\0");
        empty.property(b"reg", &[0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0]);
        empty.word(2);
        empty.begin(b"cpus");
        empty.property(b"#address-cells", &1_u32.to_be_bytes());
        empty.begin(b"cpu@0");
        empty.property(b"device_type", b"cpu\0");
        empty.property(b"reg", &[0; 4]);
        empty.word(2);
        empty.word(2);
        empty.word(2);
        let dtb = empty.finish().unwrap();
        let range = PaRange { start: 0x4800_0000, end: 0x4800_1000 };
        let module = Module { kind: "multiboot,kernel", range, bootargs: Some("quiet") };
        let copy = with_modules(&dtb, &[module]).unwrap();
        let found = platform(&copy).unwrap();
        assert_eq!(found.bootargs, Some(&b"old"[..]));
        let kernel = found.kernel_module.unwrap();
        assert_eq!((kernel.range, kernel.bootargs), (range, Some(&b"quiet"[..])));
    }
}
