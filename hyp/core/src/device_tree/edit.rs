//! Copies a tree with changes: the host's command line and initrd, and the hypervisor's memory reserved.
//!
//! A copy needs no room inside of the original, and reads every token once more before the host does.

use super::{Blob, Token, TreeError};
use crate::address::{PaRange, Ranges};
use crate::host_map::OWN_COUNT;
use core::fmt::{self, Write};

/// What is changed.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    /// Each becomes a child of `/reserved-memory` that the host may not map.
    pub reserve: Ranges<OWN_COUNT>,
    /// Replaces `/chosen/linux,initrd-*`; those are taken out if it is empty, and kept if there is nothing here.
    pub initrd: Option<PaRange>,
    /// Replaces `/chosen/bootargs`.
    pub command_line: Option<&'a [u8]>,
}

/// Names that may be new, appended to the strings.
const NAMES: &[u8] =
    b"bootargs\0linux,initrd-start\0linux,initrd-end\0reg\0no-map\0#address-cells\0#size-cells\0ranges\0";
const BOOTARGS: usize = 0;
const INITRD_START: usize = 9;
const INITRD_END: usize = 28;
const REG: usize = 45;
const NO_MAP: usize = 49;
const ADDRESS_CELLS: usize = 56;
const SIZE_CELLS: usize = 71;
const RANGES: usize = 83;

/// Writes the changed tree to `out` and returns its size.
///
/// # Errors
/// [`TreeError`], `OutOfSpace` among them.
pub fn rewrite(blob: &Blob<'_>, edit: &Edit<'_>, out: &mut [u8]) -> Result<usize, TreeError> {
    let mut w = Writer { out, at: 0, names: blob.strings.len() };
    w.bytes(&[0; 40])?;
    w.bytes(blob.reservations)?;
    w.bytes(&[0; 16])?;
    let structure = w.at;
    copy(blob, edit, &mut w)?;
    w.word(9)?;
    let strings = w.at;
    w.bytes(blob.strings)?;
    w.bytes(NAMES)?;
    w.pad()?;
    let end = w.at;
    let header = [
        0xd00d_feed,
        end,
        structure,
        strings,
        40,
        17,
        16,
        blob.boot_cpu as usize,
        blob.strings.len() + NAMES.len(),
        strings - structure,
    ];
    w.at = 0;
    for word in header {
        w.word(word)?;
    }
    Ok(end)
}

fn copy(blob: &Blob<'_>, edit: &Edit<'_>, w: &mut Writer<'_>) -> Result<(), TreeError> {
    let mut depth = 0;
    let (mut has_chosen, mut has_reserved) = (false, false);
    // The node at depth 2 that we are in, and the cells that it has stated for its children.
    let (mut in_chosen, mut in_reserved) = (false, false);
    let mut cells = (2, 1);
    for token in blob.tokens() {
        match token? {
            Token::Begin(name) => {
                depth += 1;
                if depth == 2 {
                    (in_chosen, in_reserved) = (name == b"chosen", name == b"reserved-memory");
                    has_chosen |= in_chosen;
                    has_reserved |= in_reserved;
                }
                w.begin(name)?;
                if depth == 2 && in_chosen {
                    edit.chosen(w)?;
                }
            }
            Token::Property { name, name_offset, value } => {
                if depth == 2 && in_chosen && edit.replaces(name) {
                    continue;
                }
                if depth == 2 && in_reserved {
                    let word = || super::reader::be32(value, 0).ok_or(TreeError::Cells);
                    match name {
                        b"#address-cells" => cells.0 = word()?,
                        b"#size-cells" => cells.1 = word()?,
                        _ => {}
                    }
                }
                w.property(name_offset as usize, value)?;
            }
            Token::End => {
                if depth == 2 && in_reserved {
                    edit.reservations(w, cells)?;
                }
                if depth == 1 && !has_chosen {
                    w.begin(b"chosen")?;
                    edit.chosen(w)?;
                    w.word(2)?;
                }
                if depth == 1 && !has_reserved {
                    w.begin(b"reserved-memory")?;
                    w.new_property(ADDRESS_CELLS, &2_u32.to_be_bytes())?;
                    w.new_property(SIZE_CELLS, &2_u32.to_be_bytes())?;
                    w.new_property(RANGES, &[])?;
                    edit.reservations(w, (2, 2))?;
                    w.word(2)?;
                }
                w.word(2)?;
                depth -= 1;
            }
        }
    }
    Ok(())
}

