//! Tests of the floating-point handlers.

mod coverage;
mod rules;
mod speed;
mod vectors;

use crate::cpu::Vcpu;
use crate::interp::{Abort, Flow};
use droste_arch::a64;

/// Executes one instruction; `None` if no handler takes it.
fn execute(cpu: &mut Vcpu, word: u32) -> Option<Result<Flow, Abort>> {
    let handler = super::handler(a64::decode(word)?)?;
    Some(handler(cpu, word))
}
