//! Physical addresses and ranges of them.

use core::fmt;

/// Bytes in a page, for the 4 KiB granule.
pub const PAGE_BYTES: u64 = 4096;

/// A physical address. In the host's identity map it is an IPA as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pa(pub u64);

impl fmt::Display for Pa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// A range of physical addresses, the end not included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaRange {
    /// The first address.
    pub start: u64,
    /// The first address behind.
    pub end: u64,
}

impl PaRange {
    /// The range of a size; nothing if it does not fit into 64 bits.
    #[must_use]
    pub const fn sized(start: u64, bytes: u64) -> Option<PaRange> {
        match start.checked_add(bytes) {
            Some(end) => Some(PaRange { start, end }),
            None => None,
        }
    }

    /// Its size.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether an address is inside.
    #[must_use]
    pub const fn contains(self, address: u64) -> bool {
        self.start <= address && address < self.end
    }

    /// Whether all of `other` is inside.
    #[must_use]
    pub const fn covers(self, other: PaRange) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether any byte is in both.
    #[must_use]
    pub const fn overlaps(self, other: PaRange) -> bool {
        self.start < other.end && other.start < self.end
    }
}

impl fmt::Display for PaRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}..{:#x}", self.start, self.end)
    }
}
