//! The loops that apply an operation to every lane.
//!
//! They read and write registers in memory and are never inlined into a handler: so the host compiler turns
//! each into a few vector instructions (`Add` on bytes is load, `paddb`, store).

use super::lanes::{Int, Widen, half, lanes, lanes_mut};
use super::ops::{Lanewise, ShiftLane};

/// The result of a vector operation.
#[derive(Default)]
pub(super) struct Out {
    /// The lanes.
    pub(super) value: u128,
    /// All ones in each lane that saturated.
    pub(super) saturated: u128,
}

#[inline(always)]
fn put<T: Int>(out: &mut Out, i: usize, value: T, saturated: bool) {
    lanes_mut::<T>(&mut out.value)[i] = value;
    lanes_mut::<T>(&mut out.saturated)[i] = if saturated { T::ONES } else { T::ZERO };
}

/// Applies `O` to the lanes of three registers.
#[inline(never)]
pub(super) fn map<O: Lanewise, T: Int>(out: &mut Out, n: &u128, m: &u128, d: &u128) {
    for i in 0..T::COUNT {
        let mut saturated = false;
        let r = O::lane::<T>(lanes(n)[i], lanes(m)[i], lanes(d)[i], &mut saturated);
        put(out, i, r, saturated);
    }
}

/// Applies `O` to the widened lanes of one half of `n` and `m`, and to the wide lanes of `d`.
#[inline(never)]
pub(super) fn map_long<O: Lanewise, T: Widen>(out: &mut Out, n: &u128, m: &u128, d: &u128, upper: bool) {
    let (n, m) = (half::<T>(n, upper), half::<T>(m, upper));
    for i in 0..T::Wide::COUNT {
        let mut saturated = false;
        let r = O::lane::<T::Wide>(n[i].widen(), m[i].widen(), lanes(d)[i], &mut saturated);
        put(out, i, r, saturated);
    }
}

/// Applies `O` to the wide lanes of `n` and the widened lanes of one half of `m`.
#[inline(never)]
pub(super) fn map_wide<O: Lanewise, T: Widen>(out: &mut Out, n: &u128, m: &u128, upper: bool) {
    for (i, m) in half::<T>(m, upper).iter().enumerate() {
        let mut saturated = false;
        let r = O::lane::<T::Wide>(lanes(n)[i], m.widen(), T::Wide::ZERO, &mut saturated);
        put(out, i, r, saturated);
    }
}

/// Applies `O` to neighbours, first those of `n`, then those of `m`.
///
/// The neighbours are the halves of wide lanes: truncating vectorizes, picking every other lane does not.
#[inline(never)]
pub(super) fn map_pairs<O: Lanewise, T: Widen>(out: &mut Out, n: &u128, m: &u128) {
    let mut unused = false;
    let half = T::Wide::COUNT;
    for i in 0..half {
        let wide: T::Wide = lanes(n)[i];
        let (even, odd) = (T::truncate(wide), T::truncate(wide.shr(T::BITS)));
        lanes_mut(&mut out.value)[i] = O::lane(even, odd, T::ZERO, &mut unused);
    }
    for i in 0..half {
        let wide: T::Wide = lanes(m)[i];
        let (even, odd) = (T::truncate(wide), T::truncate(wide.shr(T::BITS)));
        lanes_mut(&mut out.value)[half + i] = O::lane(even, odd, T::ZERO, &mut unused);
    }
}

/// Shifts the lanes of `n` by a constant with `O`.
#[inline(never)]
pub(super) fn shift<O: ShiftLane, T: Int>(out: &mut Out, n: &u128, d: &u128, by: u32) {
    for i in 0..T::COUNT {
        let mut saturated = false;
        let r = O::lane::<T>(lanes(n)[i], lanes(d)[i], by, &mut saturated);
        put(out, i, r, saturated);
    }
}

/// Shifts lanes of twice the size with `O`, clamps them with `C` and narrows them: the result is the lower
/// half, but the saturation is that of the wide lanes.
#[inline(never)]
pub(super) fn shift_narrow<O: ShiftLane, C: Lanewise, T: Widen>(out: &mut Out, n: &u128, by: u32) {
    for i in 0..T::Wide::COUNT {
        let mut saturated = false;
        let shifted = O::lane::<T::Wide>(lanes(n)[i], T::Wide::ZERO, by, &mut saturated);
        let clamped = C::lane(shifted, T::Wide::ZERO, T::Wide::ZERO, &mut saturated);
        lanes_mut::<T>(&mut out.value)[i] = T::truncate(clamped);
        lanes_mut::<T::Wide>(&mut out.saturated)[i] = if saturated { T::Wide::ONES } else { T::Wide::ZERO };
    }
}

/// Clamps lanes of twice the size with `C` and narrows them, as [`shift_narrow`].
#[inline(never)]
pub(super) fn clamp_narrow<C: Lanewise, T: Widen>(out: &mut Out, n: &u128) {
    for i in 0..T::Wide::COUNT {
        let mut saturated = false;
        let clamped = C::lane::<T::Wide>(lanes(n)[i], T::Wide::ZERO, T::Wide::ZERO, &mut saturated);
        lanes_mut::<T>(&mut out.value)[i] = T::truncate(clamped);
        lanes_mut::<T::Wide>(&mut out.saturated)[i] = if saturated { T::Wide::ONES } else { T::Wide::ZERO };
    }
}

/// Narrows every lane to its upper half, after adding `rounding`.
#[inline(never)]
pub(super) fn high_narrow<O: Lanewise, T: Widen>(out: &mut Out, n: &u128, m: &u128, round: bool) {
    let rounding = if round { T::Wide::ONE.shl(T::BITS - 1) } else { T::Wide::ZERO };
    let mut unused = false;
    for i in 0..T::Wide::COUNT {
        let sum = O::lane::<T::Wide>(lanes(n)[i], lanes(m)[i], T::Wide::ZERO, &mut unused);
        lanes_mut::<T>(&mut out.value)[i] = T::truncate(sum.add(rounding).shr(T::BITS));
    }
}

/// Widens every lane of one half.
#[inline(never)]
pub(super) fn widen<T: Widen>(v: &u128, upper: bool) -> u128 {
    let mut r = 0;
    for (wide, lane) in lanes_mut::<T::Wide>(&mut r).iter_mut().zip(half::<T>(v, upper)) {
        *wide = lane.widen();
    }
    r
}
