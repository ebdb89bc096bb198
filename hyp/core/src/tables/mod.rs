//! Translation tables with the 4 KiB granule, for stage 2 of the host and stage 1 of EL2.
//!
//! One engine for both: it knows tables, blocks and pages; what else a descriptor holds is an opaque [`Attributes`]. A
//! valid entry is never changed into another valid one: it is broken first (D8.17.1, break-before-make).

mod stage1;
mod stage2;
#[cfg(test)]
mod tests;

pub use stage1::{MAIR, Stage1Kind, stage1_attributes};
pub use stage2::{Stage2Kind, Stage2Layout, stage2_attributes};

use crate::address::{PAGE_BYTES, Pa, PaRange};
use droste_arch::vmsa::{ADDRESS_4K, TABLE_OR_PAGE, VALID};

/// Entries in one table.
pub const ENTRY_COUNT: usize = 512;

/// Where tables are, and what keeps the TLBs honest.
pub trait TableMemory {
    /// Reads an entry. An index beyond 511 is in the tables that follow a concatenated root.
    fn read(&self, table: Pa, index: usize) -> u64;
    /// Writes an entry, as one 64-bit store.
    fn write(&mut self, table: Pa, index: usize, descriptor: u64);
    /// Takes a table out of the pool, all zero.
    fn allocate(&mut self) -> Option<Pa>;
    /// Gives a table back; no walk can reach it any more.
    fn free(&mut self, table: Pa);
    /// Makes earlier writes visible to table walks.
    fn publish(&mut self);
    /// Forgets every cached translation of the entry for `address` at `level`, or of what is below it, on all CPUs.
    fn invalidate(&mut self, address: u64, level: u8);
}

/// The bits of a block or page descriptor that are neither address nor type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes(pub u64);

/// What an address translates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The output address.
    pub output: u64,
    /// The leaf's attributes.
    pub attributes: Attributes,
    /// The level of the leaf, 1 to 3.
    pub level: u8,
}

/// Why tables could not be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// The pool is empty. What was changed until then is still in force.
    OutOfTables,
    /// The range or the output is not made of whole pages.
    Misaligned,
    /// The range ends beyond the input size, or the output beyond 48 bits.
    OutOfRange,
}

/// One set of tables: where its root is and how large its input is. The tables themselves are in a [`TableMemory`].
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    root: Pa,
    start_level: u8,
    input_bits: u8,
}

#[derive(Clone, Copy)]
enum Entry {
    Invalid,
    Table(Pa),
    Leaf { output: u64, attributes: Attributes },
}

/// A mapping: output = input + offset.
#[derive(Clone, Copy)]
struct Mapping {
    offset: u64,
    attributes: Attributes,
}

const fn shift(level: u8) -> u32 {
    12 + 9 * (3 - level as u32)
}

/// The bytes that one entry of a level stands for.
#[must_use]
pub const fn entry_bytes(level: u8) -> u64 {
    1 << shift(level)
}

const fn decode(descriptor: u64, level: u8) -> Entry {
    let address = descriptor & ADDRESS_4K.mask();
    match (VALID.is_set(descriptor), TABLE_OR_PAGE.is_set(descriptor)) {
        (false, _) => Entry::Invalid,
        (true, true) if level < 3 => Entry::Table(Pa(address)),
        (true, false) if level == 3 => Entry::Invalid,
        (true, _) => {
            let rest = !(ADDRESS_4K.mask() | VALID.mask() | TABLE_OR_PAGE.mask());
            Entry::Leaf { output: address, attributes: Attributes(descriptor & rest) }
        }
    }
}

const fn leaf(output: u64, attributes: Attributes, level: u8) -> u64 {
    let kind = if level == 3 { TABLE_OR_PAGE.mask() } else { 0 };
    output | attributes.0 | kind | VALID.mask()
}

impl Tables {
    /// Tables with a root that is all zero. A root at `start_level` may be several tables in a row.
    #[must_use]
    pub const fn new(root: Pa, start_level: u8, input_bits: u8) -> Tables {
        Tables { root, start_level, input_bits }
    }

    /// The root, for TTBR0_EL2 or VTTBR_EL2.
    #[must_use]
    pub const fn root(&self) -> Pa {
        self.root
    }

    /// The first address that is not translated any more.
    #[must_use]
    pub const fn input_end(&self) -> u64 {
        1 << self.input_bits
    }

    /// Maps a range, with the largest blocks that fit, over whatever was there.
    ///
    /// # Errors
    /// [`MapError`]; nothing is changed unless it is `OutOfTables`.
    pub fn map<M: TableMemory>(
        &self,
        memory: &mut M,
        range: PaRange,
        output: Pa,
        attributes: Attributes,
    ) -> Result<(), MapError> {
        let Some(output_end) = output.0.checked_add(range.bytes()) else { return Err(MapError::OutOfRange) };
        if output_end > ADDRESS_4K.mask() + PAGE_BYTES {
            return Err(MapError::OutOfRange);
        }
        if !output.0.is_multiple_of(PAGE_BYTES) {
            return Err(MapError::Misaligned);
        }
        let offset = output.0.wrapping_sub(range.start);
        self.change_all(memory, range, Some(Mapping { offset, attributes }))
    }

    /// Takes a range out.
    ///
    /// # Errors
    /// [`MapError`]; nothing is changed unless it is `OutOfTables` (a block that has to be split needs a table).
    pub fn unmap<M: TableMemory>(&self, memory: &mut M, range: PaRange) -> Result<(), MapError> {
        self.change_all(memory, range, None)
    }

