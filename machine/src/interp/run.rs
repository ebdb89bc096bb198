//! The run loop: blocks, and between them interrupts and requests of other threads.

use super::block::Op;
use super::{BlockCache, Flow};
use crate::cpu::Vcpu;
use crate::debug;
use crate::exception::{self, Exception};
use crate::irq::IrqPins;

/// Why [`run`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The slice is used up.
    Budget,
    /// The CPU waits for an interrupt.
    Waiting,
    /// The CPU polls: it gave up the rest of its slice.
    Yield,
    /// The CPU was switched off, or the machine stops.
    Stopped,
}

/// Executes until `limit` instructions have been retired since reset, or something else needs attention.
/// A block that has begun is finished, so the limit may be passed by the length of a block.
pub fn run(cpu: &mut Vcpu, blocks: &mut BlockCache, limit: u64) -> Exit {
    run_with(cpu, blocks, limit)
}

/// What executes blocks between two looks at interrupts and requests.
pub(crate) trait Blocks {
    /// Executes the block at the PC, or takes the exception that keeps it from executing. It may go on with further
    /// blocks as long as `limit` is not reached, no request waits and the interrupt inputs are still `pins`.
    fn step(&mut self, cpu: &mut Vcpu, limit: u64, pins: u32);
}

impl Blocks for BlockCache {
    #[inline]
    fn step(&mut self, cpu: &mut Vcpu, _limit: u64, _pins: u32) {
        step_block(cpu, self);
    }
}

/// [`run`] with any executor of blocks.
pub(crate) fn run_with(cpu: &mut Vcpu, blocks: &mut impl Blocks, limit: u64) -> Exit {
    cpu.slot().tlbi.enter();
    let exit = run_blocks(cpu, blocks, limit);
    cpu.slot().tlbi.leave();
    exit
}

fn run_blocks(cpu: &mut Vcpu, blocks: &mut impl Blocks, limit: u64) -> Exit {
    while cpu.state.insn_count < limit {
        if cpu.has_requests()
            && let Some(exit) = cpu.serve_requests()
        {
            return exit;
        }
        // Not ATTENTION, which may be set again by now. Behind the requests, which raise pins: a block that unmasks
        // interrupts goes on by itself if it has seen none.
        let pins = cpu.interrupt_pins() & !IrqPins::ATTENTION;
        if cpu.state.waiting {
            if !cpu.has_wakeup() {
                return Exit::Waiting;
            }
            cpu.state.waiting = false;
            cpu.timers.wait_until = u64::MAX;
            if let Some(start) = cpu.state.resume {
                cpu.wake(start);
            }
        }
        if exception::may_be_interrupted(cpu)
            && let Some(interrupt) = exception::pending_interrupt(cpu)
        {
            exception::take(cpu, interrupt);
        }
        blocks.step(cpu, limit, pins);
    }
    Exit::Budget
}

/// Executes the block at the PC, or takes the exception that keeps it from executing.
#[inline]
pub(crate) fn step_block(cpu: &mut Vcpu, blocks: &mut BlockCache) {
    cpu.block_pc = cpu.state.pc;
    if cpu.mode.by_instruction {
        return step_checked(cpu, blocks);
    }
    let Ok(page) = cpu.fetch_page(cpu.state.pc) else {
        return abort(cpu, 1);
    };
    let ops = blocks.get(cpu, page.pa);
    execute_block(cpu, ops, page.guarded);
}

#[inline(always)]
fn execute_block(cpu: &mut Vcpu, ops: &[Op], guarded: bool) {
    if ops.is_empty() {
        return fetch_from_device(cpu);
    }
    if cpu.state.pstate.btype != 0 {
        return land(cpu, ops, guarded);
    }
    execute(cpu, ops, 0);
}

/// The hot loop, entered with the number of instructions that the block has executed already. Cost: an indirect
/// call, a compare and a store of the PC an instruction.
#[inline(always)]
fn execute(cpu: &mut Vcpu, ops: &[Op], mut retired: u64) {
    for op in ops {
        retired += 1;
        let done = (op.handler)(cpu, op.word);
        // One well-predicted compare for what nearly every instruction answers, before the others are told apart.
        if done == Ok(Flow::Next) {
            cpu.state.pc = cpu.state.pc.wrapping_add(4);
            continue;
        }
        match done {
            Ok(Flow::Jump) => {}
            Ok(_) => cpu.state.pc = cpu.state.pc.wrapping_add(4),
            Err(_) => return abort(cpu, retired),
        }
        break;
    }
    cpu.retire(retired);
}

