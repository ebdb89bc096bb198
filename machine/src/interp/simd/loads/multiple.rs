//! Multiple structures: LD1 to LD4 and ST1 to ST4 of whole registers.
//!
//! A run of elements is moved in larger pieces where nobody can tell: in little-endian order, at addresses
//! aligned to the piece.

use super::{base, rt, size, write_back};
use crate::cpu::Vcpu;
use crate::interp::simd::fields::{element, q};
use crate::interp::simd::lanes::{Int, flat, flat_mut, lanes_mut};
use crate::interp::{Abort, Exec};
use crate::mmu::Access;
use crate::ram::Mem;

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
pub(super) fn load_registers<const REGISTERS: usize>(cpu: &mut Vcpu, w: u32) -> Exec {
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
pub(super) fn store_registers<const REGISTERS: usize>(cpu: &mut Vcpu, w: u32) -> Exec {
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
pub(super) fn load_structures<const SPAN: usize>(cpu: &mut Vcpu, w: u32) -> Exec {
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
pub(super) fn store_structures<const SPAN: usize>(cpu: &mut Vcpu, w: u32) -> Exec {
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
