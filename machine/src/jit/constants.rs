//! Vectors that templates read: they lie in the code region, so that code reaches them relative to itself.

/// A constant of 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Constant {
    /// The sign bit of each lane.
    SignSingle,
    SignDouble,
    /// All bits but the sign.
    AbsSingle,
    AbsDouble,
    /// The same for the lowest lane alone, and nothing else.
    AbsScalarSingle,
    AbsScalarDouble,
    /// The exponent field of each lane.
    ExponentSingle,
    ExponentDouble,
    /// What is added to the magnitude of a number, and what the sum exceeds as a signed number unless the magnitude is
    /// above that of the smallest normal number and finite.
    RangeAddSingle,
    RangeAddDouble,
    RangeLimitSingle,
    RangeLimitDouble,
    /// Orders of bytes.
    Reverse64Bytes,
    Reverse64Words,
    Reverse64Doubles,
    Reverse32Bytes,
    Reverse32Words,
    Reverse16Bytes,
    /// The low four bits of each byte.
    LowNibbles,
    /// The number of ones in each number below 16.
    NibbleCounts,
    /// The bits of each number below 16 in the opposite order.
    NibbleReversed,
    OneBytes,
    OneWords,
    SixteenBytes,
    /// What takes an index above 15 over 127.
    TableLimit,
}

const COUNT: usize = Constant::TableLimit as usize + 1;

const fn singles(value: u32) -> u128 {
    (value as u128) * 0x0000_0001_0000_0001_0000_0001_0000_0001
}

const fn doubles(value: u64) -> u128 {
    (value as u128) << 64 | value as u128
}

const fn bytes(value: u8) -> u128 {
    (value as u128) * 0x0101_0101_0101_0101_0101_0101_0101_0101
}

/// The order that reverses `8 << lane`-bit lanes within containers of `container` bytes.
fn reversed(lane: u32, container: u8) -> u128 {
    let lane_bytes = 1_u8 << lane;
    u128::from_le_bytes(std::array::from_fn(|i| {
        let (i, mask) = (i as u8, container - 1);
        (i & !mask) | ((i & mask) ^ (mask & !(lane_bytes - 1)))
    }))
}

/// All constants, in the order of their names.
pub(super) fn table() -> [u128; COUNT] {
    // The magnitudes that need no look are those above the smallest normal number and below infinity.
    let single = (f32::MIN_POSITIVE.to_bits() + 1, f32::INFINITY.to_bits());
    let double = (f64::MIN_POSITIVE.to_bits() + 1, f64::INFINITY.to_bits());
    let counts = u128::from_le_bytes(std::array::from_fn(|i| i.count_ones() as u8));
    let mirrored = u128::from_le_bytes(std::array::from_fn(|i| (i as u8).reverse_bits() >> 4));
    let mut table = [0; COUNT];
    let mut set = |name: Constant, value: u128| table[name as usize] = value;
    set(Constant::SignSingle, singles(1 << 31));
    set(Constant::SignDouble, doubles(1 << 63));
    set(Constant::AbsSingle, singles(u32::MAX >> 1));
    set(Constant::AbsDouble, doubles(u64::MAX >> 1));
    set(Constant::AbsScalarSingle, (u32::MAX >> 1).into());
    set(Constant::AbsScalarDouble, (u64::MAX >> 1).into());
    set(Constant::ExponentSingle, singles(single.1));
    set(Constant::ExponentDouble, doubles(double.1));
    set(Constant::RangeAddSingle, singles((1_u32 << 31).wrapping_sub(single.0)));
    set(Constant::RangeAddDouble, doubles((1_u64 << 63).wrapping_sub(double.0)));
    set(Constant::RangeLimitSingle, singles((single.1 - single.0 - 1) ^ 1 << 31));
    set(Constant::RangeLimitDouble, doubles((double.1 - double.0 - 1) ^ 1 << 63));
    set(Constant::Reverse64Bytes, reversed(0, 8));
    set(Constant::Reverse64Words, reversed(1, 8));
    set(Constant::Reverse64Doubles, reversed(2, 8));
    set(Constant::Reverse32Bytes, reversed(0, 4));
    set(Constant::Reverse32Words, reversed(1, 4));
    set(Constant::Reverse16Bytes, reversed(0, 2));
    set(Constant::LowNibbles, bytes(15));
    set(Constant::NibbleCounts, counts);
    set(Constant::NibbleReversed, mirrored);
    set(Constant::OneBytes, bytes(1));
    set(Constant::OneWords, singles(0x1_0001));
    set(Constant::SixteenBytes, bytes(16));
    set(Constant::TableLimit, bytes(0x70));
    table
}
