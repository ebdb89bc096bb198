//! What an ELF file loads.

use crate::PackError;

/// A program as it is in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Code and data.
    pub bytes: Vec<u8>,
    /// Where it is linked.
    pub start: usize,
    /// Where it is entered.
    pub entry: usize,
    /// Bytes of memory with what is not in the file.
    pub memory: usize,
}

/// Lays the loadable segments of a 64-bit little-endian ELF file out.
///
/// # Errors
/// [`PackError::NotAKernel`] if it is none, `Short`, `ProgramSize`.
pub fn program(elf: &[u8]) -> Result<Program, PackError> {
    if !is_elf(elf) {
        return Err(PackError::NotAKernel);
    }
    let (headers, each, count) = (number(elf, 32, 8)?, number(elf, 54, 2)?, number(elf, 56, 2)?);
    let mut loaded = Vec::new();
    for n in 0..count {
        let header = headers.checked_add(n * each).ok_or(PackError::Short)?;
        if number(elf, header, 4)? == 1 {
            let field = |offset| number(elf, header + offset, 8);
            let (from, to, in_file, in_memory) = (field(8)?, field(24)?, field(32)?, field(40)?);
            let end = from.checked_add(in_file).ok_or(PackError::Short)?;
            let end_in_memory = to.checked_add(in_memory.max(in_file)).ok_or(PackError::ProgramSize)?;
            loaded.push((to, elf.get(from..end).ok_or(PackError::Short)?, end_in_memory));
        }
    }
    let start = loaded.iter().map(|(to, ..)| *to).min().ok_or(PackError::ProgramSize)?;
    let memory = loaded.iter().map(|(.., end)| end - start).max().unwrap_or(0);
    if memory >= 1 << 30 {
        return Err(PackError::ProgramSize);
    }
    let mut bytes = Vec::new();
    for (to, from, _) in loaded {
        let at = to - start;
        bytes.resize(bytes.len().max(at + from.len()), 0);
        bytes[at..at + from.len()].copy_from_slice(from);
    }
    Ok(Program { bytes, start, entry: number(elf, 24, 8)?, memory })
}

/// Whether this is a 64-bit little-endian ELF file.
#[must_use]
pub fn is_elf(file: &[u8]) -> bool {
    file.starts_with(b"\x7fELF\x02\x01")
}

/// A little-endian number of `size` bytes.
///
/// # Errors
/// [`PackError::Short`]
pub fn number(bytes: &[u8], at: usize, size: usize) -> Result<usize, PackError> {
    let end = at.checked_add(size).ok_or(PackError::Short)?;
    let bytes = bytes.get(at..end).ok_or(PackError::Short)?;
    Ok(bytes.iter().rev().fold(0, |value, b| value << 8 | usize::from(*b)))
}
