//! Advanced SIMD load and store structures: `asisdlse`, `asisdlsep` (multiple), `asisdlso`, `asisdlsop`
//! (single).
//!
//! Every element is an access of its own in the architecture, aligned to its size. A run of elements is
//! moved in larger pieces where nobody can tell: in little-endian order, at addresses aligned to the piece.
//! Registers, the base included, change only after the last access.

use super::fields::{element, q, rn, splat};
use super::lanes::{Int, flat, flat_mut, lanes_mut};
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

/// The piece that a run of elements is moved in, as the logarithm of its bytes: the largest that the
/// address is aligned to, and the element at least; the element alone in big-endian order.
#[inline(always)]
fn piece(cpu: &Vcpu, address: u64, size: u32, total: u64) -> u32 {
    if cpu.tlb.is_big_endian() { size } else { size.max((address | total | 16).trailing_zeros()) }
}

/// Loads the first `total` bytes of `memory` from consecutive elements of `1 << size` bytes.
#[inline(always)]
fn load_run(cpu: &mut Vcpu, address: u64, size: u32, memory: &mut [u128], total: u64) -> Result<(), Abort> {
    #[inline(always)]
    fn run<T: Mem + Int>(cpu: &mut Vcpu, at: u64, memory: &mut [u128], total: u64) -> Result<(), Abort> {
        let count = total / T::SIZE;
        for (i, lane) in (0..count).zip(flat_mut::<T>(memory)) {
            *lane = cpu.load::<T>(at.wrapping_add(i * T::SIZE), Access::NORMAL)?;
        }
        Ok(())
    }
    match piece(cpu, address, size, total) {
        0 => run::<u8>(cpu, address, memory, total),
        1 => run::<u16>(cpu, address, memory, total),
        2 => run::<u32>(cpu, address, memory, total),
        3 => run::<u64>(cpu, address, memory, total),
        _ => {
            for (i, register) in (0..total / 16).zip(memory) {
                *register = cpu.load::<u128>(address.wrapping_add(16 * i), Access::NORMAL)?;
            }
            Ok(())
        }
    }
}

/// Stores the first `total` bytes of `memory` to consecutive elements of `1 << size` bytes.
#[inline(always)]
fn store_run(cpu: &mut Vcpu, address: u64, size: u32, memory: &[u128], total: u64) -> Result<(), Abort> {
    #[inline(always)]
    fn run<T: Mem + Int>(cpu: &mut Vcpu, at: u64, memory: &[u128], total: u64) -> Result<(), Abort> {
        let count = total / T::SIZE;
        for (i, lane) in (0..count).zip(flat::<T>(memory)) {
            cpu.store::<T>(at.wrapping_add(i * T::SIZE), *lane, Access::NORMAL)?;
        }
        Ok(())
    }
    match piece(cpu, address, size, total) {
        0 => run::<u8>(cpu, address, memory, total),
        1 => run::<u16>(cpu, address, memory, total),
        2 => run::<u32>(cpu, address, memory, total),
        3 => run::<u64>(cpu, address, memory, total),
        _ => {
            for (i, register) in (0..total / 16).zip(memory) {
                cpu.store(address.wrapping_add(16 * i), *register, Access::NORMAL)?;
            }
            Ok(())
        }
    }
}

/// Takes structures of `SPAN` lanes apart: lane `i` of register `r` is lane `SPAN * i + r` in memory.
#[inline(never)]
fn take_apart<T: Int, const SPAN: usize>(memory: &[u128; SPAN], registers: &mut [u128; SPAN], q: bool) {
    let lanes = if q { T::COUNT } else { T::COUNT / 2 };
    let memory = flat::<T>(memory);
    for (r, register) in registers.iter_mut().enumerate() {
        for (i, lane) in lanes_mut::<T>(register)[..lanes].iter_mut().enumerate() {
            *lane = memory[SPAN * i + r];
        }
    }
}

