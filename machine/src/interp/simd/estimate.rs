//! The integer estimates URECPE and URSQRTE, on fixed-point numbers below one.

/// UnsignedRecipEstimate.
pub(super) fn reciprocal(operand: u32) -> u32 {
    if operand >> 31 == 0 {
        return u32::MAX;
    }
    let a = (operand >> 23) * 2 + 1;
    let estimate = (1 << 19) / a;
    ((estimate + 1) / 2 & 0x1ff) << 23
}

/// UnsignedRSqrtEstimate.
pub(super) fn reciprocal_square_root(operand: u32) -> u32 {
    if operand >> 30 == 0 {
        return u32::MAX;
    }
    let a = operand >> 23;
    let a = if a < 256 { a * 2 + 1 } else { (a / 2 * 2 + 1) * 2 };
    let mut b = 512;
    while a * (b + 1) * (b + 1) < 1 << 28 {
        b += 1;
    }
    ((b + 1) / 2 & 0x1ff) << 23
}
