//! What happens in one lane, for any lane type.

use super::lanes::Int;

/// An operation on the lanes of up to three registers, in the order Vn, Vm, Vd.
pub(super) trait Lanewise {
    fn lane<T: Int>(n: T, m: T, d: T, saturated: &mut bool) -> T;
}

/// A shift by a constant, of lanes of Vn into lanes of Vd.
pub(super) trait ShiftLane {
    fn lane<T: Int>(n: T, d: T, by: u32, saturated: &mut bool) -> T;
}

/// Defines unit structs that implement [`Lanewise`]: name, parameters, expression.
macro_rules! lanewise {
    ($($(#[$doc:meta])* $name:ident($n:ident, $m:ident, $d:ident, $sat:ident) $body:expr;)*) => {$(
        $(#[$doc])*
        pub(super) struct $name;
        impl Lanewise for $name {
            #[inline(always)]
            fn lane<T: Int>($n: T, $m: T, $d: T, $sat: &mut bool) -> T {
                $body
            }
        }
    )*};
}

/// Defines unit structs that implement [`ShiftLane`].
macro_rules! shifts {
    ($($(#[$doc:meta])* $name:ident($n:ident, $d:ident, $by:ident, $sat:ident) $body:expr;)*) => {$(
        $(#[$doc])*
        pub(super) struct $name;
        impl ShiftLane for $name {
            #[inline(always)]
            fn lane<T: Int>($n: T, $d: T, $by: u32, $sat: &mut bool) -> T {
                $body
            }
        }
    )*};
}

/// Notes a saturation and passes the value on.
#[inline(always)]
fn note<T>((value, saturated): (T, bool), flag: &mut bool) -> T {
    *flag |= saturated;
    value
}

#[inline(always)]
fn all_if<T: Int>(condition: bool) -> T {
    if condition { T::ONES } else { T::ZERO }
}

#[inline(always)]
fn saturating_add<T: Int>(n: T, m: T, flag: &mut bool) -> T {
    let r = n.saturating_add(m);
    note((r, r != n.add(m)), flag)
}

#[inline(always)]
fn saturating_sub<T: Int>(n: T, m: T, flag: &mut bool) -> T {
    let r = n.saturating_sub(m);
    note((r, r != n.sub(m)), flag)
}

/// Twice the product of two widened lanes; only the square of the minimum saturates.
#[inline(always)]
fn double_product<T: Int>(n: T, m: T, flag: &mut bool) -> T {
    let product = n.mul(m);
    saturating_add(product, product, flag)
}

/// The upper half of `(d << BITS) + 2 * product + rounding`, computed with one bit less on both sides. For
/// lanes of 16 and 32 bits, where everything fits 64 bits.
#[inline(always)]
fn double_product_high<T: Int>(product: i64, d: T, round: bool, flag: &mut bool) -> T {
    let rounding = if round { 1 << (T::BITS - 2) } else { 0 };
    let sum = (d.wide64() << (T::BITS - 1)).wrapping_add(product).wrapping_add(rounding);
    note(T::saturate64(sum >> (T::BITS - 1)), flag)
}

/// The product of two lanes of up to 32 bits.
#[inline(always)]
fn product<T: Int>(n: T, m: T) -> i64 {
    n.wide64().wrapping_mul(m.wide64())
}

lanewise! {
    /// The first operand.
    First(n, _m, _d, _s) n;
    Add(n, m, _d, _s) n.add(m);
    Sub(n, m, _d, _s) n.sub(m);
    Mul(n, m, _d, _s) n.mul(m);
    MulAdd(n, m, d, _s) d.add(n.mul(m));
    MulSub(n, m, d, _s) d.sub(n.mul(m));
    HalvingAdd(n, m, _d, _s) (n & m).add((n ^ m).shr(1));
    RoundingHalvingAdd(n, m, _d, _s) (n | m).sub((n ^ m).shr(1));
    HalvingSub(n, m, _d, _s) n.shr(1).sub(m.shr(1)).sub(!n & m & T::ONE);
    SaturatingAdd(n, m, _d, s) saturating_add(n, m, s);
    SaturatingSub(n, m, _d, s) saturating_sub(n, m, s);
    Greater(n, m, _d, _s) all_if(n > m);
    GreaterEqual(n, m, _d, _s) all_if(n >= m);
    Less(n, m, _d, _s) all_if(n < m);
    LessEqual(n, m, _d, _s) all_if(n <= m);
    Equal(n, m, _d, _s) all_if(n == m);
    Test(n, m, _d, _s) all_if(n & m != T::ZERO);
    Max(n, m, _d, _s) n.max(m);
    Min(n, m, _d, _s) n.min(m);
    AbsDiff(n, m, _d, _s) n.max(m).sub(n.min(m));
    AbsDiffAdd(n, m, d, _s) d.add(n.max(m).sub(n.min(m)));
    /// SSHL, USHL.
    ShiftBy(n, m, _d, _s) {
        let by = m.low_byte();
        if by >= T::BITS as i32 { T::ZERO }
        else if by >= 0 { n.shl(by as u32) }
        else { n.shr_full(by.unsigned_abs().min(T::BITS)) }
    };
    /// SRSHL, URSHL.
    RoundingShiftBy(n, m, _d, _s) {
        let by = m.low_byte();
        if by >= T::BITS as i32 || by < -(T::BITS as i32) { T::ZERO }
        else if by >= 0 { n.shl(by as u32) }
        else { n.shr_round(by.unsigned_abs()) }
    };
    /// SQSHL, UQSHL by register.
    SaturatingShiftBy(n, m, _d, s) {
        let by = m.low_byte();
        if by >= 0 { saturating_shl(n, by as u32, s) }
        else { n.shr_full(by.unsigned_abs().min(T::BITS)) }
    };
    /// SQRSHL, UQRSHL.
    SaturatingRoundingShiftBy(n, m, _d, s) {
        let by = m.low_byte();
        if by >= 0 { saturating_shl(n, by as u32, s) }
        else if by < -(T::BITS as i32) { T::ZERO }
        else { n.shr_round(by.unsigned_abs()) }
    };
    /// SQDMULH.
    DoublingMulHigh(n, m, _d, s) double_product_high(product(n, m), T::ZERO, false, s);
    /// SQRDMULH.
    RoundingDoublingMulHigh(n, m, _d, s) double_product_high(product(n, m), T::ZERO, true, s);
    /// SQRDMLAH.
    RoundingDoublingMulAddHigh(n, m, d, s) double_product_high(product(n, m), d, true, s);
    /// SQRDMLSH.
    RoundingDoublingMulSubHigh(n, m, d, s) {
        double_product_high(product(n, m).wrapping_neg(), d, true, s)
    };
    /// SQDMULL, on widened lanes.
    DoublingMul(n, m, _d, s) double_product(n, m, s);
    /// SQDMLAL, on widened lanes.
    DoublingMulAdd(n, m, d, s) { let p = double_product(n, m, s); saturating_add(d, p, s) };
    /// SQDMLSL, on widened lanes.
    DoublingMulSub(n, m, d, s) { let p = double_product(n, m, s); saturating_sub(d, p, s) };

    Abs(n, _m, _d, _s) if n < T::ZERO { T::ZERO.sub(n) } else { n };
    Negate(n, _m, _d, _s) T::ZERO.sub(n);
    SaturatingAbs(n, _m, _d, s) if n < T::ZERO { saturating_sub(T::ZERO, n, s) } else { n };
    SaturatingNegate(n, _m, _d, s) saturating_sub(T::ZERO, n, s);
    /// SUQADD and USQADD: `n` has the other signedness.
    AddOtherSign(n, _m, d, s) note(T::saturate(d.wide() + n.wide_other_sign()), s);
    CountLeadingZeros(n, _m, _d, _s) T::from_u32(n.leading_zeros());
    /// CLS, on signed lanes.
    CountLeadingSigns(n, _m, _d, _s) T::from_u32((n ^ n.shr(T::BITS - 1)).leading_zeros() - 1);
    CountOnes(n, _m, _d, _s) T::from_u32(n.count_ones());
    /// SADDLP, UADDLP: the sum of the two halves of a lane.
    AddHalves(n, _m, _d, _s) n.shl(T::BITS / 2).shr(T::BITS / 2).add(n.shr(T::BITS / 2));
    /// SADALP, UADALP.
    AddHalvesAdd(n, _m, d, _s) d.add(n.shl(T::BITS / 2).shr(T::BITS / 2)).add(n.shr(T::BITS / 2));

    /// The nearest value that a lane of half the width and the same signedness holds.
    ClampToHalf(n, _m, _d, s) {
        let r = n.min(T::MAX.shr(T::BITS / 2)).max(T::MIN.shr(T::BITS / 2));
        note((r, r != n), s)
    };
    /// The nearest value that an unsigned lane of half the width holds, from a signed lane.
    ClampToUnsignedHalf(n, _m, _d, s) {
        let r = n.min(T::ONE.shl(T::BITS / 2).sub(T::ONE)).max(T::ZERO);
        note((r, r != n), s)
    };
}

/// Shifts left by any amount, saturating.
#[inline(always)]
fn saturating_shl<T: Int>(n: T, by: u32, flag: &mut bool) -> T {
    let fits = by < T::BITS && n.shl(by).shr(by) == n;
    if fits || n == T::ZERO {
        return if by < T::BITS { n.shl(by) } else { n };
    }
    *flag = true;
    if n < T::ZERO { T::MIN } else { T::MAX }
}

shifts! {
    ShiftRight(n, _d, by, _s) n.shr_full(by);
    ShiftRightAdd(n, d, by, _s) d.add(n.shr_full(by));
    RoundingShiftRight(n, _d, by, _s) n.shr_round(by);
    RoundingShiftRightAdd(n, d, by, _s) d.add(n.shr_round(by));
    ShiftLeft(n, _d, by, _s) n.shl(by);
    /// SRI, on unsigned lanes.
    ShiftRightInsert(n, d, by, _s) (d & !T::ONES.shr_full(by)) | n.shr_full(by);
    /// SLI.
    ShiftLeftInsert(n, d, by, _s) (d & !T::ONES.shl(by)) | n.shl(by);
    /// SQSHL, UQSHL by a constant.
    SaturatingShiftLeft(n, _d, by, s) saturating_shl(n, by, s);
    /// SQSHLU: from signed to unsigned.
    SaturatingShiftLeftUnsigned(n, _d, by, s) note(T::saturate_other_sign(n.wide() << by), s);
}
