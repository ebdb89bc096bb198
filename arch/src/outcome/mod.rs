//! What an instruction does under a state of the control registers: a value, memory, another register,
//! a trap, or UNDEFINED.
//!
//! The answer comes from the rules of [`crate::sysreg::access`], by evaluating them in order: the plainest
//! way there is. Executors that compile the rules are compared with it.

mod operation;
mod state;
mod words;

use crate::esr::{Class, Esr};
use crate::expr::Facts;
use crate::feature::Feature;
use crate::fields::hcr_el2;
use crate::sysreg::access::{Action, Rule};
use crate::sysreg::{SysEncoding, SysReg};

pub use operation::Operation;
pub use state::State;
pub use words::Words;

/// What an instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It accesses this register.
    Register(SysReg),
    /// It accesses memory at this offset from VNCR_EL2.BADDR.
    Memory(u16),
    /// It reads as zero, or ignores what is written, or does nothing.
    Nothing,
    /// It does its work.
    Executes,
    /// It is UNDEFINED, and this Exception level takes the exception.
    Undefined {
        /// The Exception level that takes the exception.
        el: u8,
    },
    /// It is trapped, or is an instruction that takes an exception.
    Exception {
        /// The Exception level that takes the exception.
        el: u8,
        /// What ESR_ELx holds then.
        esr: Esr,
    },
}

/// An outcome and why.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// The outcome.
    pub outcome: Outcome,
    /// All rules that there are; empty if the encoding is not allocated.
    pub rules: &'static [Rule],
    /// The index of the rule that decided.
    pub decisive: usize,
}

impl Decision {
    /// The rule that decided, if the encoding has any.
    #[must_use]
    pub fn rule(&self) -> Option<&'static Rule> {
        self.rules.get(self.decisive)
    }

    /// The rules that stood before it and did not apply.
    #[must_use]
    pub fn passed(&self) -> &'static [Rule] {
        &self.rules[..self.decisive.min(self.rules.len())]
    }
}

/// Decides what an instruction word does at EL0, EL1 or EL2; nothing if no rules are known for the word.
///
/// The machine has no EL3 and no external debugger, and every level is in AArch64 state.
#[must_use]
pub fn decide(word: u32, el: u8, facts: &impl Facts) -> Option<Decision> {
    let rules = Operation::from_word(word)?.rules(el);
    let decisive = rules.iter().position(|r| r.when.holds(facts)).unwrap_or(rules.len());
    let action = rules.get(decisive).map_or(Action::Undefined, |r| r.action);
    let outcome = match action {
        Action::Register(r) => Outcome::Register(r),
        Action::Memory(offset) => Outcome::Memory(offset),
        Action::Zero | Action::Nop => Outcome::Nothing,
        Action::Perform => Outcome::Executes,
        Action::Undefined => Outcome::Undefined { el: undefined_target(el, facts) },
        Action::Trap { el, ec } => Outcome::Exception { el, esr: syndrome(word, ec) },
    };
    Some(Decision { outcome, rules, decisive })
}

/// AArch64.Undefined: EL0 is EL1's, or EL2's with HCR_EL2.TGE.
fn undefined_target(el: u8, facts: &impl Facts) -> u8 {
    let tge = facts.feature(Feature::FEAT_EL2) && hcr_el2::TGE.is_set(facts.register(SysReg::HCR_EL2));
    if el == 2 || el == 0 && tge { 2 } else { 1 }
}

/// ESR_ELx of an instruction that is trapped with a class.
fn syndrome(word: u32, ec: u8) -> Esr {
    // A64 instructions have no condition: CV = 1, COND = 0b1110.
    const ALWAYS: u32 = 0x1e0_0000;
    let iss = match Class(ec) {
        Class::SYSREG => SysEncoding::iss(word),
        Class::FP => ALWAYS,
        Class::SVC | Class::HVC | Class::SMC => word >> 5 & 0xffff,
        // TI: WFI is 0, WFE is 1.
        Class::WFX => ALWAYS | u32::from(word >> 5 & 7 == 2),
        // Bit 1 says that it is ERETAA or ERETAB, bit 0 which.
        Class::ERET => (word >> 11 & 1) << 1 | word >> 10 & 1 & word >> 11,
        _ => 0,
    };
    Esr::new(Class(ec), iss)
}

#[cfg(test)]
mod tests;
