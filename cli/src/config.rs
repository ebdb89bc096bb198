//! The machine file, and its union with the command line.

use crate::args::RunArgs;
use crate::error::CliError;
use crate::size;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// A machine file. Every key is an option of `droste run` with the same meaning.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct MachineFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpus: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) el: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) list_registers: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kernel: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) initrd: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) append: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dtb: Option<PathBuf>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    pub(crate) disk: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    pub(crate) net: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deterministic: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) engine: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rtc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) no_reboot: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_on: Option<String>,
}

/// Every key, for suggestions.
const KEYS: [&str; 18] = [
    "cpu",
    "cpus",
    "memory",
    "el",
    "list-registers",
    "kernel",
    "initrd",
    "append",
    "dtb",
    "disk",
    "net",
    "deterministic",
    "engine",
    "rtc",
    "seed",
    "no-reboot",
    "timeout",
    "exit-on",
];

impl MachineFile {
    /// The file that `--config` names, if any, with the command line's options put over it.
    pub(crate) fn effective(args: &RunArgs) -> Result<MachineFile, CliError> {
        let mut file = match &args.config {
            Some(path) => MachineFile::read(path)?,
            None => MachineFile::default(),
        };
        fn over<T: Clone>(under: &mut Option<T>, option: &Option<T>) {
            if option.is_some() {
                under.clone_from(option);
            }
        }
        over(&mut file.cpu, &args.cpu);
        over(&mut file.cpus, &args.cpus);
        over(&mut file.memory, &args.memory.map(|m| m.to_string()));
        over(&mut file.el, &args.el);
        over(&mut file.list_registers, &args.list_registers);
        over(&mut file.kernel, &args.kernel);
        over(&mut file.initrd, &args.initrd);
        over(&mut file.append, &args.append);
        over(&mut file.dtb, &args.dtb);
        over(&mut file.engine, &args.engine);
        over(&mut file.rtc, &args.rtc);
        over(&mut file.seed, &args.seed);
        over(&mut file.timeout, &args.timeout);
        over(&mut file.exit_on, &args.exit_on);
        over(&mut file.no_reboot, &args.no_reboot.then_some(true));
        over(&mut file.deterministic, &args.deterministic.then_some(true));
        file.disk.extend(args.disk.iter().cloned());
        file.net.extend(args.net.iter().cloned());
        Ok(file)
    }

    fn read(path: &Path) -> Result<MachineFile, CliError> {
        let text = fs::read_to_string(path)
            .map_err(|e| CliError::usage(format!("cannot read the machine file {}: {e}", path.display())))?;
        let mut file = MachineFile::parse(&text).map_err(|e| CliError {
            message: format!("machine file {}: {}", path.display(), e.message),
            ..e
        })?;
        // Files that a machine file names are relative to it.
        let base = path.parent().unwrap_or(Path::new(""));
        for named in [&mut file.kernel, &mut file.initrd, &mut file.dtb].into_iter().flatten() {
            *named = base.join(&*named);
        }
        for disk in &mut file.disk {
            *disk = crate::run::virtio::disk_relative_to(base, disk);
        }
        Ok(file)
    }

    fn parse(text: &str) -> Result<MachineFile, CliError> {
        let wrong = |error: &toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count();
            CliError::config(format!("line {line}: {}", error.message()))
                .hint("`droste run --dump-config` shows the form and names of all keys in use")
        };
        let table: toml::Table = toml::from_str(text).map_err(|e| wrong(&e))?;
        if let Some(unknown) = table.keys().find(|k| !KEYS.contains(&k.as_str())) {
            let error = CliError::config(format!("unknown key `{unknown}`"));
            return Err(match nearest(unknown) {
                Some(known) => error.hint(format!("did you mean `{known}`?")),
                None => error.hint(format!("known keys are {}", KEYS.join(", "))),
            });
        }
        toml::from_str(text).map_err(|e| wrong(&e))
    }

    /// RAM in bytes.
    pub(crate) fn memory_bytes(&self) -> Result<u64, CliError> {
        let bytes = self.memory.as_deref().map_or(Ok(1 << 30), size::parse);
        bytes
            .map_err(|e| CliError::config(e).hint("a size is a number with K, M, G or T, such as 512M or 4G"))
    }
}

/// The known key that is most like `unknown`, if any is.
fn nearest(unknown: &str) -> Option<&'static str> {
    KEYS.into_iter()
        .map(|key| (strsim::damerau_levenshtein(unknown, key), key))
        .filter(|&(distance, key)| distance <= key.len().max(unknown.len()).div_ceil(2))
        .min()
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_key_names_the_nearest_known_one() {
        let error = MachineFile::parse("memroy = \"1G\"").unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("did you mean `memory`?"));
        assert_eq!(error.code, crate::error::CONFIG);
    }

    #[test]
    fn every_key_of_the_list_is_a_field() {
        let full = "cpu = 'max'\ncpus = 1\nmemory = '1G'\nel = 2\nlist-registers = 4\nkernel = 'k'\n\
                    initrd = 'i'\nappend = ''\ndtb = 'd'\ndisk = []\nnet = []\ndeterministic = true\n\
                    seed = 1\ntimeout = 1\nno-reboot = true\nexit-on = 'x'\nengine = 'interp'\nrtc = 'host'\n";
        assert_eq!(full.lines().count(), KEYS.len());
        assert!(MachineFile::parse(full).is_ok());
    }

    #[test]
    fn options_win_over_the_file() {
        let args = RunArgs { cpus: Some(4), ..RunArgs::default() };
        assert_eq!(MachineFile::effective(&args).unwrap().cpus, Some(4));
    }
}
