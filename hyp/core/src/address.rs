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

/// A few ranges. Empty ones are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranges<const N: usize>([PaRange; N]);

impl<const N: usize> Default for Ranges<N> {
    fn default() -> Self {
        Ranges::new()
    }
}

impl<const N: usize> Ranges<N> {
    /// None.
    #[must_use]
    pub const fn new() -> Ranges<N> {
        Ranges([PaRange { start: 0, end: 0 }; N])
    }

    /// Adds a range; whether there was room.
    pub fn add(&mut self, range: PaRange) -> bool {
        if range.bytes() == 0 {
            return true;
        }
        let Some(free) = self.0.iter_mut().find(|r| r.bytes() == 0) else { return false };
        *free = range;
        true
    }

    /// Those that are kept.
    pub fn iter(&self) -> impl Iterator<Item = PaRange> + '_ {
        self.0.iter().copied().filter(|r| r.bytes() > 0)
    }

    /// Whether an address is in one.
    #[must_use]
    pub fn contains(&self, address: u64) -> bool {
        self.iter().any(|r| r.contains(address))
    }

    /// Whether one covers all of `other`.
    #[must_use]
    pub fn covers(&self, other: PaRange) -> bool {
        self.iter().any(|r| r.covers(other))
    }

    /// One that shares bytes with `other`.
    #[must_use]
    pub fn overlap(&self, other: PaRange) -> Option<PaRange> {
        self.iter().find(|r| r.overlaps(other))
    }
}

impl<const N: usize> FromIterator<PaRange> for Ranges<N> {
    /// Those for which there is room.
    fn from_iter<I: IntoIterator<Item = PaRange>>(ranges: I) -> Self {
        let mut all = Ranges::new();
        for range in ranges {
            let _ = all.add(range);
        }
        all
    }
}
