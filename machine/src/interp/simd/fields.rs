//! Fields that the vector encodings share, and how their results reach the registers.

use super::loops::Out;
use crate::cpu::Vcpu;
use crate::interp::{Exec, Flow};

/// Lane sizes that an encoding allows, as bits by the logarithm of the size in bytes.
pub(super) mod sizes {
    /// Bytes.
    pub(crate) const B: u8 = 0b0001;
    /// Bytes and halfwords.
    pub(crate) const BH: u8 = 0b0011;
    /// Halfwords and words.
    pub(crate) const HS: u8 = 0b0110;
    /// Bytes, halfwords and words.
    pub(crate) const BHS: u8 = 0b0111;
    /// All sizes; doublewords in full registers only.
    pub(crate) const ALL: u8 = 0b1111;
}

#[inline(always)]
pub(super) fn rd(w: u32) -> u32 {
    w & 31
}

#[inline(always)]
pub(super) fn rn(w: u32) -> u32 {
    w >> 5 & 31
}

#[inline(always)]
pub(super) fn rm(w: u32) -> u32 {
    w >> 16 & 31
}

/// Whether the vector is 128 bits long, or a long or narrow form uses the upper half.
#[inline(always)]
pub(super) fn q(w: u32) -> bool {
    w >> 30 & 1 != 0
}

#[inline(always)]
pub(super) fn size(w: u32) -> u32 {
    w >> 22 & 3
}

/// A vector register in place.
#[inline(always)]
pub(super) fn v(cpu: &Vcpu, r: u32) -> &u128 {
    &cpu.state.v[(r & 31) as usize]
}

/// The lowest `bits` bits.
#[inline(always)]
pub(super) fn low(bits: u32) -> u128 {
    u128::MAX >> (128 - bits)
}

/// Sets FPSR.QC.
#[cold]
pub(super) fn set_qc(cpu: &mut Vcpu) {
    cpu.state.fpsr |= 1 << 27;
}

/// Writes a vector of 64 or 128 bits.
#[inline(always)]
pub(super) fn finish(cpu: &mut Vcpu, w: u32, out: &Out) -> Exec {
    let saturated = if q(w) { out.saturated } else { out.saturated & low(64) };
    if saturated != 0 {
        set_qc(cpu);
    }
    set_vector(cpu, w, out.value)
}

/// Writes a vector of 64 or 128 bits that cannot have saturated.
#[inline(always)]
pub(super) fn set_vector(cpu: &mut Vcpu, w: u32, value: u128) -> Exec {
    cpu.set_v(rd(w), if q(w) { value } else { value & low(64) });
    Ok(Flow::Next)
}

/// Writes lane 0, which is `bits` wide, and clears the rest of the register.
#[inline(always)]
pub(super) fn finish_scalar(cpu: &mut Vcpu, w: u32, out: &Out, bits: u32) -> Exec {
    if out.saturated & low(bits) != 0 {
        set_qc(cpu);
    }
    cpu.set_v(rd(w), out.value & low(bits));
    Ok(Flow::Next)
}

/// Writes a whole register.
#[inline(always)]
pub(super) fn finish_full(cpu: &mut Vcpu, w: u32, out: &Out) -> Exec {
    if out.saturated != 0 {
        set_qc(cpu);
    }
    cpu.set_v(rd(w), out.value);
    Ok(Flow::Next)
}

/// Writes the upper half and keeps the lower (the `2` forms), or writes the lower and clears the upper.
#[inline(always)]
pub(super) fn set_half(cpu: &mut Vcpu, w: u32, value: u64) -> Exec {
    let old = cpu.v(rd(w));
    let value = u128::from(value);
    cpu.set_v(rd(w), if q(w) { old & low(64) | value << 64 } else { value });
    Ok(Flow::Next)
}

/// Lane `index` of lanes of `8 << size` bits.
#[inline(always)]
pub(super) fn element(v: u128, size: u32, index: u32) -> u64 {
    let bits = 8 << size;
    (v >> (index * bits)) as u64 & (u64::MAX >> (64 - bits))
}

/// A register whose lanes of `8 << size` bits all have one value, which fits.
#[inline(always)]
pub(super) fn splat(value: u64, size: u32) -> u128 {
    let ones = [0x0101_0101_0101_0101u64, 0x0001_0001_0001_0001, 0x0000_0001_0000_0001, 1];
    let d = u128::from(value.wrapping_mul(ones[(size & 3) as usize]));
    d | d << 64
}
