//! The arm64 Linux `Image`: a flat binary with a 64-byte header.

use super::{Content, LoadError, field};

/// What is read to find the section headers, which follow the header closely.
const HEADERS_BYTES: usize = 1 << 16;
const MAGIC: &[u8; 4] = b"ARM\x64";
/// Where a kernel too old to fill in `image_size` expects to be, relative to a 2 MiB boundary.
const OLD_TEXT_OFFSET: u64 = 0x8_0000;

/// A flat kernel and what its header says.
#[derive(Debug)]
pub struct Image {
    content: Content,
    text_offset: u64,
    memory_bytes: u64,
    flags: ImageFlags,
}

impl Image {
    /// The size of the header.
    pub(super) const HEADER_BYTES: usize = 64;

    /// Tells whether `bytes` carry the arm64 magic.
    pub(super) fn detect(bytes: &[u8]) -> bool {
        field(bytes, 56).as_ref() == Some(MAGIC)
    }

    /// Reads the header of `content`, which [`Self::detect`] has recognised.
    pub(super) fn parse(content: Content) -> Result<Self, LoadError> {
        let length = content.len_bytes();
        let bytes = content.head(HEADERS_BYTES)?;
        let needed = Self::HEADER_BYTES as u64;
        let truncated = || LoadError::Truncated { what: "the Image header", needed, found: length };
        let word = |offset| field(&bytes, offset).map(u64::from_le_bytes).ok_or_else(truncated);
        let (text_offset, image_size, flags) = (word(8)?, word(16)?, ImageFlags(word(24)?));
        field::<{ Self::HEADER_BYTES }>(&bytes, 0).ok_or_else(truncated)?;
        if let Some(needed) = end_of_sections(&bytes)
            && needed > length
        {
            return Err(LoadError::Truncated { what: "the Image", needed, found: length });
        }
        drop(bytes);
        // Documentation/arch/arm64/booting.rst: where image_size is zero, text_offset is not to be trusted.
        let text_offset = if image_size == 0 { OLD_TEXT_OFFSET } else { text_offset };
        Ok(Self { content, text_offset, memory_bytes: image_size.max(length), flags })
    }

    /// What goes to memory.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The distance of the first byte from a 2 MiB boundary.
    pub fn text_offset(&self) -> u64 {
        self.text_offset
    }

    /// The memory that the kernel takes before it manages memory itself, bss included.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// The header's flags.
    pub fn flags(&self) -> ImageFlags {
        self.flags
    }
}

/// Where the file of an Image that is also an EFI program ends, by its section headers. Its own header does not
/// say: `image_size` counts memory that the file does not fill. `None` where there are none.
fn end_of_sections(bytes: &[u8]) -> Option<u64> {
    const SECTION_BYTES: usize = 40;
    let half = |offset| field(bytes, offset).map(u16::from_le_bytes).map(usize::from);
    let word = |offset| field(bytes, offset).map(u32::from_le_bytes);
    if !bytes.starts_with(b"MZ") {
        return None;
    }
    let coff = usize::try_from(word(60)?).ok()?;
    if field(bytes, coff).as_ref() != Some(b"PE\0\0") {
        return None;
    }
    // The optional header follows 24 bytes of signature and file header, and the sections follow that.
    let first = coff.checked_add(24)?.checked_add(half(coff.checked_add(20)?)?)?;
    let count = half(coff.checked_add(6)?)?;
    (0..count)
        .map_while(|index| {
            let section = first.checked_add(index * SECTION_BYTES)?;
            let (size, start) = (word(section.checked_add(16)?)?, word(section.checked_add(20)?)?);
            Some(u64::from(size) + u64::from(start))
        })
        .max()
}

/// The `flags` field of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageFlags(u64);

impl ImageFlags {
    /// The kernel runs big-endian.
    pub fn big_endian(self) -> bool {
        self.0 & 1 != 0
    }

    /// The page size in bytes that the kernel was built for, where it says so.
    pub fn page_bytes(self) -> Option<u64> {
        match self.0 >> 1 & 3 {
            0 => None,
            1 => Some(4 << 10),
            2 => Some(16 << 10),
            _ => Some(64 << 10),
        }
    }

    /// The kernel may be at any 2 MiB boundary, not only near the start of RAM.
    pub fn anywhere(self) -> bool {
        self.0 & 8 != 0
    }
}
