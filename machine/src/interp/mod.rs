//! The reference interpreter: predecoded blocks of handlers, one handler per encoding.
//!
//! A handler is written to read like the manual's pseudocode. It gets the CPU and the instruction word,
//! and `state.pc` is the address of its instruction. It is the semantic oracle of every other executor.

mod block;
mod branch;
mod bti;
mod dpimm;
mod dpreg;
mod fp;
mod ldst;
mod operand;
mod run;
mod simd;
pub(crate) mod table;
#[cfg(test)]
mod tests;

use crate::cpu::Vcpu;

pub use block::BlockCache;
pub(crate) use block::{BLOCK_LIMIT, Decoder, Op};
pub(crate) use bti::compatible as compatible_with_btype;
pub(crate) use dpimm::log_imm::bitmask;
pub(crate) use run::{Blocks, abort, run_with, step_block};
pub use run::{Exit, run};

/// Whether a handler is that of instructions without effect. It may fail to notice one.
#[cfg(target_arch = "x86_64")]
pub(crate) fn does_nothing(handler: Handler) -> bool {
    std::ptr::fn_addr_eq(handler, branch::hints::nop as Handler)
}

/// A handler has raised an exception; it waits in the CPU. Zero-sized, so that a result is one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abort;

/// How execution goes on after an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// With the next instruction; the run loop advances the PC.
    Next,
    /// At the PC that the handler has set.
    Jump,
    /// With the next instruction, in a new block: state that blocks depend on may have changed.
    Sync,
}

/// What a handler returns.
pub type Exec = Result<Flow, Abort>;

/// The implementation of an encoding.
pub type Handler = fn(&mut Vcpu, u32) -> Exec;