impl Edit<'_> {
    fn replaces(&self, name: &[u8]) -> bool {
        match name {
            b"bootargs" => self.command_line.is_some(),
            b"linux,initrd-start" | b"linux,initrd-end" => self.initrd.is_some(),
            _ => false,
        }
    }

    fn chosen(&self, w: &mut Writer<'_>) -> Result<(), TreeError> {
        if let Some(text) = self.command_line {
            w.word(3)?;
            w.word(text.len() + 1)?;
            w.word(w.names + BOOTARGS)?;
            w.bytes(text)?;
            w.bytes(&[0])?;
            w.pad()?;
        }
        if let Some(initrd) = self.initrd.filter(|r| r.bytes() > 0) {
            w.new_property(INITRD_START, &initrd.start.to_be_bytes())?;
            w.new_property(INITRD_END, &initrd.end.to_be_bytes())?;
        }
        Ok(())
    }

    fn reservations(&self, w: &mut Writer<'_>, cells: (u32, u32)) -> Result<(), TreeError> {
        self.reserve.iter().try_for_each(|range| reservation(w, range, cells))
    }
}

fn reservation(w: &mut Writer<'_>, range: PaRange, cells: (u32, u32)) -> Result<(), TreeError> {
    let mut name = Name { bytes: [0; 32], length: 0 };
    write!(name, "droste@{:x}", range.start).map_err(|_| TreeError::OutOfSpace)?;
    w.begin(name.bytes.get(..name.length).unwrap_or_default())?;
    let mut reg = [0; 16];
    let mut length = 0;
    for (value, cells) in [(range.start, cells.0), (range.bytes(), cells.1)] {
        let count = match cells {
            1 if value <= u64::from(u32::MAX) => 4,
            2 => 8,
            _ => return Err(TreeError::Cells),
        };
        let to = reg.get_mut(length..length + count).ok_or(TreeError::Cells)?;
        for (to, from) in to.iter_mut().rev().zip(value.to_le_bytes()) {
            *to = from;
        }
        length += count;
    }
    w.new_property(REG, reg.get(..length).unwrap_or_default())?;
    w.new_property(NO_MAP, &[])?;
    w.word(2)
}

struct Name {
    bytes: [u8; 32],
    length: usize,
}

impl fmt::Write for Name {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let to = self.bytes.get_mut(self.length..).and_then(|b| b.get_mut(..text.len())).ok_or(fmt::Error)?;
        to.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
    /// Where our own names start in the strings.
    names: usize,
}

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), TreeError> {
        let end = self.at.checked_add(bytes.len()).ok_or(TreeError::OutOfSpace)?;
        self.out.get_mut(self.at..end).ok_or(TreeError::OutOfSpace)?.copy_from_slice(bytes);
        self.at = end;
        Ok(())
    }

    fn word(&mut self, value: usize) -> Result<(), TreeError> {
        let value = u32::try_from(value).map_err(|_| TreeError::OutOfSpace)?;
        self.bytes(&value.to_be_bytes())
    }

    fn pad(&mut self) -> Result<(), TreeError> {
        let zeros = [0; 4];
        self.bytes(zeros.get(..self.at.wrapping_neg() % 4).unwrap_or_default())
    }

    fn begin(&mut self, name: &[u8]) -> Result<(), TreeError> {
        self.word(1)?;
        self.bytes(name)?;
        self.bytes(&[0])?;
        self.pad()
    }

    fn property(&mut self, name: usize, value: &[u8]) -> Result<(), TreeError> {
        self.word(3)?;
        self.word(value.len())?;
        self.word(name)?;
        self.bytes(value)?;
        self.pad()
    }

    fn new_property(&mut self, name: usize, value: &[u8]) -> Result<(), TreeError> {
        self.property(self.names + name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_of_new_names_are_right() {
        for (at, name) in [
            (BOOTARGS, "bootargs"),
            (INITRD_START, "linux,initrd-start"),
            (INITRD_END, "linux,initrd-end"),
            (REG, "reg"),
            (NO_MAP, "no-map"),
            (ADDRESS_CELLS, "#address-cells"),
            (SIZE_CELLS, "#size-cells"),
            (RANGES, "ranges"),
        ] {
            let text = &NAMES[at..at + name.len() + 1];
            assert_eq!((&text[..name.len()], text[name.len()]), (name.as_bytes(), 0));
        }
    }
}
