//! Tests of the base instructions: words and their effects.

mod branches;
mod coverage;
mod memory;
mod newer;
mod recorded;
pub(super) mod single;
mod system;

use super::{Exec, Flow, table};
use crate::clock::{Clock, ClockMode};
use crate::cpu::Vcpu;
use crate::cpu::model::Model;
use crate::diagnostics::Diagnostics;
use crate::firmware::Conduit;
use crate::gic::{Gic, GicConfig};
use crate::machine::{CpuSlot, Machine, RunState};
use crate::ram::GuestRam;
use droste_arch::a64;
use droste_arch::feature::{Feature, FeatureSet};
use std::sync::Arc;

const RAM: u64 = 0x4000_0000;

/// The model with every feature that the machine has.
fn model() -> Model {
    Model::parse("max").expect("the model with everything")
}

/// A CPU of a machine with 4 MiB of RAM at 1 GiB, reset at its highest Exception level, with the MMU off.
fn cpu_with(features: &[Feature]) -> Vcpu {
    cpu_of(FeatureSet::EMPTY.with(features))
}

fn cpu_of(features: FeatureSet) -> Vcpu {
    let ram = Arc::new(GuestRam::new(RAM, 4 << 20).expect("memory for the guest"));
    let slot = CpuSlot::new();
    let config = GicConfig { affinities: vec![Default::default()], its: false, list_register_count: 4 };
    let machine = Machine {
        gic: Arc::new(Gic::new(&config, std::slice::from_ref(&slot.pins), ram.clone())),
        ram,
        bus: Default::default(),
        clock: Clock::new(ClockMode::Counted { ps_per_instruction: 1000 }, 1_000_000_000).into(),
        diagnostics: Diagnostics::new(Box::new(|_| ())),
        tracer: None,
        features,
        model: model(),
        seed: 0,
        engine: Default::default(),
        conduit: Conduit::Smc,
        slots: vec![slot],
        state: RunState::default(),
    };
    let mut cpu = Vcpu::new(Arc::new(machine), 0);
    cpu.state.pc = RAM;
    cpu
}

/// A CPU with a base set of features and EL2, at EL1.
fn cpu() -> Vcpu {
    let mut cpu = cpu_with(&[Feature::FEAT_EL2, Feature::FEAT_PAN, Feature::FEAT_UAO, Feature::FEAT_LSE2]);
    cpu.state.pstate.el = 1;
    cpu.context_changed();
    cpu
}

/// Executes one instruction as the run loop does; exceptions are left in `cpu.abort`.
fn execute(cpu: &mut Vcpu, word: u32) -> Exec {
    let encoding = a64::decode(word).unwrap_or_else(|| panic!("{word:08x} is unallocated"));
    let handler = table::handler(encoding).unwrap_or_else(|| panic!("{encoding} has no handler"));
    let flow = handler(cpu, word)?;
    if flow != Flow::Jump {
        cpu.state.pc = cpu.state.pc.wrapping_add(4);
    }
    Ok(flow)
}
