//! The hypervisor's functions, from its ELF file into the table that it reads when it panics.

use super::number;
use anyhow::{Context, Result};
use droste_hyp_core::symbols::Symbols;

const SYMTAB: usize = 2;
const FUNCTION: usize = 2;
/// Longer names are cut: the end says more than the crates at the start.
const NAME_BYTES: usize = 80;

/// Writes the table of an ELF file; returns its size.
pub(super) fn write(elf: &[u8], out: &mut [u8]) -> Result<usize> {
    let functions = functions(elf)?;
    let rows = functions.iter().map(|(offset, name)| (*offset, name.as_str()));
    Symbols::write(rows, out).with_context(|| format!("no room for {} symbols", functions.len()))
}

/// Functions with their addresses, sorted; of those at one address only the first.
fn functions(elf: &[u8]) -> Result<Vec<(u32, String)>> {
    let (headers, each, count) = (number(elf, 40, 8)?, number(elf, 58, 2)?, number(elf, 60, 2)?);
    let section = |n: usize| headers + n * each;
    let table = (0..count).map(section).find(|at| number(elf, at + 4, 4).ok() == Some(SYMTAB));
    let table = table.context("the hypervisor has no symbols")?;
    let strings = number(elf, section(number(elf, table + 40, 4)?) + 24, 8)?;
    let (start, bytes) = (number(elf, table + 24, 8)?, number(elf, table + 32, 8)?);
    let mut found = Vec::new();
    for at in (start..start + bytes).step_by(24) {
        if number(elf, at + 4, 1)? & 15 == FUNCTION {
            let name = elf.get(strings + number(elf, at, 4)?..).context("a symbol without a name")?;
            let name = name.split(|b| *b == 0).next().unwrap_or_default();
            let offset = u32::try_from(number(elf, at + 8, 8)?)?;
            found.push((offset, readable(&String::from_utf8_lossy(name))));
        }
    }
    found.sort();
    found.dedup_by_key(|(offset, _)| *offset);
    Ok(found)
}

fn readable(mangled: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(mangled));
    let name = name.replace("droste_hyp::bare::", "").replace("droste_hyp_core::", "core::");
    let cut = name.len().saturating_sub(NAME_BYTES);
    name.get(cut..).unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn names_are_paths_without_hashes_and_have_an_end() {
        assert_eq!(readable("_ZN10droste_hyp4bare4boot4boot17h0123456789abcdefE"), "boot::boot");
        assert_eq!(readable("entry_first"), "entry_first");
        assert_eq!(readable(&"x".repeat(100)).len(), 80);
    }
}
