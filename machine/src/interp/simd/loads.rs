//! Advanced SIMD load and store structures: `asisdlse`, `asisdlsep` (multiple), `asisdlso`, `asisdlsop`
//! (single).
//!
//! Every element is an access of its own in the architecture, aligned to its size. A run of elements is
//! moved in larger pieces where nobody can tell: in little-endian order, at addresses aligned to the piece.
//! Registers, the base included, change only after the last access.

use super::fields::{element, q, rn, splat};
use crate::cpu::Vcpu;
use crate::interp::{Abort, Exec, Flow, Handler};
use crate::mmu::Access;
use crate::ram::Mem;
use droste_arch::a64::{Encoding, Group};

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
            (0b0000, true) => load_multiple::<4, 4>,
            (0b0010, true) => load_multiple::<4, 1>,
            (0b0100, true) => load_multiple::<3, 3>,
            (0b0110, true) => load_multiple::<3, 1>,
            (0b0111, true) => load_multiple::<1, 1>,
            (0b1000, true) => load_multiple::<2, 2>,
            (0b1010, true) => load_multiple::<2, 1>,
            (0b0000, false) => store_multiple::<4, 4>,
            (0b0010, false) => store_multiple::<4, 1>,
            (0b0100, false) => store_multiple::<3, 3>,
            (0b0110, false) => store_multiple::<3, 1>,
            (0b0111, false) => store_multiple::<1, 1>,
            (0b1000, false) => store_multiple::<2, 2>,
            (0b1010, false) => store_multiple::<2, 1>,
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

/// The largest power of two, up to 16, that the address is aligned to and that is the element size or
/// larger; the element size alone in big-endian order.
#[inline(always)]
fn piece_bytes(cpu: &Vcpu, address: u64, element: usize, total: usize) -> usize {
    if cpu.tlb.is_big_endian() {
        return element;
    }
    let aligned = 1 << (address | total as u64 | 16).trailing_zeros();
    element.max(aligned)
}

/// Loads `bytes` from consecutive elements, as lanes have them.
#[inline(always)]
fn load_run(cpu: &mut Vcpu, address: u64, element: usize, bytes: &mut [u8]) -> Result<(), Abort> {
    fn run<T: Mem>(cpu: &mut Vcpu, address: u64, bytes: &mut [u8]) -> Result<(), Abort> {
        let size = T::SIZE as usize;
        for (i, part) in (0..).zip(bytes.chunks_exact_mut(size)) {
            let value = cpu.load::<T>(address.wrapping_add(i * T::SIZE), Access::NORMAL)?.to_u128();
            part.copy_from_slice(&value.to_le_bytes()[..size]);
        }
        Ok(())
    }
    match piece_bytes(cpu, address, element, bytes.len()) {
        1 => run::<u8>(cpu, address, bytes),
        2 => run::<u16>(cpu, address, bytes),
        4 => run::<u32>(cpu, address, bytes),
        8 => run::<u64>(cpu, address, bytes),
        _ => run::<u128>(cpu, address, bytes),
    }
}

/// Stores `bytes` to consecutive elements.
#[inline(always)]
fn store_run(cpu: &mut Vcpu, address: u64, element: usize, bytes: &[u8]) -> Result<(), Abort> {
    fn run<T: Mem>(cpu: &mut Vcpu, address: u64, bytes: &[u8]) -> Result<(), Abort> {
        let size = T::SIZE as usize;
        for (i, part) in (0..).zip(bytes.chunks_exact(size)) {
            let address = address.wrapping_add(i * T::SIZE);
            let mut value = [0; 16];
            value[..size].copy_from_slice(part);
            cpu.store(address, T::from_u128(u128::from_le_bytes(value)), Access::NORMAL)?;
        }
        Ok(())
    }
    match piece_bytes(cpu, address, element, bytes.len()) {
        1 => run::<u8>(cpu, address, bytes),
        2 => run::<u16>(cpu, address, bytes),
        4 => run::<u32>(cpu, address, bytes),
        8 => run::<u64>(cpu, address, bytes),
        _ => run::<u128>(cpu, address, bytes),
    }
}

