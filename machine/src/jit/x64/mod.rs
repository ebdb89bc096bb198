//! An x86-64 assembler: one method an instruction form, bytes straight into a buffer.
//!
//! It knows nothing of the guest. Operand size is 64 bits where a method does not take a [`Size`].
//! Cost: about two nanoseconds an instruction (`cargo xtask bench` shows it).

mod bmi;
mod branch;
mod encode;
mod integer;
mod operand;
#[cfg(test)]
mod tests;
mod vector;
mod vex;

pub(crate) use branch::{Fixup, Label};
pub(crate) use encode::{Assembler, Rm};
pub(crate) use integer::{Alu, Shift, Unary};
pub(crate) use operand::{Cond, Mem, Reg, Size, Xmm};
pub(crate) use vector::Sse;
pub(crate) use vex::{Vex, VexShift};
