//! `droste explain`: what an instruction does under a state of the control registers, and which rule says so.
//!
//! The answer is that of the architecture's tables; no machine runs.

mod parse;

use crate::args::ExplainArgs;
use crate::error::CliError;
use droste_arch::fields::{hcr_el2, ich_vtr_el2, pmcr_el0};
use droste_arch::outcome::{self, Decision, Operation, Outcome, State, Words};
use droste_arch::sysreg::SysReg;
use droste_arch::sysreg::access::{Action, Rule};
use droste_machine::cpu::model::Model;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Explains what the arguments ask about, on standard output.
pub(crate) fn run(args: &ExplainArgs) -> Result<ExitCode, CliError> {
    let model = Model::parse(&args.cpu).map_err(|e| crate::run::wrong_cpu(&args.cpu, &e))?;
    let word = parse::instruction(&args.instruction)?;
    if args.el > 2 {
        let wrong = CliError::usage(format!("the Exception level is 0, 1 or 2, not {}", args.el));
        return Err(wrong.hint("the machine has no EL3"));
    }
    let mut state = State::reset(|r| identification(&model, r));
    let settings = parse::settings(&args.hcr, &args.set)?;
    // E2H decides where fields are, so what is asked of HCR_EL2 comes first.
    for layout in [true, false] {
        for setting in settings.iter().filter(|s| (s.register == SysReg::HCR_EL2) == layout) {
            setting.apply(&mut state)?;
        }
        if layout {
            state.trap_nothing();
            // Fields of HCR_EL2 that were asked to be zero stay so.
            settings
                .iter()
                .filter(|s| s.register == SysReg::HCR_EL2)
                .try_for_each(|s| s.apply(&mut state))?;
        }
    }
    if args.el == 1 && hcr_el2::TGE.is_set(state.get(SysReg::HCR_EL2)) {
        return Err(CliError::usage("there is no EL1 with HCR_EL2.TGE = 1: EL0 is directly below EL2")
            .hint("ask for --el 0 or --el 2, or leave tge out"));
    }
    let decision = outcome::decide(word, args.el, &state).ok_or_else(|| {
        CliError::usage(format!("{word:#010x} is not an instruction with access rules"))
            .hint("MRS, MSR (register), SYS with its aliases, ERET, SVC, HVC, SMC, WFI and WFE have them")
    })?;
    print!("{}", told(word, args.el, model.name(), &decision, &state));
    Ok(ExitCode::SUCCESS)
}

/// The ID registers of a model, and the numbers that this machine's GIC and PMU chose.
fn identification(model: &Model, r: SysReg) -> u64 {
    match r {
        SysReg::ICH_VTR_EL2 => {
            let bits = ich_vtr_el2::PRIbits.with(ich_vtr_el2::PREbits.with(0, 4), 4);
            ich_vtr_el2::ListRegs.with(bits, 3) | ich_vtr_el2::TDS.mask()
        }
        SysReg::PMCR_EL0 => pmcr_el0::N.with(0, 6),
        r => model.id(r),
    }
}

fn told(word: u32, el: u8, model: &str, decision: &Decision, state: &State) -> String {
    let mut text = String::new();
    let e2h = state.e2h();
    let name = Operation::from_word(word).map_or_else(String::new, |o| o.to_string());
    let _ = writeln!(text, "{name} at EL{el} of {model} ({word:#010x})");
    let _ = writeln!(text, "  {}", consequence(word, decision.outcome));
    match decision.rule() {
        Some(rule) => {
            let _ = writeln!(text, "because: {}", condition(rule, e2h));
        }
        None => text
            .push_str("because: the encoding is not allocated, or belongs to a unit that is not modelled\n"),
    }
    if !decision.passed().is_empty() {
        text.push_str("rules that come first and do not apply:\n");
    }
    for rule in decision.passed() {
        let _ = writeln!(text, "  {}: {}", condition(rule, e2h), effect(rule.action));
    }
    let later = decision.rules.get(decision.decisive + 1..).unwrap_or_default();
    if !later.is_empty() {
        text.push_str("rules that come later:\n");
    }
    for rule in later {
        let _ = writeln!(text, "  {}: {}", condition(rule, e2h), effect(rule.action));
    }
    text
}

fn condition(rule: &Rule, e2h: bool) -> String {
    Words { condition: rule.when, e2h }.to_string()
}

/// What happens, as a sentence.
fn consequence(word: u32, outcome: Outcome) -> String {
    let is_read = word >> 21 & 1 != 0;
    match outcome {
        Outcome::Register(r) => {
            let own = matches!(Operation::from_word(word), Some(Operation::Read(o) | Operation::Write(o)) if o == r);
            let verb = if is_read { "reads" } else { "writes" };
            format!("{verb} {r}{}", if own { "" } else { ", which is another register" })
        }
        Outcome::Memory(offset) => {
            let verb = if is_read { "reads" } else { "writes" };
            format!("{verb} memory at VNCR_EL2.BADDR + {offset:#05x}")
        }
        Outcome::Nothing if is_read => "reads as zero".into(),
        Outcome::Nothing => "does nothing".into(),
        Outcome::Executes => "executes".into(),
        Outcome::Undefined { el } => format!("is UNDEFINED: exception to EL{el}, EC 0x00"),
        Outcome::Exception { el, esr } => {
            let (class, iss) = (esr.class(), esr.iss());
            format!(
                "takes an exception to EL{el}: EC {:#04x}, {class}; ISS {iss:#09x}; ESR_EL{el} {:#x}",
                class.0, esr.0
            )
        }
    }
}

/// What a rule does, in a word or two.
fn effect(action: Action) -> String {
    match action {
        Action::Undefined => "UNDEFINED".into(),
        Action::Trap { el, ec } => format!("exception to EL{el}, EC {ec:#04x}"),
        Action::Memory(offset) => format!("memory at VNCR_EL2.BADDR + {offset:#05x}"),
        Action::Register(r) => format!("{r}"),
        Action::Nop => "nothing".into(),
        Action::Zero => "zero".into(),
        Action::Perform => "executes".into(),
    }
}
