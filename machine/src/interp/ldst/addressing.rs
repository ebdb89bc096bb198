//! Addressing modes of single-register loads and stores, and the two handlers made of them.

use super::base;
use super::transfer::{Transfer, with_syndrome};
use crate::cpu::Vcpu;
use crate::interp::operand::{bits, rd, rm, rn, sbits};
use crate::interp::{Exec, Flow};
use crate::mmu::Access;

/// An addressing mode.
pub(crate) trait Addressing: 'static {
    /// Whether the base register is written.
    const WRITEBACK: bool = false;
    /// Whether the access is made as if at EL0.
    const UNPRIVILEGED: bool = false;
    /// Whether a store of the mode releases and a load of it acquires.
    const ORDERED: bool = false;

    /// Returns whether the word has a reserved value in the fields of the mode.
    #[inline(always)]
    fn is_reserved(_insn: u32) -> bool {
        false
    }

    /// Returns the address of the access of `1 << scale` bytes, and the new base.
    fn address(cpu: &Vcpu, base: u64, insn: u32, scale: u32) -> (u64, u64);
}

/// Base plus a scaled unsigned offset.
pub(crate) struct Scaled;
/// Base plus a signed byte offset.
pub(crate) struct Unscaled;
/// Base, then base plus a signed byte offset is written back.
pub(crate) struct PostIndex;
/// Base plus a signed byte offset, which is written back.
pub(crate) struct PreIndex;
/// Base plus an extended and optionally scaled register.
pub(crate) struct Register;
/// Base plus a signed byte offset, with the permissions of EL0.
pub(crate) struct Unprivileged;
/// Base plus a signed byte offset, acquiring or releasing.
pub(crate) struct UnscaledOrdered;

impl Addressing for Scaled {
    #[inline(always)]
    fn address(_cpu: &Vcpu, base: u64, insn: u32, scale: u32) -> (u64, u64) {
        (base.wrapping_add(u64::from(bits::<10, 12>(insn)) << scale), base)
    }
}

impl Addressing for Unscaled {
    #[inline(always)]
    fn address(_cpu: &Vcpu, base: u64, insn: u32, _scale: u32) -> (u64, u64) {
        (base.wrapping_add(sbits::<12, 9>(insn)), base)
    }
}

impl Addressing for PostIndex {
    const WRITEBACK: bool = true;

    #[inline(always)]
    fn address(_cpu: &Vcpu, base: u64, insn: u32, _scale: u32) -> (u64, u64) {
        (base, base.wrapping_add(sbits::<12, 9>(insn)))
    }
}

impl Addressing for PreIndex {
    const WRITEBACK: bool = true;

    #[inline(always)]
    fn address(_cpu: &Vcpu, base: u64, insn: u32, _scale: u32) -> (u64, u64) {
        let address = base.wrapping_add(sbits::<12, 9>(insn));
        (address, address)
    }
}

impl Addressing for Register {
    // Only the extensions of words and doublewords exist.
    #[inline(always)]
    fn is_reserved(insn: u32) -> bool {
        insn & 1 << 14 == 0
    }

    #[inline(always)]
    fn address(cpu: &Vcpu, base: u64, insn: u32, scale: u32) -> (u64, u64) {
        let m = cpu.x(rm(insn));
        let offset = match bits::<13, 3>(insn) {
            0b010 => u64::from(m as u32),
            0b110 => m as i32 as u64,
            _ => m,
        };
        (base.wrapping_add(offset << (bits::<12, 1>(insn) * scale)), base)
    }
}

impl Addressing for Unprivileged {
    const UNPRIVILEGED: bool = true;

    #[inline(always)]
    fn address(_cpu: &Vcpu, base: u64, insn: u32, _scale: u32) -> (u64, u64) {
        (base.wrapping_add(sbits::<12, 9>(insn)), base)
    }
}

impl Addressing for UnscaledOrdered {
    const ORDERED: bool = true;

    #[inline(always)]
    fn address(_cpu: &Vcpu, base: u64, insn: u32, _scale: u32) -> (u64, u64) {
        (base.wrapping_add(sbits::<12, 9>(insn)), base)
    }
}

#[inline(always)]
fn access<A: Addressing, T: Transfer>(insn: u32) -> Access {
    let how = if A::UNPRIVILEGED {
        Access::UNPRIV
    } else if A::ORDERED {
        Access::ORDERED
    } else {
        Access::NORMAL
    };
    if A::WRITEBACK { how } else { with_syndrome::<T>(how, rd(insn), A::ORDERED) }
}

/// Executes a load of one register.
pub(crate) fn load<A: Addressing, T: Transfer>(cpu: &mut Vcpu, insn: u32) -> Exec {
    if A::is_reserved(insn) {
        return Err(cpu.undefined());
    }
    T::check(cpu)?;
    let base = base(cpu, insn)?;
    let (address, updated) = A::address(cpu, base, insn, T::SCALE);
    let value = cpu.load::<T::Unit>(address, access::<A, T>(insn))?;
    if A::WRITEBACK {
        cpu.set_xsp(rn(insn), updated);
    }
    T::set(cpu, rd(insn), value);
    Ok(Flow::Next)
}

/// Executes a store of one register.
pub(crate) fn store<A: Addressing, T: Transfer>(cpu: &mut Vcpu, insn: u32) -> Exec {
    if A::is_reserved(insn) {
        return Err(cpu.undefined());
    }
    T::check(cpu)?;
    let base = base(cpu, insn)?;
    let (address, updated) = A::address(cpu, base, insn, T::SCALE);
    cpu.store::<T::Unit>(address, T::get(cpu, rd(insn)), access::<A, T>(insn))?;
    if A::WRITEBACK {
        cpu.set_xsp(rn(insn), updated);
    }
    Ok(Flow::Next)
}
