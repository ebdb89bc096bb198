//! Addresses within guest RAM, which TLB entries lead to.
//!
//! Unsafe is allowed here because they are host pointers: whoever makes one takes it from a TLB entry, which points to a
//! whole page of the [`GuestRam`](crate::ram::GuestRam) of the machine that owns the CPU, which lives longer.
#![allow(unsafe_code)]

use crate::ram::Mem;

/// An address within a page of guest RAM. Accesses through it must not cross the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RamAddress(pub(super) *mut u8);

impl RamAddress {
    /// The address as a plain pointer.
    #[inline]
    pub(crate) fn pointer(self) -> *mut u8 {
        self.0
    }

    /// The 16 aligned bytes around the address, and the bits to shift by for the address's own byte.
    pub(crate) fn containing_16(self) -> (Self, u32) {
        let offset = self.0.addr() & 15;
        (Self(self.0.wrapping_sub(offset)), 8 * offset as u32)
    }

    fn check<T: Mem>(self) {
        debug_assert!((self.0.addr() & 0xfff) as u64 + T::SIZE <= 4096, "an access within one page");
    }

    #[inline]
    pub(crate) fn load<T: Mem>(self) -> T {
        self.check::<T>();
        // SAFETY: the address is within a page of guest RAM and callers stay in the page.
        unsafe { T::host_load(self.0) }
    }

    #[inline]
    pub(crate) fn store<T: Mem>(self, value: T) {
        self.check::<T>();
        // SAFETY: the address is within a page of guest RAM and callers stay in the page.
        unsafe { T::host_store(self.0, value) }
    }

    /// Sets `len` bytes, which end within the page.
    pub(crate) fn fill(self, len: u64, byte: u8) {
        debug_assert!((self.0.addr() & 0xfff) as u64 + len <= 4096, "bytes of one page");
        // SAFETY: callers stay in the page of guest RAM that holds the address.
        unsafe { std::ptr::write_bytes(self.0, byte, len as usize) }
    }

    /// Copies `len` bytes, which end within the page, from another page or the same, as if through a buffer.
    pub(crate) fn copy_from(self, from: RamAddress, len: u64) {
        debug_assert!((self.0.addr().max(from.0.addr()) & 0xfff) as u64 + len <= 4096, "bytes of one page");
        // SAFETY: callers stay in the pages of guest RAM that hold the addresses.
        unsafe { std::ptr::copy(from.0, self.0, len as usize) }
    }

    /// Panics unless aligned.
    #[inline]
    pub(crate) fn compare_exchange<T: Mem>(self, expected: T, new: T) -> T {
        assert!((self.0.addr() as u64).is_multiple_of(T::SIZE), "atomic accesses are aligned here");
        // SAFETY: aligned accesses never cross a page, and the page is guest RAM.
        unsafe { T::host_cas(self.0, expected, new) }
    }
}
