//! The compiled rules against the plain evaluation of the same rules in `arch`, by executing instructions.
//!
//! The two share the table, and nothing else: compilation, the special cases of [`super::trap`], syndromes
//! and the targets of exceptions are written twice. What is wrong in the table itself is for
//! `conformance-nv` and QEMU to find.

use super::*;
use crate::entropy::SplitMix64;
use droste_arch::expr::{Expr, Number};
use droste_arch::outcome::{self, Operation, Outcome};
use droste_arch::sysreg::access::Instruction;
use std::collections::BTreeMap;

/// The bits of each register that any of the operation's rules asks for.
fn asked(e: &Expr, masks: &mut BTreeMap<SysReg, u64>) {
    let mut add = |register, lsb: u8, width: u8| {
        *masks.entry(register).or_default() |= u64::MAX >> (64 - u32::from(width)) << lsb;
    };
    match e {
        Expr::Field(t) => add(t.register, t.lsb, t.width),
        Expr::AtLeast(a, b) => {
            for n in [a, b] {
                if let Number::Field { register, lsb, width } = *n {
                    add(register, lsb, width);
                }
            }
        }
        Expr::Not(e) => asked(e, masks),
        Expr::All(l) | Expr::Any(l) => l.iter().for_each(|e| asked(e, masks)),
        Expr::Const(_) | Expr::Feature(_) => {}
    }
}

/// What the machine does, as far as it can be told apart.
#[derive(Debug, PartialEq, Eq)]
enum Done {
    Exception { el: u8, ec: u8, iss: u64 },
    Memory(u16),
    NoException,
}

fn executed(cpu: &mut Vcpu, word: u32) -> Done {
    let is_read = word >> 21 & 1 != 0;
    let encoding = SysEncoding::of_word(word);
    let action = if is_read { cpu.rules.read(cpu, encoding) } else { cpu.rules.write(cpu, encoding) };
    if let Some(Action::Memory(offset)) = action {
        // There is no memory here to go to.
        return Done::Memory(offset);
    }
    if action == Some(Action::Perform) {
        return Done::NoException;
    }
    let result = match (encoding.op0(), is_read) {
        (1, true) => sysl(cpu, word),
        (1, false) => sys(cpu, word),
        (_, true) => mrs(cpu, word),
        (_, false) => msr(cpu, word),
    };
    match result {
        Ok(_) => Done::NoException,
        Err(Abort) => Done::Exception { el: cpu.abort.target, ec: cpu.abort.ec, iss: cpu.abort.iss },
    }
}

fn expected(word: u32, cpu: &Vcpu) -> Done {
    match outcome::decide(word, cpu.el(), cpu).expect("rules").outcome {
        Outcome::Register(_) | Outcome::Nothing | Outcome::Executes => Done::NoException,
        Outcome::Memory(offset) => Done::Memory(offset),
        Outcome::Undefined { el } => Done::Exception { el, ec: 0, iss: 0 },
        Outcome::Exception { el, esr } => {
            Done::Exception { el, ec: esr.class().0, iss: u64::from(esr.iss()) }
        }
    }
}

/// Every operation at every level, under states in which the bits that its rules ask for are random.
#[test]
fn execution_agrees_with_the_plain_evaluation_of_the_rules() {
    let mut random = SplitMix64::new(2026);
    for model in ["max", "cortex-a57", "neoverse-v1"] {
        let mut cpu = cpu(model);
        let clean = cpu.state.sys;
        for operation in Operation::all() {
            if let Operation::Execute(i) = operation
                && !matches!(
                    i,
                    Instruction::ImplementationDefined
                        | Instruction::ReservedId
                        | Instruction::ReservedIdGroup
                )
            {
                continue;
            }
            for el in 0..3 {
                let mut masks = BTreeMap::from([(SysReg::HCR_EL2, 0)]);
                operation.rules(el).iter().for_each(|r| asked(r.when, &mut masks));
                masks.remove(&SysReg::SPSel);
                for _ in 0..40 {
                    cpu.state.sys = clean;
                    for (r, mask) in &masks {
                        let value = clean[r.index()] & !mask | random.next_u64() & mask;
                        let value = cpu.rules.masks(*r).apply(value);
                        cpu.set_sys(*r, value);
                    }
                    let tge = hcr_el2::TGE.is_set(cpu.sys(SysReg::HCR_EL2));
                    if tge && el == 1 {
                        continue;
                    }
                    at_el(&mut cpu, el);
                    let word = operation.word(1);
                    let expected = expected(word, &cpu);
                    cpu.set_x(1, 0);
                    let hcr = cpu.sys(SysReg::HCR_EL2);
                    let controls: Vec<(SysReg, u64)> = masks.keys().map(|r| (*r, cpu.sys(*r))).collect();
                    let done = executed(&mut cpu, word);
                    assert_eq!(
                        done, expected,
                        "{operation} at EL{el} of {model}, HCR_EL2 {hcr:#x}, {controls:x?}"
                    );
                }
            }
        }
    }
}
