//! Instruction fields and register operands as the integer handlers use them.

use crate::cpu::Vcpu;
use core::ops::{BitAnd, BitOr, BitXor, Not};

/// Returns bits `LSB + WIDTH - 1 : LSB` of `insn`.
#[inline(always)]
pub(crate) const fn bits<const LSB: u32, const WIDTH: u32>(insn: u32) -> u32 {
    (insn >> LSB) & (u32::MAX >> (32 - WIDTH))
}

/// Returns bits `LSB + WIDTH - 1 : LSB` of `insn`, sign-extended to 64 bits.
#[inline(always)]
pub(crate) const fn sbits<const LSB: u32, const WIDTH: u32>(insn: u32) -> u64 {
    (((insn << (32 - LSB - WIDTH)) as i32) >> (32 - WIDTH)) as i64 as u64
}

/// Returns the field `Rd` or `Rt`, bits 4:0.
#[inline(always)]
pub(crate) const fn rd(insn: u32) -> u32 {
    insn & 31
}

/// Returns the field `Rn`, bits 9:5.
#[inline(always)]
pub(crate) const fn rn(insn: u32) -> u32 {
    bits::<5, 5>(insn)
}

/// Returns the field `Ra` or `Rt2`, bits 14:10.
#[inline(always)]
pub(crate) const fn ra(insn: u32) -> u32 {
    bits::<10, 5>(insn)
}

/// Returns the field `Rm` or `Rs`, bits 20:16.
#[inline(always)]
pub(crate) const fn rm(insn: u32) -> u32 {
    bits::<16, 5>(insn)
}

/// A general-purpose register width: `u32` for W registers, `u64` for X registers.
pub(crate) trait Width:
    Copy
    + Ord
    + Not<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + 'static
{
    /// The register size in bits.
    const BITS: u32;
    /// The value zero.
    const ZERO: Self;

    /// Reads a register; 31 is the zero register.
    fn get(cpu: &Vcpu, register: u32) -> Self;
    /// Writes a register, zero-extended; 31 is discarded.
    fn set(self, cpu: &mut Vcpu, register: u32);
    /// Reads a register; 31 is the stack pointer.
    fn get_sp(cpu: &Vcpu, register: u32) -> Self;
    /// Writes a register, zero-extended; 31 is the stack pointer.
    fn set_sp(self, cpu: &mut Vcpu, register: u32);

    /// Keeps the low bits of `value`.
    fn truncate(value: u64) -> Self;
    /// Zero-extends.
    fn widen(self) -> u64;
    /// Sign-extends.
    fn signed(self) -> i64;

    /// Adds modulo 2^BITS.
    fn add(self, other: Self) -> Self;
    /// Subtracts modulo 2^BITS.
    fn sub(self, other: Self) -> Self;
    /// Multiplies modulo 2^BITS.
    fn mul(self, other: Self) -> Self;
    /// Shifts left by `amount` modulo BITS.
    fn lsl(self, amount: u32) -> Self;
    /// Shifts right, unsigned, by `amount` modulo BITS.
    fn lsr(self, amount: u32) -> Self;
    /// Shifts right, signed, by `amount` modulo BITS.
    fn asr(self, amount: u32) -> Self;
    /// Rotates right by `amount` modulo BITS.
    fn ror(self, amount: u32) -> Self;
    /// Counts leading zeros.
    fn clz(self) -> u32;
    /// Counts trailing zeros.
    fn ctz(self) -> u32;
    /// Counts one bits.
    fn count_ones(self) -> u32;
    /// Reverses the bit order.
    fn reverse_bits(self) -> Self;
    /// Adds with a carry in; returns the result and PSTATE.NZCV (AddWithCarry).
    fn add_with_carry(self, other: Self, carry: bool) -> (Self, u32);
    /// Subtracts; returns the result and PSTATE.NZCV.
    fn sub_flags(self, other: Self) -> (Self, u32);
    /// Divides unsigned; a zero divisor gives zero.
    fn udiv(self, other: Self) -> Self;
    /// Divides signed; a zero divisor gives zero, the minimum by -1 gives the minimum.
    fn sdiv(self, other: Self) -> Self;

    /// Returns N and Z of a logical result, with C and V clear.
    #[inline(always)]
    fn logic_flags(self) -> u32 {
        nzcv(self.signed() < 0, self == Self::ZERO, false, false)
    }
}