/// Calls `f` with the places of each element: in memory, and in registers of `register` bytes laid end to
/// end. `SPAN` registers share a structure.
#[inline(always)]
fn each_element<const REGISTERS: usize, const SPAN: usize>(
    register: usize,
    size: usize,
    mut f: impl FnMut(usize, usize),
) {
    for group in (0..REGISTERS).step_by(SPAN) {
        for lane in 0..register / size {
            for r in 0..SPAN {
                let memory = group * register + (lane * SPAN + r) * size;
                f(memory, (group + r) * 16 + lane * size);
            }
        }
    }
}

fn load_multiple<const REGISTERS: usize, const SPAN: usize>(cpu: &mut Vcpu, w: u32) -> Exec {
    let register = if q(w) { 16 } else { 8 };
    if SPAN > 1 && size(w) == 3 && !q(w) {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let address = base(cpu, w)?;
    let element = 1 << size(w);
    let total = REGISTERS * register;
    let mut memory = [[0u8; 16]; REGISTERS];
    let memory = &mut memory.as_flattened_mut()[..total];
    load_run(cpu, address, element, memory)?;
    let mut lanes = [[0u8; 16]; REGISTERS];
    let flat = lanes.as_flattened_mut();
    if SPAN == 1 {
        for (to, from) in flat.chunks_exact_mut(16).zip(memory.chunks_exact(register)) {
            to[..register].copy_from_slice(from);
        }
    } else {
        each_element::<REGISTERS, SPAN>(register, element, |at, lane| {
            flat[lane..lane + element].copy_from_slice(&memory[at..at + element]);
        });
    }
    for (i, value) in (0..).zip(lanes) {
        cpu.set_v(rt(w) + i, u128::from_le_bytes(value));
    }
    write_back(cpu, w, address, total as u64)
}

fn store_multiple<const REGISTERS: usize, const SPAN: usize>(cpu: &mut Vcpu, w: u32) -> Exec {
    let register = if q(w) { 16 } else { 8 };
    if SPAN > 1 && size(w) == 3 && !q(w) {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let address = base(cpu, w)?;
    let element = 1 << size(w);
    let total = REGISTERS * register;
    let mut lanes = [[0u8; 16]; REGISTERS];
    for (i, value) in (0..).zip(&mut lanes) {
        *value = cpu.v(rt(w) + i).to_le_bytes();
    }
    let flat = lanes.as_flattened();
    let mut memory = [[0u8; 16]; REGISTERS];
    let memory = &mut memory.as_flattened_mut()[..total];
    if SPAN == 1 {
        for (to, from) in memory.chunks_exact_mut(register).zip(flat.chunks_exact(16)) {
            to.copy_from_slice(&from[..register]);
        }
    } else {
        each_element::<REGISTERS, SPAN>(register, element, |at, lane| {
            memory[at..at + element].copy_from_slice(&flat[lane..lane + element]);
        });
    }
    store_run(cpu, address, element, memory)?;
    write_back(cpu, w, address, total as u64)
}

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

fn load_single(cpu: &mut Vcpu, w: u32) -> Exec {
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

fn store_single(cpu: &mut Vcpu, w: u32) -> Exec {
    cpu.check_fp()?;
    let address = base(cpu, w)?;
    let ((size, index), span) = (size_and_index(w), span(w));
    for i in 0..span {
        let value = element(cpu.v(rt(w) + i), size, index);
        store_element(cpu, address.wrapping_add(u64::from(i) << size), size, value, Access::NORMAL)?;
    }
    write_back(cpu, w, address, u64::from(span) << size)
}

fn load_replicate(cpu: &mut Vcpu, w: u32) -> Exec {
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
fn ordered_doubleword(cpu: &mut Vcpu, w: u32) -> Exec {
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
