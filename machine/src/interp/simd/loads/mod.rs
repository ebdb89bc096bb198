//! Advanced SIMD load and store structures: `asisdlse`, `asisdlsep` (multiple), `asisdlso`, `asisdlsop`
//! (single).
//!
//! Every element is an access of its own in the architecture, aligned to its size. Registers, the base
//! included, change only after the last access.

mod multiple;
mod single;

use super::fields::rn;
use crate::cpu::Vcpu;
use crate::interp::{Abort, Exec, Flow, Handler};
use droste_arch::a64::{Encoding, Group};
use multiple::{load_registers, load_structures, store_registers, store_structures};
use single::{load_replicate, load_single, ordered_doubleword, store_single};

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Group as G;
    if matches!(e, Encoding::LDAP1_asisdlso_D1 | Encoding::STL1_asisdlso_D1) {
        return Some(ordered_doubleword);
    }
    let load = e.value() >> 22 & 1 != 0;
    let opcode = e.value() >> 12 & 15;
    Some(match e.group() {
        // The opcode gives how many registers, and how many of them one structure spans.
        G::LdstAsisdlse | G::LdstAsisdlsep => match (opcode, load) {
            (0b0000, true) => load_structures::<4>,
            (0b0010, true) => load_registers::<4>,
            (0b0100, true) => load_structures::<3>,
            (0b0110, true) => load_registers::<3>,
            (0b0111, true) => load_registers::<1>,
            (0b1000, true) => load_structures::<2>,
            (0b1010, true) => load_registers::<2>,
            (0b0000, false) => store_structures::<4>,
            (0b0010, false) => store_registers::<4>,
            (0b0100, false) => store_structures::<3>,
            (0b0110, false) => store_registers::<3>,
            (0b0111, false) => store_registers::<1>,
            (0b1000, false) => store_structures::<2>,
            (0b1010, false) => store_registers::<2>,
            _ => return None,
        },
        G::LdstAsisdlso | G::LdstAsisdlsop => match (opcode >> 2, load) {
            (3, true) => load_replicate,
            (_, true) => load_single,
            (_, false) => store_single,
        },
        _ => return None,
    })
}

#[inline(always)]
fn rt(w: u32) -> u32 {
    w & 31
}

#[inline(always)]
fn size(w: u32) -> u32 {
    w >> 10 & 3
}

/// The address in the base register.
#[inline(always)]
fn base(cpu: &mut Vcpu, w: u32) -> Result<u64, Abort> {
    if rn(w) == 31 {
        cpu.check_sp_alignment()?;
    }
    Ok(cpu.xsp(rn(w)))
}

/// Writes the base back in the post-indexed forms: by a register, or by the size of the transfer.
#[inline(always)]
fn write_back(cpu: &mut Vcpu, w: u32, base: u64, bytes: u64) -> Exec {
    if w >> 23 & 1 != 0 {
        let rm = w >> 16 & 31;
        let offset = if rm == 31 { bytes } else { cpu.x(rm) };
        cpu.set_xsp(rn(w), base.wrapping_add(offset));
    }
    Ok(Flow::Next)
}
