//! Which libraries a program of an unpacked package tree needs.

use super::cpio::Archive;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PT_LOAD: u64 = 1;
const PT_DYNAMIC: u64 = 2;
const PT_INTERP: u64 = 3;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;

/// What a dynamically linked file names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) libraries: Vec<String>,
    pub(crate) loader: Option<String>,
}

/// Adds a program with its loader and every library that it needs, directly or not.
pub(crate) fn add_program(archive: &mut Archive, root: &Path, program: &str) -> Result<()> {
    let triplet = root.join("usr/lib/aarch64-linux-gnu");
    let mut folders = vec![triplet.clone(), root.join("usr/lib")];
    let inner = fs::read_dir(&triplet).with_context(|| format!("cannot read {}", triplet.display()))?;
    folders.extend(inner.flatten().filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()));
    let (mut queue, mut seen) = (vec![PathBuf::from(program)], BTreeSet::new());
    while let Some(path) = queue.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let source = fs::canonicalize(root.join(&path)).with_context(|| format!("no {}", path.display()))?;
        archive.file(&path.to_string_lossy(), 0o755, &source);
        let needs = needs(&fs::read(&source)?).with_context(|| format!("{}", source.display()))?;
        if let Some(loader) = needs.loader {
            let name = loader.rsplit('/').next().unwrap_or_default();
            let real = fs::canonicalize(root.join(loader.trim_start_matches('/')))?;
            archive.file(&format!("lib/{name}"), 0o755, &real);
        }
        for name in needs.libraries {
            let Some(found) = folders.iter().map(|d| d.join(&name)).find(|p| p.exists()) else {
                bail!("{} needs {name}, which is not there", path.display());
            };
            queue.push(found.strip_prefix(root)?.to_path_buf());
        }
    }
    Ok(())
}

/// Reads the dynamic section of a 64-bit little-endian ELF file; a static program needs nothing.
pub(crate) fn needs(file: &[u8]) -> Result<Needs> {
    if !file.starts_with(b"\x7fELF\x02\x01") {
        bail!("not a 64-bit little-endian ELF file");
    }
    let (at, each, count) = (number(file, 32, 8)?, number(file, 54, 2)?, number(file, 56, 2)?);
    let mut segments = Vec::new();
    for n in 0..count {
        let header = at + n * each;
        let field = |offset| number(file, header + offset, 8);
        segments.push((number(file, header, 4)?, field(8)?, field(16)?, field(32)?));
    }
    let segment = |kind| segments.iter().find(|s| s.0 == kind);
    let mut needs = Needs::default();
    if let Some((_, offset, _, _)) = segment(PT_INTERP) {
        needs.loader = Some(text(file, *offset)?);
    }
    let Some((_, dynamic, _, size)) = segment(PT_DYNAMIC) else { return Ok(needs) };
    let mut entries = Vec::new();
    for offset in (*dynamic..dynamic + size).step_by(16) {
        entries.push((number(file, offset, 8)?, number(file, offset + 8, 8)?));
    }
    let strings = entries.iter().find(|e| e.0 == DT_STRTAB).context("no string table")?.1;
    let inside = |s: &&(u64, u64, u64, u64)| s.0 == PT_LOAD && (s.2..s.2 + s.3).contains(&strings);
    let load = segments.iter().find(inside).context("the string table is not in the file")?;
    let strings = strings - load.2 + load.1;
    for (_, name) in entries.iter().filter(|e| e.0 == DT_NEEDED) {
        needs.libraries.push(text(file, strings + name)?);
    }
    Ok(needs)
}

fn number(file: &[u8], at: u64, size: usize) -> Result<u64> {
    let bytes = usize::try_from(at).ok().and_then(|at| file.get(at..at.checked_add(size)?));
    Ok(bytes
        .context("the ELF file is cut short")?
        .iter()
        .rev()
        .fold(0, |value, b| value << 8 | u64::from(*b)))
}

fn text(file: &[u8], at: u64) -> Result<String> {
    let from = usize::try_from(at).ok().and_then(|at| file.get(at..)).context("the ELF file is cut short")?;
    let end = from.iter().position(|b| *b == 0).context("a name without an end")?;
    Ok(String::from_utf8_lossy(&from[..end]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::needs;

    #[test]
    fn this_test_program_needs_the_c_library_and_a_loader() {
        let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let needs = needs(&file).unwrap();
        assert!(needs.libraries.iter().any(|l| l.starts_with("libc.")), "{needs:?}");
        assert!(needs.loader.is_some_and(|l| l.contains("ld")));
    }

    #[test]
    fn truncated_file_is_refused() {
        let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(needs(&file[..80]).is_err());
        assert!(needs(b"MZ").is_err());
    }
}