/// The reverse of [`take_apart`].
#[inline(never)]
fn put_together<T: Int, const SPAN: usize>(registers: &[u128; SPAN], memory: &mut [u128; SPAN], q: bool) {
    let lanes = if q { T::COUNT } else { T::COUNT / 2 };
    let memory = flat_mut::<T>(memory);
    for (r, register) in registers.iter().enumerate() {
        for (i, lane) in flat::<T>(std::slice::from_ref(register))[..lanes].iter().enumerate() {
            memory[SPAN * i + r] = *lane;
        }
    }
}

/// LD1: consecutive registers.
fn load_registers<const REGISTERS: usize>(cpu: &mut Vcpu, w: u32) -> Exec {
    cpu.check_fp()?;
    let address = base(cpu, w)?;
    let mut memory = [0; REGISTERS];
    let total = registers_bytes(w, REGISTERS);
    load_run(cpu, address, size(w), &mut memory, total)?;
    for i in 0..REGISTERS {
        let value = if q(w) { memory[i] } else { element(memory[i / 2], 3, i as u32 % 2).into() };
        cpu.set_v(rt(w) + i as u32, value);
    }
    write_back(cpu, w, address, total)
}

/// ST1: consecutive registers.
fn store_registers<const REGISTERS: usize>(cpu: &mut Vcpu, w: u32) -> Exec {
    cpu.check_fp()?;
    let address = base(cpu, w)?;
    let mut memory = [0; REGISTERS];
    for i in 0..REGISTERS {
        let value = cpu.v(rt(w) + i as u32);
        if q(w) {
            memory[i] = value;
        } else {
            memory[i / 2] |= u128::from(value as u64) << (64 * (i % 2));
        }
    }
    let total = registers_bytes(w, REGISTERS);
    store_run(cpu, address, size(w), &memory, total)?;
    write_back(cpu, w, address, total)
}

/// LD2, LD3, LD4: structures over `SPAN` registers.
fn load_structures<const SPAN: usize>(cpu: &mut Vcpu, w: u32) -> Exec {
    if size(w) == 3 && !q(w) {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let address = base(cpu, w)?;
    let (mut memory, mut registers) = ([0; SPAN], [0; SPAN]);
    let total = registers_bytes(w, SPAN);
    load_run(cpu, address, size(w), &mut memory, total)?;
    match size(w) {
        0 => take_apart::<u8, SPAN>(&memory, &mut registers, q(w)),
        1 => take_apart::<u16, SPAN>(&memory, &mut registers, q(w)),
        2 => take_apart::<u32, SPAN>(&memory, &mut registers, q(w)),
        _ => take_apart::<u64, SPAN>(&memory, &mut registers, q(w)),
    }
    for (i, value) in (0..).zip(registers) {
        cpu.set_v(rt(w) + i, value);
    }
    write_back(cpu, w, address, total)
}

/// ST2, ST3, ST4: structures over `SPAN` registers.
fn store_structures<const SPAN: usize>(cpu: &mut Vcpu, w: u32) -> Exec {
    if size(w) == 3 && !q(w) {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let address = base(cpu, w)?;
    let mut memory = [0; SPAN];
    let registers = std::array::from_fn(|i| cpu.v(rt(w) + i as u32));
    match size(w) {
        0 => put_together::<u8, SPAN>(&registers, &mut memory, q(w)),
        1 => put_together::<u16, SPAN>(&registers, &mut memory, q(w)),
        2 => put_together::<u32, SPAN>(&registers, &mut memory, q(w)),
        _ => put_together::<u64, SPAN>(&registers, &mut memory, q(w)),
    }
    let total = registers_bytes(w, SPAN);
    store_run(cpu, address, size(w), &memory, total)?;
    write_back(cpu, w, address, total)
}

/// The size of `count` registers as long as the vectors.
#[inline(always)]
fn registers_bytes(w: u32, count: usize) -> u64 {
    (count as u64) << if q(w) { 4 } else { 3 }
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