/// Packs the condition flags into bits 31:28.
#[inline(always)]
pub(crate) const fn nzcv(n: bool, z: bool, c: bool, v: bool) -> u32 {
    (n as u32) << 31 | (z as u32) << 30 | (c as u32) << 29 | (v as u32) << 28
}

macro_rules! width {
    ($t:ty, $signed:ty, $get:ident, $set:ident) => {
        impl Width for $t {
            const BITS: u32 = <$t>::BITS;
            const ZERO: Self = 0;

            #[inline(always)]
            fn get(cpu: &Vcpu, register: u32) -> Self {
                cpu.$get(register)
            }
            #[inline(always)]
            fn set(self, cpu: &mut Vcpu, register: u32) {
                cpu.$set(register, self);
            }
            #[inline(always)]
            fn get_sp(cpu: &Vcpu, register: u32) -> Self {
                cpu.xsp(register) as $t
            }
            #[inline(always)]
            fn set_sp(self, cpu: &mut Vcpu, register: u32) {
                cpu.set_xsp(register, u64::from(self));
            }
            #[inline(always)]
            fn truncate(value: u64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn widen(self) -> u64 {
                u64::from(self)
            }
            #[inline(always)]
            fn signed(self) -> i64 {
                i64::from(self as $signed)
            }
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
            fn lsl(self, amount: u32) -> Self {
                self.wrapping_shl(amount)
            }
            #[inline(always)]
            fn lsr(self, amount: u32) -> Self {
                self.wrapping_shr(amount)
            }
            #[inline(always)]
            fn asr(self, amount: u32) -> Self {
                (self as $signed).wrapping_shr(amount) as $t
            }
            #[inline(always)]
            fn ror(self, amount: u32) -> Self {
                self.rotate_right(amount)
            }
            #[inline(always)]
            fn clz(self) -> u32 {
                self.leading_zeros()
            }
            #[inline(always)]
            fn ctz(self) -> u32 {
                self.trailing_zeros()
            }
            #[inline(always)]
            fn count_ones(self) -> u32 {
                <$t>::count_ones(self)
            }
            #[inline(always)]
            fn reverse_bits(self) -> Self {
                <$t>::reverse_bits(self)
            }
            #[inline(always)]
            fn add_with_carry(self, other: Self, carry: bool) -> (Self, u32) {
                let (partial, carry_1) = self.overflowing_add(other);
                let (sum, carry_2) = partial.overflowing_add(<$t>::from(carry));
                let overflow = ((self ^ sum) & (other ^ sum)) as $signed;
                (sum, nzcv((sum as $signed) < 0, sum == 0, carry_1 | carry_2, overflow < 0))
            }
            #[inline(always)]
            fn sub_flags(self, other: Self) -> (Self, u32) {
                let difference = self.wrapping_sub(other);
                let overflow = ((self ^ other) & (self ^ difference)) as $signed;
                let negative = (difference as $signed) < 0;
                (difference, nzcv(negative, self == other, self >= other, overflow < 0))
            }
            #[inline(always)]
            fn udiv(self, other: Self) -> Self {
                self.checked_div(other).unwrap_or(0)
            }
            #[inline(always)]
            fn sdiv(self, other: Self) -> Self {
                if other == 0 { 0 } else { (self as $signed).wrapping_div(other as $signed) as $t }
            }
        }
    };
}

width!(u32, i32, w, set_w);
width!(u64, i64, x, set_x);

/// Returns whether the condition `cond` holds for the flags `nzcv` in bits 31:28 (ConditionHolds).
#[inline(always)]
pub(crate) const fn condition_holds(nzcv: u32, cond: u32) -> bool {
    (CONDITIONS[(cond & 15) as usize] >> (nzcv >> 28)) & 1 != 0
}

/// For each condition, the set of NZCV values (as a 16-bit mask) in which it holds.
static CONDITIONS: [u16; 16] = conditions();

const fn conditions() -> [u16; 16] {
    let mut table = [0; 16];
    let mut cond = 0;
    while cond < 16 {
        let mut flags = 0;
        while flags < 16 {
            let (n, z, c, v) = (flags & 8 != 0, flags & 4 != 0, flags & 2 != 0, flags & 1 != 0);
            let base = match cond >> 1 {
                0 => z,
                1 => c,
                2 => n,
                3 => v,
                4 => c && !z,
                5 => n == v,
                6 => n == v && !z,
                _ => true,
            };
            let holds = if cond & 1 != 0 && cond != 15 { !base } else { base };
            if holds {
                table[cond] |= 1 << flags;
            }
            flags += 1;
        }
        cond += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn condition_table_matches_the_manual_for_every_flag_combination() {
        for flags in 0..16u32 {
            let (n, z, c, v) = (flags & 8 != 0, flags & 4 != 0, flags & 2 != 0, flags & 1 != 0);
            let expected = [
                z,
                !z,
                c,
                !c,
                n,
                !n,
                v,
                !v,
                c && !z,
                !c || z,
                n == v,
                n != v,
                !z && n == v,
                z || n != v,
                true,
                true,
            ];
            for (cond, holds) in expected.into_iter().enumerate() {
                assert_eq!(condition_holds(flags << 28, cond as u32), holds, "cond {cond} nzcv {flags:04b}");
            }
        }
    }

    #[test]
    fn add_with_carry_sets_carry_and_overflow_at_the_boundaries() {
        assert_eq!(u64::MAX.add_with_carry(0, true), (0, nzcv(false, true, true, false)));
        assert_eq!(u32::MAX.add_with_carry(u32::MAX, true), (u32::MAX, nzcv(true, false, true, false)));
        assert_eq!(0x7fff_ffffu32.add_with_carry(1, false), (0x8000_0000, nzcv(true, false, false, true)));
        assert_eq!((1u64 << 63).add_with_carry(1 << 63, false), (0, nzcv(false, true, true, true)));
    }

    #[test]
    fn sub_flags_agrees_with_add_with_carry_of_the_complement() {
        let values = [0u32, 1, 2, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_fffe, 0xffff_ffff];
        for x in values {
            for y in values {
                assert_eq!(x.sub_flags(y), x.add_with_carry(!y, true), "{x:#x} - {y:#x}");
                let (x, y) = (x as i32 as u64, y as i32 as u64);
                assert_eq!(x.sub_flags(y), x.add_with_carry(!y, true), "{x:#x} - {y:#x}");
            }
        }
    }

    #[test]
    fn division_by_zero_gives_zero_and_the_minimum_by_minus_one_wraps() {
        assert_eq!(7u32.udiv(0), 0);
        assert_eq!(7u64.sdiv(0), 0);
        assert_eq!(0x8000_0000u32.sdiv(u32::MAX), 0x8000_0000);
        assert_eq!((1u64 << 63).sdiv(u64::MAX), 1 << 63);
    }

    #[test]
    fn sbits_sign_extends_the_field() {
        assert_eq!(sbits::<12, 9>(0x100 << 12), -256i64 as u64);
        assert_eq!(sbits::<12, 9>(0xff << 12 | 0xffe0_0fff), 255);
        assert_eq!(sbits::<0, 26>(0x0200_0000), -0x0200_0000i64 as u64);
    }
}
