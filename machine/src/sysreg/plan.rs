//! What a compiler of instructions may know of an access: the tests that decide it now, and what it then does.
//!
//! The tests are those that the [rules](super::rules) make on their way to the present outcome. Code that repeats them
//! and finds the same answers may do the same thing without asking the rules again.

use crate::cpu::{CpuState, Level, PState, Vcpu};
use droste_arch::sysreg::access::Action;
use droste_arch::sysreg::reserved::Masks;
use droste_arch::sysreg::{SysEncoding, SysReg};
use std::mem::offset_of;

/// A part of the CPU's state, and where a register shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// Offset in [`CpuState`].
    pub(crate) offset: usize,
    /// Size in bytes: 1, 4 or 8. What is above is zero.
    pub(crate) bytes: u8,
    /// The bit of the register that its lowest bit is.
    pub(crate) shift: u8,
}

impl View {
    /// The storage of a register.
    pub(crate) const fn stored(r: SysReg) -> View {
        View { offset: offset_of!(CpuState, sys) + 8 * r.index(), bytes: 8, shift: 0 }
    }

    /// SP_EL0, SP_EL1 or SP_EL2.
    pub(super) const fn banked_sp(el: usize) -> View {
        View { offset: offset_of!(CpuState, sp_el) + 8 * el, bytes: 8, shift: 0 }
    }

    pub(super) const NZCV: View = View { offset: offset_of!(CpuState, nzcv), bytes: 4, shift: 0 };
    pub(super) const DAIF: View =
        View { offset: offset_of!(CpuState, pstate) + offset_of!(PState, daif), bytes: 1, shift: 6 };
    pub(crate) const SPSEL: View =
        View { offset: offset_of!(CpuState, pstate) + offset_of!(PState, spsel), bytes: 1, shift: 0 };
}

/// A test that was made, and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guard {
    /// What was looked at.
    pub(crate) view: View,
    /// Whether the bits under `mask` have `value`.
    pub(crate) mask: u64,
    pub(crate) value: u64,
    pub(crate) holds: bool,
}

impl Guard {
    /// Whether code for a level need not make the test: its answer is the same there.
    pub(crate) fn is_known(&self, level: Level) -> bool {
        self.view == View::stored(SysReg::HCR_EL2) && self.mask & !level.known_hcr() == 0
    }
}

/// What an access does as long as its guards hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// An MRS gives this.
    Read(View),
    /// An MRS gives zero.
    Zero,
    /// An MSR stores here what the masks leave.
    Write(View, Masks),
    /// An MSR writes PSTATE.DAIF.
    Daif,
    /// An MSR does nothing.
    Nothing,
    /// An MRS or MSR accesses this offset from VNCR_EL2 instead.
    Slot(u16),
}

/// An access as it is decided now, at the present Exception level.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) guards: Vec<Guard>,
    pub(crate) effect: Effect,
}

/// How the MRS or MSR (register) `word` is decided now, if it is a plain access.
pub(crate) fn plan(cpu: &Vcpu, word: u32) -> Option<Plan> {
    let encoding = SysEncoding::of_word(word);
    let read = word >> 21 & 1 != 0;
    let (guards, action) = cpu.rules.path(cpu, encoding, !read)?;
    let effect = match action {
        Action::Register(r) if read => Effect::Read(cpu.rules.behaviour(r).view?),
        Action::Register(SysReg::DAIF) => Effect::Daif,
        Action::Register(r) => {
            let behaviour = cpu.rules.behaviour(r);
            Effect::Write(behaviour.view.filter(|_| behaviour.stores)?, cpu.rules.masks(r))
        }
        Action::Zero | Action::Nop if read => Effect::Zero,
        Action::Zero | Action::Nop => Effect::Nothing,
        Action::Memory(offset) => Effect::Slot(offset),
        Action::Undefined | Action::Trap { .. } | Action::Perform => return None,
    };
    Some(Plan { guards, effect })
}
