//! ELF executables: bare-metal programs, and kernels that are linked at physical addresses.

use std::ops::Range;

use object::LittleEndian;
use object::elf::{EM_AARCH64, FileHeader64, PF_X, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

use super::LoadError;

/// An executable and where its parts go.
#[derive(Debug)]
pub struct Executable {
    file: Vec<u8>,
    entry: u64,
    /// In address order, without overlap, none empty.
    segments: Vec<Segment>,
}

/// A loadable part of an executable. What the file does not fill is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The physical addresses.
    pub memory: Range<u64>,
    file: Range<usize>,
}

impl Executable {
    /// Tells whether `bytes` are an ELF file.
    pub(super) fn detect(bytes: &[u8]) -> bool {
        bytes.starts_with(b"\x7fELF")
    }

    /// Reads the program headers of `file`.
    pub(super) fn parse(file: Vec<u8>) -> Result<Self, LoadError> {
        let data = file.as_slice();
        // Class and byte order: 64 bits, little-endian.
        if data.get(4..6).is_some_and(|class_and_order| class_and_order != [2, 1]) {
            return Err(LoadError::ElfNotAarch64);
        }
        let header = FileHeader64::<LittleEndian>::parse(data).map_err(LoadError::Elf)?;
        let endian = header.endian().map_err(LoadError::Elf)?;
        if header.e_machine(endian) != EM_AARCH64 {
            return Err(LoadError::ElfNotAarch64);
        }
        let mut entry = header.e_entry(endian);
        let mut segments = Vec::new();
        for program in header.program_headers(endian, data).map_err(LoadError::Elf)? {
            let size = program.p_memsz(endian);
            if program.p_type(endian) != PT_LOAD || size == 0 {
                continue;
            }
            let (pa, va) = (program.p_paddr(endian), program.p_vaddr(endian));
            // One that passes the end of the address space does not fit into RAM either.
            let end = pa.saturating_add(size);
            segments.push(Segment { memory: pa..end, file: file_range(data, program, endian)? });
            // The entry point is a virtual address; execution starts with translation off.
            let executable = program.p_flags(endian) & PF_X == PF_X;
            if executable && header.e_entry(endian).wrapping_sub(va) < size {
                entry = header.e_entry(endian).wrapping_sub(va).wrapping_add(pa);
            }
        }
        segments.sort_by_key(|segment| segment.memory.start);
        if let Some(pair) = segments.windows(2).find(|pair| pair[1].memory.start < pair[0].memory.end) {
            return Err(LoadError::Overlap { address: pair[1].memory.start });
        }
        if segments.is_empty() {
            return Err(LoadError::ElfEmpty);
        }
        Ok(Self { entry, segments, file })
    }

    /// The physical address of the first instruction.
    pub fn entry(&self) -> u64 {
        self.entry
    }

    /// The segments in address order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The bytes that the file has for the start of `segment`.
    pub fn bytes(&self, segment: &Segment) -> &[u8] {
        &self.file[segment.file.clone()]
    }

    /// The range from the first to the last byte in memory.
    pub fn memory(&self) -> Range<u64> {
        let first = self.segments.first().map_or(0, |segment| segment.memory.start);
        let last = self.segments.last().map_or(0, |segment| segment.memory.end);
        first..last
    }
}

/// The part of the file that fills a segment, checked to be there and not larger than the segment.
fn file_range(
    data: &[u8],
    program: &impl ProgramHeader<Endian = LittleEndian, Word = u64>,
    endian: LittleEndian,
) -> Result<Range<usize>, LoadError> {
    let size = program.p_filesz(endian).min(program.p_memsz(endian));
    let start = program.p_offset(endian);
    let needed = start.saturating_add(size);
    if needed > data.len() as u64 {
        return Err(LoadError::Truncated { what: "a segment", needed, found: data.len() as u64 });
    }
    // Both are at most the length of a slice.
    Ok(start as usize..needed as usize)
}
