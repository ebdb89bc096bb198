//! `GITS_BASER<n>`: the tables that the guest provides, as far as they bound what can be mapped.

use crate::ram::GuestRam;

const VALID: u64 = 1 << 63;
const INDIRECT: u64 = 1 << 62;
const TYPE_SHIFT: u32 = 56;
const ENTRY_SIZE_SHIFT: u32 = 48;
const PAGE_SIZE_SHIFT: u32 = 8;
/// Valid, Indirect, cacheability, shareability, address, page size, size.
const WRITABLE: u64 = 0xf8e0_ffff_ffff_ffff;
/// Bytes of an entry of either table, and of a level 1 entry.
const ENTRY_BYTES: u64 = 8;

/// One GITS_BASER register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table {
    register: u64,
    /// The fields that the guest cannot write.
    fixed: u64,
    may_be_indirect: bool,
}

impl Table {
    /// The device table.
    pub(super) fn devices() -> Self {
        Self::new(1, true)
    }

    /// The collection table.
    pub(super) fn collections() -> Self {
        Self::new(4, false)
    }

    fn new(kind: u64, may_be_indirect: bool) -> Self {
        let fixed = kind << TYPE_SHIFT | (ENTRY_BYTES - 1) << ENTRY_SIZE_SHIFT;
        Self { register: fixed, fixed, may_be_indirect }
    }

    pub(super) fn read(self) -> u64 {
        self.register
    }

    pub(super) fn write(&mut self, value: u64) {
        let mut value = value & WRITABLE;
        if !self.may_be_indirect {
            value &= !INDIRECT;
        }
        if value >> PAGE_SIZE_SHIFT & 3 == 3 {
            // The reserved page size acts as 64 KiB.
            value &= !(1 << PAGE_SIZE_SHIFT);
        }
        self.register = value | self.fixed;
    }

    fn page_bytes(self) -> u64 {
        match self.register >> PAGE_SIZE_SHIFT & 3 {
            0 => 0x1000,
            1 => 0x4000,
            _ => 0x1_0000,
        }
    }

    /// Whether the table has an entry with number `id`.
    pub(super) fn holds(self, id: u32, ram: &GuestRam) -> bool {
        if self.register & VALID == 0 {
            return false;
        }
        let id = u64::from(id);
        let level_1_entries = ((self.register & 0xff) + 1) * self.page_bytes() / ENTRY_BYTES;
        if self.register & INDIRECT == 0 {
            return id < level_1_entries;
        }
        let index = id / (self.page_bytes() / ENTRY_BYTES);
        let entry = ram.read::<u64>(self.address() + index * ENTRY_BYTES);
        index < level_1_entries && entry.is_ok_and(|entry| entry & VALID != 0)
    }

    /// The physical address; with 64 KiB pages, bits 15:12 of the field are address bits 51:48.
    fn address(self) -> u64 {
        if self.page_bytes() == 0x1_0000 {
            self.register & 0xffff_ffff_0000 | (self.register >> 12 & 0xf) << 48
        } else {
            self.register & 0xffff_ffff_f000
        }
    }
}