/// Executes a block that an indirect branch has entered, on a CPU with FEAT_BTI.
#[inline(never)]
fn land(cpu: &mut Vcpu, ops: &[Op], guarded: bool) {
    match execute_target(cpu, &ops[0], guarded) {
        Some(Flow::Next) => execute(cpu, &ops[1..], 1),
        Some(_) => cpu.retire(1),
        None => abort(cpu, 1),
    }
}

/// Executes one instruction under the rules of PSTATE.BTYPE: it must be compatible in a guarded page, it clears
/// BTYPE unless it sets it itself, and an exception that it causes saves BTYPE. Returns nothing if it did.
#[inline]
fn execute_target(cpu: &mut Vcpu, op: &Op, guarded: bool) -> Option<Flow> {
    let btype = cpu.state.pstate.btype;
    if btype != 0 && guarded && !super::bti::compatible(cpu, op.word, btype) {
        let target = cpu.default_target();
        // AArch64.BranchTargetException.
        cpu.raise(Exception::sync(target, 0x0d, u64::from(btype)));
        return None;
    }
    cpu.state.pstate.btype = 0;
    let Ok(flow) = (op.handler)(cpu, op.word) else {
        cpu.state.pstate.btype = btype;
        return None;
    };
    if flow != Flow::Jump {
        cpu.state.pc = cpu.state.pc.wrapping_add(4);
    }
    Some(flow)
}

/// Takes the exception that the current instruction has raised.
#[cold]
pub(crate) fn abort(cpu: &mut Vcpu, retired: u64) {
    exception::take_raised(cpu);
    cpu.retire(retired);
}

/// Fetches from what is not RAM: a synchronous External abort.
#[cold]
fn fetch_from_device(cpu: &mut Vcpu) {
    let target = cpu.default_target();
    let ec = if cpu.el() < target { 0x20 } else { 0x21 };
    exception::take(cpu, Exception::sync(target, ec, 0x10).with_far(cpu.state.pc));
    cpu.retire(1);
}

/// Executes under what is looked at before an instruction, in the order of priority: software step, the fetch,
/// breakpoints, and illegal state. One instruction, or the whole block where only breakpoints are looked for and its
/// page has none.
#[cold]
fn step_checked(cpu: &mut Vcpu, blocks: &mut BlockCache) {
    if let Some(step) = debug::step::pending(cpu) {
        exception::take(cpu, step);
        return cpu.retire(0);
    }
    let Ok(page) = cpu.fetch_page(cpu.state.pc) else {
        return abort(cpu, 1);
    };
    let on_page = cpu.mode.breakpoints && debug::breakpoint::on_page(cpu, cpu.state.pc);
    if on_page && let Some(breakpoint) = debug::breakpoint::pending(cpu) {
        exception::take(cpu, breakpoint);
        return cpu.retire(1);
    }
    if cpu.state.pstate.il {
        let target = cpu.default_target();
        exception::take(cpu, Exception::sync(target, 0x0e, 0));
        return cpu.retire(1);
    }
    let ops = blocks.get(cpu, page.pa);
    if !on_page && !cpu.mode.stepping {
        return execute_block(cpu, ops, page.guarded);
    }
    match ops.first() {
        Some(op) => execute_one(cpu, op, page.guarded),
        None => fetch_from_device(cpu),
    }
}

/// Executes one instruction, and advances software step.
fn execute_one(cpu: &mut Vcpu, op: &Op, guarded: bool) {
    let stepping = cpu.mode.stepping;
    if execute_target(cpu, op, guarded).is_none() {
        // SSAdvance: calls are complete when their exception is taken, and are not stepped again.
        if stepping && cpu.abort.returns_after {
            cpu.state.pstate.ss = false;
        }
        return abort(cpu, 1);
    }
    cpu.retire(1);
    if stepping && let Some(step) = debug::step::advance(cpu, op.word) {
        cpu.block_pc = cpu.state.pc;
        exception::take(cpu, step);
        cpu.retire(0);
    }
}
