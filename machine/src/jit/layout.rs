//! Where generated code finds things, and which host registers have a fixed use.

use super::x64::{Mem, Reg};
use crate::cpu::{CpuState, Mode, PState, Vcpu};
use crate::engine::Dispatch;
use crate::mmu::layout::{entry, tlb};
use std::mem::offset_of;

/// Points into the CPU, so that X0 to X30 and SP are within a signed byte.
pub(super) const CPU: Reg = Reg::Rbp;
/// VA of the block's first instruction.
pub(super) const PC: Reg = Reg::R13;
/// [`GuestRam::code_table_bias`](crate::ram::GuestRam::code_table_bias).
pub(super) const CODE_TABLE: Reg = Reg::R14;
/// The first level of the TLB.
pub(super) const TLB: Reg = Reg::R15;
/// Instructions until the limit, signed: [`END`] less this is the count of retired instructions.
pub(super) const BUDGET: Reg = Reg::R12;
/// Flags that x86 instructions computed and others have replaced: AH of LAHF, and overflow in bit 0. Above the return
/// address there is room for it.
pub(super) const FLAGS: Mem = Mem::new(Reg::Rsp, 0);
/// What guest registers are cached in. RAX, RCX, RDX and RSI are scratch.
pub(super) const CACHE: [Reg; 6] = [Reg::Rbx, Reg::Rdi, Reg::R8, Reg::R9, Reg::R10, Reg::R11];

/// Distance of [`CPU`] from the start of the CPU.
pub(super) const BIAS: usize = offset_of!(Vcpu, state) + offset_of!(CpuState, x) + 128;

const fn at(offset: usize) -> Mem {
    Mem::new(CPU, offset as i32 - BIAS as i32)
}

const fn state(offset: usize) -> Mem {
    at(offset_of!(Vcpu, state) + offset)
}

const fn dispatch(offset: usize) -> Mem {
    at(offset_of!(Vcpu, dispatch) + offset)
}

pub(super) const STATE_PC: Mem = state(offset_of!(CpuState, pc));
pub(super) const NZCV: Mem = state(offset_of!(CpuState, nzcv));
pub(super) const COUNT: Mem = state(offset_of!(CpuState, insn_count));
pub(super) const BTYPE: Mem = state(offset_of!(CpuState, pstate) + offset_of!(PState, btype));
pub(super) const BLOCK_PC: Mem = at(offset_of!(Vcpu, block_pc));
pub(super) const END: Mem = dispatch(offset_of!(Dispatch, end));
pub(super) const FP_TRAPS: Mem = at(offset_of!(Vcpu, mode) + offset_of!(Mode, fp_traps));
pub(super) const FP_CAREFUL: Mem = dispatch(offset_of!(Dispatch, fp_careful));
pub(super) const FPSR: Mem = state(offset_of!(CpuState, fpsr));
pub(super) const BRANCH_CACHE: Mem = dispatch(offset_of!(Dispatch, branch_cache));
/// The id of fetches from the low half, with -1 as index of the high half.
pub(super) const fn fetch_id(index: Reg) -> Mem {
    Mem::indexed(CPU, index, 3, (offset_of!(Vcpu, tlb) + tlb::FETCH_IDS + 8) as i32 - BIAS as i32)
}

/// Displacement from [`CPU`] of the id of fetches from the half that an address is in.
pub(super) const fn fetch_id_displacement(va: u64) -> i32 {
    let low = 8 * (va >> 55 & 1 ^ 1) as usize;
    (offset_of!(Vcpu, tlb) + tlb::FETCH_IDS + low) as i32 - BIAS as i32
}
pub(super) const NEED_READ: Mem = at(offset_of!(Vcpu, tlb) + tlb::NEED_READ);
pub(super) const NEED_WRITE: Mem = at(offset_of!(Vcpu, tlb) + tlb::NEED_WRITE);
/// Two bytes: whether TBI applies to fetches of the low and of the high half.
pub(super) const TBI: Mem = at(offset_of!(Vcpu, mode) + offset_of!(Mode, tbi_instruction));

/// The storage of X0 to X30, and of SP as register 31.
pub(super) const fn gpr(register: u8) -> Mem {
    state(offset_of!(CpuState, x) + 8 * register as usize)
}

const _: () = assert!(offset_of!(CpuState, sp) == offset_of!(CpuState, x) + 31 * 8);

/// Eight bytes of a vector register, counted in halves.
pub(super) const fn vector(register: u32, half: usize) -> Mem {
    state(offset_of!(CpuState, v) + 16 * register as usize + 8 * half)
}

/// A field of the current data [`Range`](crate::mmu) whose number times three is in `index`.
pub(super) const fn data_range(index: Reg, field: i32) -> Mem {
    let offset = offset_of!(Vcpu, tlb) + tlb::DATA;
    Mem::indexed(CPU, index, 3, offset as i32 - BIAS as i32 + field)
}

pub(super) use entry::{
    ENTRY_BYTES_LOG2, ENTRY_FAST, ENTRY_HOST, ENTRY_TAG, FIRST_MASK, RANGE_MASK, RANGE_OR, RANGE_SALT,
};
