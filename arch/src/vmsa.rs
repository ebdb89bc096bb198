//! Bits of VMSAv8-64 translation table descriptors.

use crate::fields::Field;

/// The descriptor is valid.
pub const VALID: Field = Field::new(0, 0);
/// A table at levels 0 to 2, a page at level 3; clear in a block.
pub const TABLE_OR_PAGE: Field = Field::new(1, 1);
/// The address of the next table or of the page, for 48-bit output addresses and 4 KiB granules.
pub const ADDRESS_4K: Field = Field::new(47, 12);

/// Block and page descriptors of stage 1.
pub mod stage1 {
    use super::Field;

    /// Index into MAIR_ELx.
    pub const ATTR_INDEX: Field = Field::new(4, 2);
    /// Non-secure.
    pub const NS: Field = Field::new(5, 5);
    /// `AP[1]`: EL0 may access.
    pub const USER: Field = Field::new(6, 6);
    /// `AP[2]`: read-only.
    pub const READ_ONLY: Field = Field::new(7, 7);
    /// Shareability; bits 9:8 of the output address when that is 52 bits.
    pub const SH: Field = Field::new(9, 8);
    /// Access flag.
    pub const AF: Field = Field::new(10, 10);
    /// Not global.
    pub const NG: Field = Field::new(11, 11);
    /// Guarded page.
    pub const GP: Field = Field::new(50, 50);
    /// Dirty bit modifier.
    pub const DBM: Field = Field::new(51, 51);
    /// Contiguous.
    pub const CONTIGUOUS: Field = Field::new(52, 52);
    /// Privileged execute-never.
    pub const PXN: Field = Field::new(53, 53);
    /// Unprivileged execute-never; execute-never where there is no EL0.
    pub const UXN: Field = Field::new(54, 54);
    /// In a table: privileged execution is not possible below.
    pub const PXN_TABLE: Field = Field::new(59, 59);
    /// In a table: unprivileged execution is not possible below.
    pub const UXN_TABLE: Field = Field::new(60, 60);
    /// In a table: access permissions below are limited.
    pub const AP_TABLE: Field = Field::new(62, 61);
}

/// Block and page descriptors of stage 2.
pub mod stage2 {
    use super::Field;

    /// Memory attributes.
    pub const MEM_ATTR: Field = Field::new(5, 2);
    /// `S2AP[0]`: readable.
    pub const READ: Field = Field::new(6, 6);
    /// `S2AP[1]`: writable.
    pub const WRITE: Field = Field::new(7, 7);
    /// Shareability.
    pub const SH: Field = Field::new(9, 8);
    /// Access flag.
    pub const AF: Field = Field::new(10, 10);
    /// Dirty bit modifier.
    pub const DBM: Field = Field::new(51, 51);
    /// Contiguous.
    pub const CONTIGUOUS: Field = Field::new(52, 52);
    /// Execute-never; with FEAT_XNX the low bit is that of EL0.
    pub const XN: Field = Field::new(54, 53);
}
