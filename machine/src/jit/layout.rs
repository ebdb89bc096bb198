//! Where generated code finds things, and which host registers have a fixed use.

use super::x64::{Mem, Reg};
use crate::cpu::{CpuState, Exclusive, Mode, PState, Vcpu};
use crate::engine::{Dispatch, SlotPage, Span};
use crate::mmu::Route;
use crate::mmu::layout::{inline, tlb};
use crate::pauth::{NativePointers, PointerRange};
use crate::sysreg::View;
use droste_arch::sysreg::SysReg;
use std::mem::offset_of;

pub(super) use crate::pauth::ROUNDS as PAC_ROUNDS;

/// Points into the CPU, so that X0 to X30 and SP are within a signed byte.
pub(super) const CPU: Reg = Reg::Rbp;
/// VA of the block's first instruction.
pub(super) const PC: Reg = Reg::R13;
/// Host address less guest address of the page of a run of accesses, or 0: see [`Span`].
pub(super) const SPAN: Reg = Reg::R14;
/// The window of the inline table that serves the current address space.
pub(super) const TLB: Reg = Reg::R15;
/// Instructions until the limit, signed: [`END`] less this is the count of retired instructions.
pub(super) const BUDGET: Reg = Reg::R12;
/// What guest registers are cached in; the last only in blocks that have no [`SPAN`]. RAX, RCX, RDX and RSI are scratch.
pub(super) const CACHE: [Reg; 7] = [Reg::Rbx, Reg::Rdi, Reg::R8, Reg::R9, Reg::R10, Reg::R11, SPAN];

/// Distance of [`CPU`] from the start of the CPU.
pub(super) const BIAS: usize = offset_of!(Vcpu, state) + offset_of!(CpuState, x) + 128;

const fn at(offset: usize) -> Mem {
    Mem::new(CPU, offset as i32 - BIAS as i32)
}

/// A part of the CPU's architectural state.
pub(super) const fn state(offset: usize) -> Mem {
    at(offset_of!(Vcpu, state) + offset)
}

const fn dispatch(offset: usize) -> Mem {
    at(offset_of!(Vcpu, dispatch) + offset)
}

pub(super) const STATE_PC: Mem = state(offset_of!(CpuState, pc));
/// In the form of [`Nzcv`](crate::cpu::Nzcv).
pub(super) const NZCV: Mem = state(offset_of!(CpuState, nzcv));
pub(super) const COUNT: Mem = state(offset_of!(CpuState, insn_count));
pub(super) const BTYPE: Mem = state(offset_of!(CpuState, pstate) + offset_of!(PState, btype));
pub(super) const DAIF: Mem = state(offset_of!(CpuState, pstate) + offset_of!(PState, daif));
pub(super) const HCR: Mem = state(View::stored(SysReg::HCR_EL2).offset);
/// The keys that shared code may sign with, as bits by [`PacKey`](crate::pauth::PacKey).
pub(super) const PAC_KEYS: Mem =
    at(offset_of!(Vcpu, mode) + offset_of!(Mode, pointers) + offset_of!(NativePointers, keys));
