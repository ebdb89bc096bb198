//! How registers are read and written: plain storage, unless a topic says otherwise.

use crate::cpu::Vcpu;
use crate::interp::Flow;
use droste_arch::expr::{Facts, Quantity};
use droste_arch::feature::{Feature, FeatureSet};
use droste_arch::sysreg::SysReg;

use super::plan::View;
use super::{control, counters, debug, fp, id, pmu, pstate, ras};

/// Reads a register.
pub(super) type Read = fn(&mut Vcpu, SysReg) -> u64;
/// Writes a register; bits that do not hold what is written have been dealt with.
pub(super) type Write = fn(&mut Vcpu, SysReg, u64) -> Flow;

/// How a register is read and written.
#[derive(Clone, Copy)]
pub(super) struct Behaviour {
    pub(super) read: Read,
    pub(super) write: Write,
    /// What reading gives, where that is all it does.
    pub(super) view: Option<View>,
    /// Whether writing stores to the view and does nothing else.
    pub(super) stores: bool,
}

impl Behaviour {
    /// A register that only its functions know.
    pub(super) fn new(read: Read, write: Write) -> Behaviour {
        Behaviour { read, write, view: None, stores: false }
    }

    /// A register that reads as it is stored.
    pub(super) fn stored(r: SysReg, write: Write) -> Behaviour {
        Behaviour { read: stored, write, view: Some(View::stored(r)), stores: false }
    }

    /// A register that holds what is written and does nothing.
    fn storage(r: SysReg) -> Behaviour {
        Behaviour { stores: true, ..Behaviour::stored(r, store) }
    }
}

/// The behaviour of a register.
pub(super) fn behaviour(r: SysReg) -> Behaviour {
    pstate::behaviour(r)
        .or_else(|| control::behaviour(r))
        .or_else(|| fp::behaviour(r))
        .or_else(|| id::behaviour(r))
        .or_else(|| counters::behaviour(r))
        .or_else(|| debug::behaviour(r))
        .or_else(|| pmu::behaviour(r))
        .or_else(|| ras::behaviour(r))
        .unwrap_or_else(|| Behaviour::storage(r))
}

/// A register that reads as zero and ignores writes.
pub(super) const ZERO: Behaviour = Behaviour { read: zero, write: ignore, view: None, stores: false };

pub(super) fn stored(cpu: &mut Vcpu, r: SysReg) -> u64 {
    cpu.sys(r)
}

pub(super) fn store(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    cpu.set_sys(r, value);
    Flow::Next
}

fn zero(_: &mut Vcpu, _: SysReg) -> u64 {
    0
}

pub(super) fn ignore(_: &mut Vcpu, _: SysReg, _: u64) -> Flow {
    Flow::Next
}

/// A set of features, where only features are asked.
pub(super) struct Features<'a>(pub(super) &'a FeatureSet);

impl Facts for Features<'_> {
    fn feature(&self, feature: Feature) -> bool {
        self.0.contains(feature)
    }

    fn register(&self, _: SysReg) -> u64 {
        0
    }

    fn quantity(&self, _: Quantity) -> u64 {
        0
    }
}
