//! From options to a machine.

use super::virtio;
use crate::config::MachineFile;
use crate::error::CliError;
use droste_arch::feature::Feature;
use droste_machine::clock::ClockMode;
use droste_machine::cpu::model::{Model, ModelError};
use droste_machine::devices::Console;
use droste_machine::engine::Engine;
use droste_machine::loader::{Content, Kernel, LoadError};
use droste_machine::machine::{Boot, BuildError, Machine, MachineConfig, Outcome, fingerprint};
use std::fs::{self, File};
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

/// The most CPUs that a machine may have.
const CPU_LIMIT: u32 = 8;
/// The sizes of RAM that a machine may have; QEMU's `virt` has the same limit.
const RAM_BYTES: RangeInclusive<u64> = 1 << 20..=255 << 30;
/// Guest time of an instruction in deterministic mode, in picoseconds: one instruction is one nanosecond.
const COUNTED_PS: u32 = 1000;

/// Reads what the machine file names and describes the machine.
pub(super) fn describe(
    file: &MachineFile,
    console: Arc<dyn Console>,
) -> Result<(MachineConfig, Boot), CliError> {
    let cpu_count = file.cpus.unwrap_or(1);
    if !(1..=CPU_LIMIT).contains(&cpu_count) {
        return Err(CliError::usage(format!("a machine has 1 to {CPU_LIMIT} CPUs, not {cpu_count}"))
            .hint("set the number with --cpus"));
    }
    let ram_bytes = file.memory_bytes()?;
    if !RAM_BYTES.contains(&ram_bytes) || !ram_bytes.is_multiple_of(4096) {
        return Err(CliError::usage(format!(
            "RAM is 1M to 255G and a multiple of 4K, not {ram_bytes} bytes"
        ))
        .hint("set the size with --memory, such as --memory 1G"));
    }
    let el = file.el.unwrap_or(2);
    if !(1..=2).contains(&el) {
        return Err(CliError::usage(format!("the highest Exception level is 1 or 2, not {el}"))
            .hint("--el 2 is the default, --el 1 leaves EL2 out"));
    }
    let name = file.cpu.as_deref().unwrap_or("max");
    let mut model = Model::parse(name).map_err(|e| wrong_cpu(name, &e))?;
    if el == 1 {
        model = model.without_el2();
    }
    let list_register_count = usize::from(file.list_registers.unwrap_or(4));
    if !(1..=16).contains(&list_register_count) {
        return Err(CliError::usage(format!("a GIC has 1 to 16 list registers, not {list_register_count}"))
            .hint("--list-registers 4 is the default"));
    }
    let boot = boot(file)?;
    let clock = if file.deterministic.unwrap_or(false) {
        ClockMode::Counted { ps_per_instruction: COUNTED_PS }
    } else {
        ClockMode::Real
    };
    let engine = match file.engine.as_deref() {
        None => Engine::best(),
        Some(name) => Engine::named(name).ok_or_else(|| {
            CliError::usage(format!("there is no engine `{name}`")).hint("engines: interp, jit, check")
        })?,
    };
    let config = MachineConfig {
        model,
        cpu_count,
        ram_bytes,
        list_register_count,
        clock,
        engine,
        seed: file.seed.unwrap_or(0),
        time_of_day: super::rtc::time_of_day(file)?,
        virtio: virtio::devices(file)?,
        console,
        diagnostics: Box::new(|line| eprintln!("droste: {line}\r")),
        tracer: None,
    };
    Ok((config, boot))
}

/// Reads what the machine boots. Done again when the guest restarts the machine.
pub(super) fn boot(file: &MachineFile) -> Result<Boot, CliError> {
    let Some(kernel) = &file.kernel else {
        return Err(CliError::usage("there is nothing to boot").hint("name a kernel with --kernel"));
    };
    let ram_bytes = file.memory_bytes()?;
    Ok(Boot {
        kernel: Kernel::parse(open("kernel", kernel)?, ram_bytes).map_err(|e| wrong_kernel(kernel, &e))?,
        initrd: file.initrd.as_deref().map(|path| open("initrd", path)).transpose()?,
        command_line: file.append.clone().unwrap_or_default(),
        device_tree: file.dtb.as_deref().map(|path| read("device tree", path)).transpose()?,
    })
}

