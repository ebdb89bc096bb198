//! Crossing between Rust and generated code.
//!
//! Unsafe is allowed here because generated code calls back with bare pointers: it passes the CPU that it was
//! entered with, to which nobody holds a reference meanwhile, and handlers that the compiler took from the table.
//! A panic in a callee ends the process, as it cannot unwind through generated code.
#![allow(unsafe_code)]

use super::layout::BIAS;
use super::memory::CodeMemory;
use crate::cpu::Vcpu;
use crate::exception;
use crate::interp::{self, Exec, Flow, Handler};
use crate::mmu::{RamAddress, Route};
use droste_arch::fields::{fpcr, fpsr};

/// What a handler answered, as generated code sees it.
pub(super) const NEXT: u32 = 0;
pub(super) const JUMP: u32 = 1;
pub(super) const SYNC: u32 = 2;
pub(super) const ABORT: u32 = 3;
/// Why generated code was left, in the low byte: everything is retired.
pub(super) const DONE: u32 = 0;
/// The same, and a jump can be linked.
pub(super) const LINK: u32 = 4;

const fn answer(done: Exec) -> u32 {
    match done {
        Ok(Flow::Next) => NEXT,
        Ok(Flow::Jump) => JUMP,
        Ok(Flow::Sync) => SYNC,
        Err(_) => ABORT,
    }
}

/// The address of a handler, for [`call_handler`].
pub(super) fn handler_address(handler: Handler) -> u64 {
    handler as usize as u64
}

fn handler_at(address: usize) -> Handler {
    // SAFETY: generated code passes only what `handler_address` gave.
    unsafe { std::mem::transmute::<usize, Handler>(address) }
}

/// Executes one instruction by its interpreter handler.
///
/// # Safety
///
/// `cpu` is the CPU that generated code was entered with.
pub(super) unsafe extern "sysv64" fn call_handler(cpu: *mut Vcpu, word: u32, handler: usize) -> u32 {
    // SAFETY: as the function's; the reference ends with the call.
    let cpu = unsafe { &mut *cpu };
    let done = handler_at(handler)(cpu, word);
    cpu.dispatch.slot_page.forget();
    attend(cpu);
    note_fp(cpu);
    answer(done)
}

/// Ends the run after the current block if the run loop has something to look at: what the CPU itself has changed is
/// seen at the next block as in the interpreter. What other threads have changed is seen here too, or when the budget
/// is used up, which is soon.
#[inline]
fn attend(cpu: &mut Vcpu) {
    let changed = cpu.interrupt_pins() != cpu.dispatch.seen_pins
        || cpu.slot().requests() != 0
        || cpu.machine.ram.code_epoch() != cpu.dispatch.seen_code;
    if changed {
        cpu.dispatch.end = cpu.state.insn_count;
    }
}

/// Tells generated code what FPCR and FPSR ask of it, where they may have changed.
#[inline]
fn note_fp(cpu: &mut Vcpu) {
    let mode = cpu.state.fpcr & (fpcr::RMode.mask() | fpcr::FZ.mask()) != 0;
    let exact_so_far = cpu.state.fpsr & fpsr::IXC.mask() == 0;
    cpu.dispatch.fp_careful = u8::from(mode) | u8::from(exact_so_far) << 1;
}

/// The same for the target of an indirect branch: BTYPE is cleared, unless the instruction raises an exception.
///
/// # Safety
///
/// As of [`call_handler`].
pub(super) unsafe extern "sysv64" fn call_target(cpu: *mut Vcpu, word: u32, handler: usize) -> u32 {
    // SAFETY: as the function's; the reference ends with the call.
    let cpu = unsafe { &mut *cpu };
    let btype = std::mem::take(&mut cpu.state.pstate.btype);
    let done = handler_at(handler)(cpu, word);
    if done.is_err() {
        cpu.state.pstate.btype = btype;
    }
    cpu.dispatch.slot_page.forget();
    attend(cpu);
    note_fp(cpu);
    answer(done)
}

/// The same for a load or store at `va`, whose page generated code may access by itself afterwards. `route` is the
/// number of a [`Route`].
///
/// # Safety
///
/// As of [`call_handler`].
pub(super) unsafe extern "sysv64" fn call_access(
    cpu: *mut Vcpu,
    word: u32,
    handler: usize,
    va: u64,
    route: u32,
) -> u32 {
    // SAFETY: as the function's; the reference ends with the call.
    let cpu = unsafe { &mut *cpu };
    let done = handler_at(handler)(cpu, word);
    if done.is_ok() {
        let marks = cpu.machine.ram.code_table_bias();
        let mark = |host: RamAddress| marks.wrapping_add(host.pointer().addr() as u64 >> 12);
        cpu.tlb.inline(va, Route::of_number(route), mark);
    }
    cpu.dispatch.slot_page.forget();
    attend(cpu);
    answer(done)
}