/// The interrupt inputs when the run loop looked last, or what was found of them since.
pub(super) const SEEN_PINS: Mem = dispatch(offset_of!(Dispatch, seen_pins));
/// The epoch of code that was looked at last.
pub(super) const SEEN_CODE: Mem = dispatch(offset_of!(Dispatch, seen_code));
/// Where a guard failed when code was executed.
pub(super) const STALE: Mem = dispatch(offset_of!(Dispatch, stale));
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
pub(super) const WINDOW: Mem = at(offset_of!(Vcpu, tlb) + tlb::WINDOW);
/// The window of register accesses that FEAT_NV2 transforms.
pub(super) const NV2_WINDOW: Mem = at(offset_of!(Vcpu, tlb) + tlb::NV2_WINDOW);
/// The address of their page.
pub(super) const VNCR: Mem = state(View::stored(SysReg::VNCR_EL2).offset);
/// Where it is, see [`SlotPage`].
pub(super) const SLOT_LOADS: Mem = slot_page(offset_of!(SlotPage, loads));
pub(super) const SLOT_STORES: Mem = slot_page(offset_of!(SlotPage, stores));
pub(super) const SLOT_CODE: Mem = slot_page(offset_of!(SlotPage, code));
pub(super) const UNSYNCHRONISED: Mem = at(offset_of!(Vcpu, tlb) + tlb::UNSYNCHRONISED);
pub(super) const MONITOR_VALID: Mem = monitor(offset_of!(Exclusive, valid));
pub(super) const MONITOR_SIZE: Mem = monitor(offset_of!(Exclusive, size));
pub(super) const MONITOR_PA: Mem = monitor(offset_of!(Exclusive, pa));
/// Two bytes: whether TBI applies to fetches of the low and of the high half.
pub(super) const TBI: Mem = at(offset_of!(Vcpu, mode) + offset_of!(Mode, tbi_instruction));

/// The storage of X0 to X30, and of SP as register 31.
pub(super) const fn gpr(register: u8) -> Mem {
    state(offset_of!(CpuState, x) + 8 * register as usize)
}

/// The displacement of the same from [`CPU`].
pub(super) const fn gpr_displacement(register: u8) -> i8 {
    (8 * register as i16 - 128) as i8
}

const _: () = assert!(gpr(0).is_at(CPU, gpr_displacement(0)) && gpr(31).is_at(CPU, gpr_displacement(31)));
const _: () = assert!(offset_of!(CpuState, sp) == offset_of!(CpuState, x) + 31 * 8);

/// A field of the [`PointerRange`](crate::pauth::PointerRange) of data or instruction addresses, whose offset among
/// both ranges is in `range`.
pub(super) const fn pac_range(data: bool, range: Reg, field: i32) -> Mem {
    let offset = offset_of!(Vcpu, mode) + offset_of!(Mode, pointers) + offset_of!(NativePointers, ranges);
    let kind = if data { size_of::<[PointerRange; 2]>() } else { 0 };
    Mem::indexed(CPU, range, 0, (offset + kind) as i32 - BIAS as i32 + field)
}

/// Eight bytes of a vector register, counted in halves.
pub(super) const fn vector(register: u32, half: usize) -> Mem {
    state(offset_of!(CpuState, v) + 16 * register as usize + 8 * half)
}

const fn slot_page(offset: usize) -> Mem {
    dispatch(offset_of!(Dispatch, slot_page) + offset)
}

/// The word of the exclusive monitor's value.
pub(super) const fn monitor_value(half: usize) -> Mem {
    monitor(offset_of!(Exclusive, value) + 8 * half)
}

const fn monitor(offset: usize) -> Mem {
    state(offset_of!(CpuState, exclusive) + offset)
}

const fn selection(route: Route, offset: usize) -> Mem {
    at(offset_of!(Vcpu, tlb) + tlb::COMPARISONS + route as usize * inline::COMPARISON_BYTES + offset)
}

/// What an address that was shifted to be compared is masked with.
pub(super) const fn comparand_mask(route: Route) -> Mem {
    selection(route, inline::MASK)
}

/// What is put over it then.
pub(super) const fn comparand_id(route: Route) -> Mem {
    selection(route, inline::ID)
}

/// Slots of [`Dispatch::spans`].
pub(super) const SPAN_SLOTS: usize = Dispatch::SPANS;

/// Where the addend of a span is that has no register.
pub(super) const fn span_addend(slot: usize) -> Mem {
    dispatch(offset_of!(Dispatch, spans) + slot * size_of::<Span>() + offset_of!(Span, addend))
}

/// Where the address of the code mark of a span's page is.
pub(super) const fn span_code(slot: usize) -> Mem {
    dispatch(offset_of!(Dispatch, spans) + slot * size_of::<Span>() + offset_of!(Span, code))
}

pub(super) use inline::{ADDEND, CODE, COMPARAND_SHIFT, OFFSET_MASK, OFFSET_SHIFT, READ, WRITE};
