//! Kernel modules for an initramfs: the wanted ones and what they depend on, in the order in which they load.

use crate::process;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Unpacks modules of a package tree into a folder; returns their files in load order. A name that is no module is
/// taken to be built into the kernel.
pub(crate) fn in_load_order(tree: &Path, wanted: &[&str], into: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(into).with_context(|| format!("cannot make {}", into.display()))?;
    let mut known = BTreeMap::new();
    index(&tree.join("usr/lib/modules"), &mut known)?;
    let mut ordered = Vec::new();
    for name in wanted {
        visit(&normal(name), &known, into, &mut ordered)?;
    }
    Ok(ordered)
}

fn visit(
    name: &str,
    known: &BTreeMap<String, PathBuf>,
    into: &Path,
    ordered: &mut Vec<PathBuf>,
) -> Result<()> {
    let unpacked = into.join(format!("{name}.ko"));
    let Some(packed) = known.get(name) else { return Ok(()) };
    if ordered.contains(&unpacked) {
        return Ok(());
    }
    let mut file = fs::File::create(&unpacked)?;
    match packed.extension().and_then(|e| e.to_str()) {
        Some(tool @ ("xz" | "zst" | "gz")) => {
            let tool = match tool {
                "zst" => "zstd",
                "gz" => "gzip",
                other => other,
            };
            process::run(Command::new(tool).args(["-d", "-c"]).arg(packed).stdout(file))?;
        }
        _ => {
            std::io::copy(&mut fs::File::open(packed)?, &mut file)?;
        }
    }
    for needed in depends(&fs::read(&unpacked)?) {
        visit(&normal(&needed), known, into, ordered)?;
    }
    ordered.push(unpacked);
    Ok(())
}

/// Names and files of every module under a folder.
fn index(dir: &Path, known: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?.flatten() {
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = entry.file_name().to_string_lossy().into_owned();
        if kind.is_dir() {
            index(&path, known)?;
        } else if let Some((name, _)) = name.split_once(".ko") {
            known.insert(normal(name), path);
        }
    }
    Ok(())
}

/// Modules spell `-` as `_` or not.
fn normal(name: &str) -> String {
    name.replace('-', "_")
}

/// The `depends=` entry of a module's `.modinfo` section: entries end with a zero byte.
fn depends(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|w| w == KEY) else { return Vec::new() };
    let value = module[at + KEY.len()..].split(|b| *b == 0).next().unwrap_or_default();
    let text = String::from_utf8_lossy(value);
    text.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::depends;

    #[test]
    fn depends_are_read_from_modinfo() {
        assert_eq!(depends(b"x\0license=GPL\0depends=jbd2,mbcache\0name=ext4\0"), ["jbd2", "mbcache"]);
        assert!(depends(b"x\0depends=\0").is_empty());
        assert!(depends(b"nothing").is_empty());
    }
}