    /// Translates as a table walk would.
    #[must_use]
    pub fn walk<M: TableMemory>(&self, memory: &M, address: u64) -> Option<Translation> {
        if address >= self.input_end() {
            return None;
        }
        let mut table = self.root;
        for level in self.start_level..=3 {
            match decode(memory.read(table, self.index(address, level)), level) {
                Entry::Invalid => return None,
                Entry::Table(next) => table = next,
                Entry::Leaf { output, attributes } => {
                    let output = output | (address & (entry_bytes(level) - 1));
                    return Some(Translation { output, attributes, level });
                }
            }
        }
        None
    }

    fn index(&self, address: u64, level: u8) -> usize {
        let index = address >> shift(level);
        // The root may be several tables in a row, and then has a wider index.
        let wide = level == self.start_level;
        (if wide { index } else { index % ENTRY_COUNT as u64 }) as usize
    }

    fn change_all<M: TableMemory>(
        &self,
        memory: &mut M,
        range: PaRange,
        new: Option<Mapping>,
    ) -> Result<(), MapError> {
        if range.start > range.end || range.end > self.input_end() {
            return Err(MapError::OutOfRange);
        }
        if !range.start.is_multiple_of(PAGE_BYTES) || !range.end.is_multiple_of(PAGE_BYTES) {
            return Err(MapError::Misaligned);
        }
        self.change(memory, self.root, self.start_level, range, new)
    }

    /// Changes what a table and those below it say about a range. The recursion is at most four levels deep.
    fn change<M: TableMemory>(
        &self,
        memory: &mut M,
        table: Pa,
        level: u8,
        range: PaRange,
        new: Option<Mapping>,
    ) -> Result<(), MapError> {
        let size = entry_bytes(level);
        let mut at = range.start;
        while at < range.end {
            let base = at & !(size - 1);
            let next = (base + size).min(range.end);
            let is_whole = at == base && next - base == size;
            let index = self.index(at, level);
            let old = memory.read(table, index);
            match (new, decode(old, level)) {
                (None, Entry::Invalid) => {}
                (None, _) if is_whole => self.replace(memory, table, index, level, base, 0),
                (Some(to), _) if is_whole && can_be_leaf(base.wrapping_add(to.offset), level) => {
                    let descriptor = leaf(base.wrapping_add(to.offset), to.attributes, level);
                    self.replace(memory, table, index, level, base, descriptor);
                }
                (_, old) => {
                    let child = self.descend(memory, table, index, level, base, old)?;
                    let result = self.change(memory, child, level + 1, PaRange { start: at, end: next }, new);
                    self.collapse(memory, table, index, level, base, child);
                    result?;
                }
            }
            at = next;
        }
        Ok(())
    }

    /// The table below an entry, made if there is none; a block is split into one that says the same.
    fn descend<M: TableMemory>(
        &self,
        memory: &mut M,
        table: Pa,
        index: usize,
        level: u8,
        base: u64,
        old: Entry,
    ) -> Result<Pa, MapError> {
        if let Entry::Table(child) = old {
            return Ok(child);
        }
        let child = memory.allocate().ok_or(MapError::OutOfTables)?;
        if let Entry::Leaf { output, attributes } = old {
            for n in 0..ENTRY_COUNT {
                let part = output + n as u64 * entry_bytes(level + 1);
                memory.write(child, n, leaf(part, attributes, level + 1));
            }
        }
        memory.publish();
        self.replace(memory, table, index, level, base, child.0 | TABLE_OR_PAGE.mask() | VALID.mask());
        Ok(child)
    }

    /// Puts one entry in place of a table that has become empty, or uniform enough to be a block.
    fn collapse<M: TableMemory>(
        &self,
        memory: &mut M,
        table: Pa,
        index: usize,
        level: u8,
        base: u64,
        child: Pa,
    ) {
        let descriptor = match decode(memory.read(child, 0), level + 1) {
            Entry::Invalid if (0..ENTRY_COUNT).all(|n| !VALID.is_set(memory.read(child, n))) => 0,
            Entry::Leaf { output, attributes } if can_be_leaf(output, level) => {
                let step = entry_bytes(level + 1);
                let part = |n: usize| leaf(output + n as u64 * step, attributes, level + 1);
                if !(0..ENTRY_COUNT).all(|n| memory.read(child, n) == part(n)) {
                    return;
                }
                leaf(output, attributes, level)
            }
            _ => return,
        };
        self.replace(memory, table, index, level, base, descriptor);
    }

    /// Gives an entry a new value, by break-before-make, and frees the tables that only the old one reached.
    fn replace<M: TableMemory>(
        &self,
        memory: &mut M,
        table: Pa,
        index: usize,
        level: u8,
        base: u64,
        new: u64,
    ) {
        let old = memory.read(table, index);
        if old == new {
            return;
        }
        if VALID.is_set(old) {
            memory.write(table, index, 0);
            memory.publish();
            memory.invalidate(base, level);
            if let Entry::Table(child) = decode(old, level) {
                free_all(memory, child, level + 1);
            }
        }
        if new != 0 {
            memory.write(table, index, new);
            memory.publish();
        }
    }
}

/// Whether a block or page of this level may have this output address.
const fn can_be_leaf(output: u64, level: u8) -> bool {
    level >= 1 && output & (entry_bytes(level) - 1) == 0
}

fn free_all<M: TableMemory>(memory: &mut M, table: Pa, level: u8) {
    if level < 3 {
        for n in 0..ENTRY_COUNT {
            if let Entry::Table(child) = decode(memory.read(table, n), level) {
                free_all(memory, child, level + 1);
            }
        }
    }
    memory.free(table);
}
