//! Single structures: one element of each register, or one for all elements (LD1R to LD4R).

use super::{base, rt, size, write_back};
use crate::cpu::Vcpu;
use crate::interp::simd::fields::{element, q, splat};
use crate::interp::{Abort, Exec, Flow};
use crate::mmu::Access;

/// The number of registers of a single structure.
#[inline(always)]
fn span(w: u32) -> u32 {
    ((w >> 13 & 1) << 1 | (w >> 21 & 1)) + 1
}

/// The element size and index of a single structure.
#[inline(always)]
fn size_and_index(w: u32) -> (u32, u32) {
    let position = (w >> 30 & 1) << 3 | (w >> 12 & 1) << 2 | size(w);
    match w >> 14 & 3 {
        0 => (0, position),
        1 => (1, position >> 1),
        // The size field tells words (0) from doublewords (1).
        _ if size(w) == 0 => (2, position >> 2),
        _ => (3, position >> 3),
    }
}

fn load_element(cpu: &mut Vcpu, address: u64, size: u32, how: Access) -> Result<u64, Abort> {
    Ok(match size {
        0 => cpu.load::<u8>(address, how)?.into(),
        1 => cpu.load::<u16>(address, how)?.into(),
        2 => cpu.load::<u32>(address, how)?.into(),
        _ => cpu.load::<u64>(address, how)?,
    })
}

fn store_element(cpu: &mut Vcpu, address: u64, size: u32, value: u64, how: Access) -> Result<(), Abort> {
    match size {
        0 => cpu.store(address, value as u8, how),
        1 => cpu.store(address, value as u16, how),
        2 => cpu.store(address, value as u32, how),
        _ => cpu.store(address, value, how),
    }
}

/// The elements of one structure, loaded before any register changes.
fn load_structure(cpu: &mut Vcpu, address: u64, size: u32, span: u32) -> Result<[u64; 4], Abort> {
    let mut values = [0; 4];
    for (i, value) in (0..span).zip(&mut values) {
        *value = load_element(cpu, address.wrapping_add(u64::from(i) << size), size, Access::NORMAL)?;
    }
    Ok(values)
}

pub(super) fn load_single(cpu: &mut Vcpu, w: u32) -> Exec {
    cpu.check_fp()?;
    let address = base(cpu, w)?;
    let ((size, index), span) = (size_and_index(w), span(w));
    let values = load_structure(cpu, address, size, span)?;
    let (bits, at) = (8u32 << size, index * (8 << size));
    let hole = !((u128::MAX >> (128 - bits)) << at);
    for (i, value) in (0..span).zip(values) {
        let old = cpu.v(rt(w) + i);
        cpu.set_v(rt(w) + i, (old & hole) | u128::from(value) << at);
    }
    write_back(cpu, w, address, u64::from(span) << size)
}

pub(super) fn store_single(cpu: &mut Vcpu, w: u32) -> Exec {
    cpu.check_fp()?;
    let address = base(cpu, w)?;
    let ((size, index), span) = (size_and_index(w), span(w));
    for i in 0..span {
        let value = element(cpu.v(rt(w) + i), size, index);
        store_element(cpu, address.wrapping_add(u64::from(i) << size), size, value, Access::NORMAL)?;
    }
    write_back(cpu, w, address, u64::from(span) << size)
}

pub(super) fn load_replicate(cpu: &mut Vcpu, w: u32) -> Exec {
    cpu.check_fp()?;
    let address = base(cpu, w)?;
    let (size, span) = (size(w), span(w));
    let values = load_structure(cpu, address, size, span)?;
    let keep = if q(w) { u128::MAX } else { u128::MAX >> 64 };
    for (i, value) in (0..span).zip(values) {
        cpu.set_v(rt(w) + i, splat(value, size) & keep);
    }
    write_back(cpu, w, address, u64::from(span) << size)
}

/// LDAP1 and STL1.
pub(super) fn ordered_doubleword(cpu: &mut Vcpu, w: u32) -> Exec {
    cpu.check_fp()?;
    let address = base(cpu, w)?;
    let at = 64 * (w >> 30 & 1);
    let old = cpu.v(rt(w));
    if w >> 22 & 1 != 0 {
        let value = cpu.load::<u64>(address, Access::ORDERED)?;
        cpu.set_v(rt(w), (old & !(u128::from(u64::MAX) << at)) | u128::from(value) << at);
    } else {
        cpu.store(address, (old >> at) as u64, Access::ORDERED)?;
    }
    Ok(Flow::Next)
}