const DTB_HINT: &str = "leave out --dtb for the machine's own, or start from what --dump-dtb writes";
const MEMORY_HINT: &str = "give the guest more memory with --memory";
const KERNEL_HINT: &str = "an arm64 Image, Image.gz, EFI zboot kernel or AArch64 ELF file is wanted";

fn open(what: &str, path: &Path) -> Result<Content, CliError> {
    File::open(path).and_then(Content::of_file).map_err(|e| unreadable(what, path, &e))
}

fn read(what: &str, path: &Path) -> Result<Vec<u8>, CliError> {
    fs::read(path).map_err(|e| unreadable(what, path, &e))
}

fn unreadable(what: &str, path: &Path, error: &io::Error) -> CliError {
    CliError::usage(format!("cannot read the {what} {}: {error}", path.display()))
        .hint(format!("the {what} is a file that you may read"))
}

fn wrong_kernel(path: &Path, error: &LoadError) -> CliError {
    let said = CliError::usage(format!("cannot boot {}: {error}", path.display()));
    said.hint(match error {
        LoadError::UnpackedTooLarge { .. } => MEMORY_HINT,
        LoadError::Truncated { .. } | LoadError::Unpack { .. } | LoadError::Elf(_) => {
            "the file is damaged or incomplete: copy or build it again"
        }
        _ => KERNEL_HINT,
    })
}

pub(crate) fn wrong_cpu(name: &str, error: &ModelError) -> CliError {
    let said = CliError::config(format!("the CPU {name} cannot be: {error}"));
    match error {
        ModelError::UnknownModel(_) => {
            said.hint("a CPU is MODEL[,+FEATURE][,-FEATURE][,IDREG.FIELD=VALUE]..., such as max,-lse2")
        }
        ModelError::NoSign(word) => {
            said.hint(format!("write +{word} to add the feature, -{word} to remove it"))
        }
        ModelError::UnknownField(_) | ModelError::FieldValue(..) => {
            said.hint("a field is set like ID_AA64MMFR0_EL1.PARange=2; `droste cpu show` lists ID registers")
        }
        ModelError::UnknownFeature(word) => said.hint(match nearest_feature(word) {
            Some(known) => format!("did you mean {known}?"),
            None => "features have the names of the architecture, with or without FEAT_".into(),
        }),
        ModelError::NotImplemented(feature) => said.hint(format!("leave out +{feature}")),
        ModelError::NotChangeable(feature) => {
            said.hint(format!("change the features that {feature} comes with, or choose another model"))
        }
        ModelError::Impossible(_) => {
            said.hint("change both features, in one list, or choose a model that has what you need")
        }
    }
}

/// The name of the feature that is most like `word`, if one is.
fn nearest_feature(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    let plain = word.strip_prefix("feat_").unwrap_or(&word);
    Feature::all()
        .map(Feature::name)
        .map(|name| {
            let known = name.strip_prefix("FEAT_").unwrap_or(name).to_ascii_lowercase();
            (strsim::damerau_levenshtein(plain, &known), name)
        })
        .filter(|&(distance, _)| distance <= plain.len().div_ceil(3))
        .min()
        .map(|(_, name)| name)
}

/// An error of assembling the machine, for the user.
pub(super) fn explain(error: BuildError) -> CliError {
    match error {
        BuildError::Engine => CliError::usage(error).hint("use --engine interp"),
        BuildError::Ram(_) => CliError::software(error).hint("ask for less with --memory"),
        BuildError::Load(LoadError::DtbTooLarge { .. }) => CliError::usage(error).hint(DTB_HINT),
        BuildError::Load(_) => CliError::usage(error).hint(MEMORY_HINT),
        BuildError::DeviceTree(_) => CliError::usage(error).hint(DTB_HINT),
    }
}

/// The instructions that all CPUs have executed in one life of the machine.
pub(super) fn instructions(outcome: &Outcome) -> u64 {
    outcome.cpus.iter().map(|cpu| cpu.insn_count).sum()
}

/// Prints what `--summary` promises.
pub(super) fn summarize(machine: &Machine, outcome: &Outcome, instructions: u64) {
    eprintln!("instructions: {instructions}");
    eprintln!("state: {:016x}", fingerprint(machine, outcome));
}
