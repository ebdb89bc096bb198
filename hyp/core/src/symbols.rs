//! The names of functions, for stack traces: a table that the packer puts behind the image.
//!
//! Little-endian: the magic, how many, then for each an offset into the image and one into the names, sorted by the first;
//! then the names, each ended by a NUL.

use crate::boot_file::REGION_BYTES;

/// Room for the table, at the end of the hypervisor's region.
pub const BYTES: usize = 64 << 10;
/// Where it is in the file.
pub const OFFSET: usize = REGION_BYTES as usize - BYTES;

const MAGIC: [u8; 8] = *b"drosteSY";
const ENTRY_BYTES: usize = 8;

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct Symbols<'a> {
    entries: &'a [u8],
    names: &'a [u8],
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

impl<'a> Symbols<'a> {
    /// The table at the start of `bytes`; nothing if there is none.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Symbols<'a>> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        let count = word(rest, 0)? as usize;
        let (entries, names) = rest.get(4..)?.split_at_checked(count.checked_mul(ENTRY_BYTES)?)?;
        Some(Symbols { entries, names })
    }

    /// The function that an offset is in, and how far.
    #[must_use]
    pub fn find(&self, offset: u64) -> Option<(&'a str, u64)> {
        let offset = u32::try_from(offset).ok()?;
        let (mut low, mut high) = (0, self.entries.len() / ENTRY_BYTES);
        while low < high {
            let middle = low.midpoint(high);
            if word(self.entries, middle * ENTRY_BYTES)? <= offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let at = low.checked_sub(1)? * ENTRY_BYTES;
        let name = self.names.get(word(self.entries, at + 4)? as usize..)?;
        let end = name.iter().position(|b| *b == 0)?;
        let name = core::str::from_utf8(name.get(..end)?).ok()?;
        Some((name, u64::from(offset.checked_sub(word(self.entries, at)?)?)))
    }

    /// Writes the table of functions that are sorted by their offsets; its size, or nothing if they do not fit.
    pub fn write<'n>(
        functions: impl Iterator<Item = (u32, &'n str)> + Clone,
        out: &mut [u8],
    ) -> Option<usize> {
        let mut at = 0;
        let mut put = |bytes: &[u8]| -> Option<()> {
            out.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
            at += bytes.len();
            Some(())
        };
        put(&MAGIC)?;
        put(&u32::try_from(functions.clone().count()).ok()?.to_le_bytes())?;
        let mut name_at = 0_u32;
        for (offset, name) in functions.clone() {
            put(&offset.to_le_bytes())?;
            put(&name_at.to_le_bytes())?;
            name_at += u32::try_from(name.len()).ok()? + 1;
        }
        for (_, name) in functions {
            put(name.as_bytes())?;
            put(&[0])?;
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FUNCTIONS: [(u32, &str); 3] = [(0x2000, "first"), (0x2040, "second::inner"), (0x3000, "last")];

    #[test]
    fn addresses_are_named_by_the_function_before_them() {
        let mut table = [0; 256];
        let bytes = Symbols::write(FUNCTIONS.into_iter(), &mut table).unwrap();
        let symbols = Symbols::read(&table[..bytes]).unwrap();
        assert_eq!(symbols.find(0x1fff), None);
        assert_eq!(symbols.find(0x2000), Some(("first", 0)));
        assert_eq!(symbols.find(0x2fff), Some(("second::inner", 0xfbf)));
        assert_eq!(symbols.find(0x9000), Some(("last", 0x6000)));
        assert_eq!(symbols.find(1 << 40), None);
    }

    #[test]
    fn table_that_is_missing_or_too_large_is_said() {
        assert!(Symbols::read(&[0; 64]).is_none());
        assert!(Symbols::write(FUNCTIONS.into_iter(), &mut [0; 50]).is_none());
    }

    proptest! {
        #[test]
        fn damaged_tables_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 12..100), at: u32) {
            bytes[..8].copy_from_slice(&MAGIC);
            bytes[9..12].fill(0);
            if let Some(symbols) = Symbols::read(&bytes) {
                let _ = symbols.find(at.into());
            }
        }
    }
}
