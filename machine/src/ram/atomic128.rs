//! Atomic 16-byte host accesses: FEAT_LSE2 pairs, CASP, LDXP/STXP.
//!
//! x86-64 hosts use aligned SSE moves, which are single-copy atomic on every processor with AVX, and
//! `cmpxchg16b`. Other hosts, and x86-64 without it, use two 8-byte accesses and a striped lock: atomic among
//! 16-byte operations only.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// # Safety
/// `from` must be 16-byte aligned and valid for reads of 16 bytes.
#[inline]
pub(super) unsafe fn load(from: *const u8) -> u128 {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::{asm, x86_64::__m128i};
        // The intrinsic is a plain load, which the compiler may make two of.
        let value: __m128i;
        // SAFETY: the caller gives a valid aligned range; SSE2 is part of x86-64.
        unsafe {
            asm!("movdqa {}, [{}]", out(xmm_reg) value, in(reg) from, options(nostack, preserves_flags, readonly));
        }
        // SAFETY: both are 16 plain bytes.
        unsafe { std::mem::transmute::<__m128i, u128>(value) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        // SAFETY: as the caller promises.
        let (low, high) = unsafe { halves(from.cast_mut()) };
        join(low.load(Ordering::Acquire), high.load(Ordering::Acquire))
    }
}

/// # Safety
/// `to` must be 16-byte aligned and valid for writes of 16 bytes.
#[inline]
pub(super) unsafe fn store(to: *mut u8, value: u128) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::{asm, x86_64::__m128i};
        // SAFETY: both are 16 plain bytes.
        let value = unsafe { std::mem::transmute::<u128, __m128i>(value) };
        // As above.
        // SAFETY: the caller gives a valid aligned range; SSE2 is part of x86-64.
        unsafe { asm!("movdqa [{}], {}", in(reg) to, in(xmm_reg) value, options(nostack, preserves_flags)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _guard = stripe(to).lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: as the caller promises.
        unsafe { store_halves(to, value) }
    }
}

/// # Safety
/// `to` must be 16-byte aligned and valid for reads and writes of 16 bytes.
#[inline]
pub(super) unsafe fn compare_exchange(to: *mut u8, expected: u128, new: u128) -> u128 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("cmpxchg16b") {
        // SAFETY: the host has the instruction; the caller gives a valid aligned range.
        return unsafe { instruction(to, expected, new) };
    }
    // SAFETY: as the caller promises.
    unsafe { locked_compare_exchange(to, expected, new) }
}

/// # Safety
/// As for [`compare_exchange`].
#[cfg(target_arch = "x86_64")]
#[inline]
unsafe fn instruction(to: *mut u8, expected: u128, new: u128) -> u128 {
    // `std::arch::x86_64::cmpxchg16b` ends in a call to a missing library function unless every inner function
    // is inlined, which unoptimised builds do not do.
    let (mut low, mut high) = (expected as u64, (expected >> 64) as u64);
    // SAFETY: the caller promises an aligned valid range and the instruction; rbx, which the compiler keeps for
    // itself, is restored.
    unsafe {
        std::arch::asm!(
            "xchg {new_low}, rbx",
            "lock cmpxchg16b xmmword ptr [rdi]",
            "mov rbx, {new_low}",
            new_low = inout(reg) new as u64 => _,
            in("rdi") to,
            in("rcx") (new >> 64) as u64,
            inout("rax") low,
            inout("rdx") high,
            options(nostack),
        );
    }
    u128::from(high) << 64 | u128::from(low)
}

/// # Safety
/// As for [`compare_exchange`].
#[cold]
unsafe fn locked_compare_exchange(to: *mut u8, expected: u128, new: u128) -> u128 {
    let _guard = stripe(to).lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: as the caller promises.
    let (low, high) = unsafe { halves(to) };
    let found = join(low.load(Ordering::SeqCst), high.load(Ordering::SeqCst));
    if found == expected {
        // SAFETY: as the caller promises.
        unsafe { store_halves(to, new) }
    }
    found
}

fn stripe(to: *const u8) -> &'static Mutex<()> {
    static STRIPES: [Mutex<()>; 64] = [const { Mutex::new(()) }; 64];
    &STRIPES[(to.addr() >> 4) % STRIPES.len()]
}

/// # Safety
/// `at` must be 16-byte aligned and valid for reads and writes of 16 bytes for as long as the result is used.
unsafe fn halves<'a>(at: *mut u8) -> (&'a AtomicU64, &'a AtomicU64) {
    // SAFETY: the first 8 of the caller's 16 bytes.
    let low = unsafe { AtomicU64::from_ptr(at.cast()) };
    // SAFETY: the last 8 of the caller's 16 bytes.
    let high = unsafe { AtomicU64::from_ptr(at.wrapping_add(8).cast()) };
    (low, high)
}

/// # Safety
/// As for [`halves`].
unsafe fn store_halves(to: *mut u8, value: u128) {
    // SAFETY: as the caller promises.
    let (low, high) = unsafe { halves(to) };
    low.store((value as u64).to_le(), Ordering::SeqCst);
    high.store(((value >> 64) as u64).to_le(), Ordering::SeqCst);
}

fn join(low: u64, high: u64) -> u128 {
    u128::from(u64::from_le(high)) << 64 | u128::from(u64::from_le(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(align(16))]
    struct Cell([u8; 16]);

    #[test]
    fn the_locked_form_agrees_with_the_instruction() {
        let mut cell = Cell([0; 16]);
        let at = cell.0.as_mut_ptr();
        let value = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;
        // SAFETY: `at` is an aligned local cell, here and below.
        unsafe { store(at, value) };
        // SAFETY: as above.
        assert_eq!(unsafe { locked_compare_exchange(at, 1, 2) }, value);
        // SAFETY: as above.
        assert_eq!(unsafe { locked_compare_exchange(at, value, 3 << 64 | 2) }, value);
        // SAFETY: as above.
        assert_eq!(unsafe { compare_exchange(at, 3 << 64 | 2, value) }, 3 << 64 | 2);
        // SAFETY: as above.
        assert_eq!(unsafe { load(at) }, value);
    }
}
