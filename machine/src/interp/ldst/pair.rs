//! Register pairs that are accessed as one unit: which half of the unit the first register is.

use crate::cpu::Vcpu;
use crate::interp::Abort;
use crate::mmu::Access;
use crate::ram::Mem;
use droste_arch::fields::sctlr_el1;

impl Vcpu {
    /// Returns whether data accesses of the current Exception level are big-endian (BigEndian).
    #[inline(always)]
    fn data_is_big_endian(&self) -> bool {
        if self.mode.el == 0 { sctlr_el1::E0E } else { sctlr_el1::EE }.is_set(self.mode.sctlr)
    }

    /// Splits a unit of memory into the first and second W register; the first has the lower address.
    #[inline(always)]
    pub(super) fn split_32(&self, unit: u64) -> (u32, u32) {
        let (low, high) = (unit as u32, (unit >> 32) as u32);
        if self.data_is_big_endian() { (high, low) } else { (low, high) }
    }

    /// Splits a unit of memory into the first and second X register; the first has the lower address.
    #[inline(always)]
    pub(super) fn split_64(&self, unit: u128) -> (u64, u64) {
        let (low, high) = (unit as u64, (unit >> 64) as u64);
        if self.data_is_big_endian() { (high, low) } else { (low, high) }
    }

    /// Makes a unit of memory of the first and second W register.
    #[inline(always)]
    pub(super) fn join_32(&self, first: u32, second: u32) -> u64 {
        let (low, high) = if self.data_is_big_endian() { (second, first) } else { (first, second) };
        u64::from(high) << 32 | u64::from(low)
    }

    /// Makes a unit of memory of the first and second X register.
    #[inline(always)]
    pub(super) fn join_64(&self, first: u64, second: u64) -> u128 {
        let (low, high) = if self.data_is_big_endian() { (second, first) } else { (first, second) };
        u128::from(high) << 64 | u128::from(low)
    }
}

/// Whether two doublewords at `address` are one access: faster than two, and single-copy atomic as FEAT_LSE2 wants. A
/// device sees two all the same, where two words would be one to it.
#[inline(always)]
fn is_one_access<U: Mem>(cpu: &Vcpu, address: u64) -> bool {
    U::SIZE == 8 && address & 15 == 0 && !cpu.data_is_big_endian()
}

/// Loads two adjacent units.
#[inline(always)]
pub(super) fn load_two<U: Mem>(cpu: &mut Vcpu, address: u64, how: Access) -> Result<(U, U), Abort> {
    if is_one_access::<U>(cpu, address) {
        let both = cpu.load::<u128>(address, how)?;
        return Ok((U::from_u128(both), U::from_u128(both >> 64)));
    }
    if U::SIZE == 4
        && let Some(both) = cpu.load_words(address, how)?
    {
        return Ok((U::from_u128(u128::from(both)), U::from_u128(u128::from(both >> 32))));
    }
    let first = cpu.load::<U>(address, how)?;
    let second = cpu.load::<U>(address.wrapping_add(U::SIZE), how)?;
    Ok((first, second))
}

/// Stores two adjacent units.
#[inline(always)]
pub(super) fn store_two<U: Mem>(
    cpu: &mut Vcpu,
    address: u64,
    (first, second): (U, U),
    how: Access,
) -> Result<(), Abort> {
    if is_one_access::<U>(cpu, address) {
        return cpu.store::<u128>(address, second.to_u128() << 64 | first.to_u128(), how);
    }
    if U::SIZE == 4 && cpu.store_words(address, (second.to_u128() << 32 | first.to_u128()) as u64, how)? {
        return Ok(());
    }
    cpu.store::<U>(address, first, how)?;
    cpu.store::<U>(address.wrapping_add(U::SIZE), second, how)
}
