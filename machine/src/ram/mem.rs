//! The units of memory access and how the host performs them.

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use super::atomic128;

mod sealed {
    pub trait Sealed {}
}

/// An unsigned integer that a guest can load or store: 1 to 16 bytes.
///
/// The host operations work on the value as stored in a little-endian guest.
pub trait Mem: Copy + Eq + std::fmt::Debug + Send + Sync + sealed::Sealed + 'static {
    /// Size in bytes.
    const SIZE: u64;

    /// Reverses the byte order.
    fn swap_bytes(self) -> Self;

    /// Zero-extends.
    fn to_u128(self) -> u128;

    /// Truncates.
    fn from_u128(value: u128) -> Self;

    /// Loads with acquire order, at any alignment; single-copy atomic when aligned.
    ///
    /// # Safety
    /// `from` must be valid for reads of `SIZE` bytes of memory that is only accessed through raw pointers.
    unsafe fn host_load(from: *const u8) -> Self;

    /// Stores with release order, at any alignment; single-copy atomic when aligned.
    ///
    /// # Safety
    /// `to` must be valid for writes of `SIZE` bytes of memory that is only accessed through raw pointers.
    unsafe fn host_store(to: *mut u8, value: Self);

    /// Replaces `expected` by `new` with sequentially consistent order; returns the value found.
    ///
    /// # Safety
    /// As for [`Mem::host_store`], and `to` must be aligned to `SIZE`.
    unsafe fn host_cas(to: *mut u8, expected: Self, new: Self) -> Self;
}

macro_rules! mem {
    ($($int:ty, $atomic:ty;)*) => {$(
        impl sealed::Sealed for $int {}
        impl Mem for $int {
            const SIZE: u64 = size_of::<$int>() as u64;

            #[inline]
            fn swap_bytes(self) -> Self {
                <$int>::swap_bytes(self)
            }

            #[inline]
            fn to_u128(self) -> u128 {
                self as u128
            }

            #[inline]
            fn from_u128(value: u128) -> Self {
                value as $int
            }

            #[inline]
            unsafe fn host_load(from: *const u8) -> Self {
                if from.addr().is_multiple_of(size_of::<$int>()) {
                    // SAFETY: the caller gives a valid range; it is aligned.
                    let cell = unsafe { <$atomic>::from_ptr(from.cast_mut().cast()) };
                    <$int>::from_le(cell.load(Ordering::Acquire))
                } else {
                    // SAFETY: the caller gives a valid range. The guest may see such an access torn.
                    <$int>::from_le(unsafe { from.cast::<$int>().read_unaligned() })
                }
            }

            #[inline]
            unsafe fn host_store(to: *mut u8, value: Self) {
                if to.addr().is_multiple_of(size_of::<$int>()) {
                    // SAFETY: the caller gives a valid range; it is aligned.
                    let cell = unsafe { <$atomic>::from_ptr(to.cast()) };
                    cell.store(value.to_le(), Ordering::Release);
                } else {
                    // SAFETY: the caller gives a valid range. The guest may see such an access torn.
                    unsafe { to.cast::<$int>().write_unaligned(value.to_le()) }
                }
            }

            #[inline]
            unsafe fn host_cas(to: *mut u8, expected: Self, new: Self) -> Self {
                // SAFETY: the caller gives a valid, aligned range.
                let cell = unsafe { <$atomic>::from_ptr(to.cast()) };
                let found =
                    cell.compare_exchange(expected.to_le(), new.to_le(), Ordering::SeqCst, Ordering::SeqCst);
                <$int>::from_le(found.unwrap_or_else(|found| found))
            }
        }
    )*};
}

mem! {
    u8, AtomicU8;
    u16, AtomicU16;
    u32, AtomicU32;
    u64, AtomicU64;
}

impl sealed::Sealed for u128 {}

impl Mem for u128 {
    const SIZE: u64 = 16;

    #[inline]
    fn swap_bytes(self) -> Self {
        u128::swap_bytes(self)
    }

    #[inline]
    fn to_u128(self) -> u128 {
        self
    }

    #[inline]
    fn from_u128(value: u128) -> Self {
        value
    }

    #[inline]
    unsafe fn host_load(from: *const u8) -> Self {
        if from.addr().is_multiple_of(16) {
            // SAFETY: the caller gives a valid range; it is aligned.
            unsafe { atomic128::load(from) }
        } else {
            // SAFETY: the caller gives a valid range. The guest may see such an access torn.
            u128::from_le(unsafe { from.cast::<u128>().read_unaligned() })
        }
    }

    #[inline]
    unsafe fn host_store(to: *mut u8, value: Self) {
        if to.addr().is_multiple_of(16) {
            // SAFETY: the caller gives a valid range; it is aligned.
            unsafe { atomic128::store(to, value) }
        } else {
            // SAFETY: the caller gives a valid range. The guest may see such an access torn.
            unsafe { to.cast::<u128>().write_unaligned(value.to_le()) }
        }
    }

    #[inline]
    unsafe fn host_cas(to: *mut u8, expected: Self, new: Self) -> Self {
        // SAFETY: the caller gives a valid, aligned range.
        unsafe { atomic128::compare_exchange(to, expected, new) }
    }
}
