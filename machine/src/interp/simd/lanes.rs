//! Vector registers as lanes of integers.

// Unsafe: a register is viewed as an array of lanes.
#![allow(unsafe_code)]

use std::ops::{BitAnd, BitOr, BitXor, Not};

/// The type of a lane. Implemented for primitive integers only; arithmetic wraps.
pub(super) trait Int:
    Copy + Ord + BitAnd<Output = Self> + BitOr<Output = Self> + BitXor<Output = Self> + Not<Output = Self>
{
    const BITS: u32;
    const COUNT: usize = 128 / Self::BITS as usize;
    const ZERO: Self;
    const ONE: Self;
    /// All bits set.
    const ONES: Self;
    const MIN: Self;
    const MAX: Self;

    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn saturating_add(self, other: Self) -> Self;
    fn saturating_sub(self, other: Self) -> Self;
    /// Shifts left by less than `BITS`.
    fn shl(self, by: u32) -> Self;
    /// Shifts right by less than `BITS`, arithmetically if signed.
    fn shr(self, by: u32) -> Self;
    /// The value.
    fn wide(self) -> i128;
    /// The value of the same bits in a lane of the other signedness.
    fn wide_other_sign(self) -> i128;
    /// The value, or its low 64 bits.
    fn wide64(self) -> i64;
    /// The nearest value that the lane can hold, and whether that is another one.
    fn saturate(value: i128) -> (Self, bool);
    /// The same for lanes of up to 32 bits.
    fn saturate64(value: i64) -> (Self, bool);
    /// The bits of the nearest value that a lane of the other signedness can hold.
    fn saturate_other_sign(value: i128) -> (Self, bool);
    /// The low byte, signed: a shift by register.
    fn low_byte(self) -> i32;
    fn leading_zeros(self) -> u32;
    fn count_ones(self) -> u32;
    fn from_u32(value: u32) -> Self;

    /// Shifts right by up to and including `BITS`.
    #[inline(always)]
    fn shr_full(self, by: u32) -> Self {
        if by < Self::BITS {
            self.shr(by)
        } else if self < Self::ZERO {
            Self::ONES
        } else {
            Self::ZERO
        }
    }

    /// Shifts right by 1 to `BITS`, rounding to nearest, halves up.
    #[inline(always)]
    fn shr_round(self, by: u32) -> Self {
        self.shr_full(by).add(self.shr(by - 1) & Self::ONE)
    }
}

/// A lane that has one of twice its width.
pub(super) trait Widen: Int {
    type Wide: Int;
    fn widen(self) -> Self::Wide;
    fn truncate(wide: Self::Wide) -> Self;
}

macro_rules! int {
    ($t:ident, $other:ident) => {
        impl Int for $t {
            const BITS: u32 = $t::BITS;
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const ONES: Self = !0;
            const MIN: Self = $t::MIN;
            const MAX: Self = $t::MAX;

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn saturating_add(self, other: Self) -> Self {
                self.saturating_add(other)
            }
            #[inline(always)]
            fn saturating_sub(self, other: Self) -> Self {
                self.saturating_sub(other)
            }
            #[inline(always)]
            fn shl(self, by: u32) -> Self {
                self.wrapping_shl(by)
            }
            #[inline(always)]
            fn shr(self, by: u32) -> Self {
                self.wrapping_shr(by)
            }
            #[inline(always)]
            fn wide(self) -> i128 {
                self as i128
            }
            #[inline(always)]
            fn wide_other_sign(self) -> i128 {
                self as $other as i128
            }
            #[inline(always)]
            fn wide64(self) -> i64 {
                self as i64
            }
            #[inline(always)]
            fn saturate64(value: i64) -> (Self, bool) {
                let r = value.clamp($t::MIN as i64, $t::MAX as i64 & i64::MAX);
                (r as $t, r != value)
            }
            #[inline(always)]
            fn saturate(value: i128) -> (Self, bool) {
                let r = value.clamp($t::MIN as i128, $t::MAX as i128);
                (r as $t, r != value)
            }
            #[inline(always)]
            fn saturate_other_sign(value: i128) -> (Self, bool) {
                let (r, saturated) = <$other as Int>::saturate(value);
                (r as $t, saturated)
            }
            #[inline(always)]
            fn low_byte(self) -> i32 {
                i32::from(self as i8)
            }
            #[inline(always)]
            fn leading_zeros(self) -> u32 {
                self.leading_zeros()
            }
            #[inline(always)]
            fn count_ones(self) -> u32 {
                self.count_ones()
            }
            #[inline(always)]
            fn from_u32(value: u32) -> Self {
                value as $t
            }
        }
    };
}

macro_rules! widen {
    ($t:ident, $wide:ident) => {
        impl Widen for $t {
            type Wide = $wide;
            #[inline(always)]
            fn widen(self) -> $wide {
                self as $wide
            }
            #[inline(always)]
            fn truncate(wide: $wide) -> Self {
                wide as $t
            }
        }
    };
}

int!(u8, i8);
int!(u16, i16);
int!(u32, i32);
int!(u64, i64);
int!(i8, u8);
int!(i16, u16);
int!(i32, u32);
int!(i64, u64);
widen!(u8, u16);
widen!(u16, u32);
widen!(u32, u64);
widen!(i8, i16);
widen!(i16, i32);
widen!(i32, i64);

const _: () = assert!(cfg!(target_endian = "little"), "lane 0 must be first in memory");

/// The lanes of a register.
#[inline(always)]
pub(super) fn lanes<T: Int>(v: &u128) -> &[T] {
    // SAFETY: T is a primitive integer, and COUNT of them are exactly the register.
    unsafe { std::slice::from_raw_parts((&raw const *v).cast(), T::COUNT) }
}

/// The lanes of a register, to be written.
#[inline(always)]
pub(super) fn lanes_mut<T: Int>(v: &mut u128) -> &mut [T] {
    // SAFETY: T is a primitive integer, and COUNT of them are exactly the register.
    unsafe { std::slice::from_raw_parts_mut((&raw mut *v).cast(), T::COUNT) }
}

/// The lanes of consecutive registers.
#[inline(always)]
pub(super) fn flat<T: Int>(v: &[u128]) -> &[T] {
    // SAFETY: T is a primitive integer, and COUNT of them are exactly one register.
    unsafe { std::slice::from_raw_parts(v.as_ptr().cast(), v.len() * T::COUNT) }
}

/// The lanes of consecutive registers, to be written.
#[inline(always)]
pub(super) fn flat_mut<T: Int>(v: &mut [u128]) -> &mut [T] {
    // SAFETY: T is a primitive integer, and COUNT of them are exactly one register.
    unsafe { std::slice::from_raw_parts_mut(v.as_mut_ptr().cast(), v.len() * T::COUNT) }
}

/// The lower or upper half of the lanes.
#[inline(always)]
pub(super) fn half<T: Int>(v: &u128, upper: bool) -> &[T] {
    let half = T::COUNT / 2;
    if upper { &lanes(v)[half..] } else { &lanes(v)[..half] }
}