/// Ends a block at its `retired`-th instruction, which answered `answer`: takes its exception, if it raised one. Answers
/// zero where the run loop would have nothing to do before the next block, so that generated code may go on by itself.
///
/// # Safety
///
/// As of [`call_handler`].
pub(super) unsafe extern "sysv64" fn settle(cpu: *mut Vcpu, answer: u32, retired: u64) -> u32 {
    // SAFETY: as the function's; the reference ends with the call.
    let cpu = unsafe { &mut *cpu };
    end(cpu, answer, retired)
}

/// Executes the `retired`-th instruction of a block by its handler, one that ends the block whatever it does and leaves
/// FPCR and FPSR alone; answers as [`settle`].
///
/// # Safety
///
/// As of [`call_handler`].
pub(super) unsafe extern "sysv64" fn call_last(
    cpu: *mut Vcpu,
    word: u32,
    retired: u64,
    handler: usize,
) -> u32 {
    // SAFETY: as the function's; the reference ends with the call.
    let cpu = unsafe { &mut *cpu };
    let answer = match answer(handler_at(handler)(cpu, word)) {
        NEXT => SYNC,
        answer => answer,
    };
    end(cpu, answer, retired)
}

#[inline]
fn end(cpu: &mut Vcpu, answer: u32, retired: u64) -> u32 {
    cpu.dispatch.slot_page.forget();
    match answer {
        ABORT => interp::abort(cpu, retired),
        SYNC => {
            cpu.state.pc = cpu.state.pc.wrapping_add(4);
            cpu.retire(retired);
        }
        _ => cpu.retire(retired),
    }
    u32::from(!goes_on(cpu))
}

/// Whether nothing but the budget can keep the CPU from executing its next block.
fn goes_on(cpu: &mut Vcpu) -> bool {
    let slot = cpu.slot();
    let outside = slot.pins.load() | slot.requests();
    if outside != 0 || exception::is_any_virtual(cpu) {
        return false;
    }
    cpu.dispatch.seen_pins = 0;
    let plain = !cpu.mode.by_instruction && !cpu.state.waiting;
    plain && !cpu.asks_itself() && cpu.machine.ram.code_epoch() == cpu.dispatch.seen_code
}

/// Follows stores to `len` bytes at a host address, in one page that holds code.
///
/// # Safety
///
/// As of [`call_handler`].
pub(super) unsafe extern "sysv64" fn wrote_code(cpu: *mut Vcpu, host: usize, len: u64) {
    // SAFETY: as the function's; the reference ends with the call.
    let cpu = unsafe { &mut *cpu };
    cpu.machine.ram.wrote_host(std::ptr::without_provenance(host), len);
    attend(cpu);
}

/// The address that a branch to `target` goes to where TBI applies to fetches.
///
/// # Safety
///
/// As of [`call_handler`].
pub(super) unsafe extern "sysv64" fn branch_address(cpu: *mut Vcpu, target: u64) -> u64 {
    // SAFETY: as the function's; the reference ends with the call.
    unsafe { &*cpu }.branch_address(target)
}

/// Executes generated code from `code` on, with the PC at the block's start, until it leaves.
pub(super) fn enter(cpu: &mut Vcpu, memory: &CodeMemory, enter: usize, code: usize) -> u64 {
    type Enter = unsafe extern "sysv64" fn(*mut u8, u64, u64) -> u64;
    let entry: *const u8 = std::ptr::with_exposed_provenance(memory.address(enter) as usize);
    // SAFETY: the stub at `enter` was emitted with this signature.
    let entry = unsafe { std::mem::transmute::<*const u8, Enter>(entry) };
    let pc = cpu.state.pc;
    note_fp(cpu);
    cpu.dispatch.slot_page.forget();
    let base = std::ptr::from_mut(cpu).cast::<u8>().wrapping_add(BIAS);
    // SAFETY: `code` is a block that is valid for this CPU; it accesses the CPU, its TLB and guest RAM only, all of
    // which outlive the call.
    unsafe { entry(base, memory.address(code), pc) }
}
