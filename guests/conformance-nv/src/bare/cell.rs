//! One cell of the matrix: executed, and compared with the table.

use super::enter::{self, Raw};
use super::hardware::{self, END, Hardware};
use super::policy::{self, Value};
use super::wait;
use droste_arch::esr::{Class, Esr};
use droste_arch::feature::Feature;
use droste_arch::fields::hcr_el2;
use droste_arch::outcome::{self, Operation, Outcome, State};
use droste_arch::sysreg::SysReg;
use droste_arch::sysreg::access::Instruction;

/// What an instruction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// It completed.
    Done,
    /// It completed with this value.
    Value(u64),
    /// It read or wrote this slot of VNCR_EL2's page.
    Memory(u16),
    /// It wrote to this register instead, or not at all.
    NotWritten(u64),
    /// An exception.
    Exception { el: u8, esr: u64 },
    /// An exception that is not the instruction's own.
    Elsewhere { how: u64, esr: u64, elr: u64 },
}

/// The question and the two answers, where they differ.
pub(super) struct Difference {
    pub(super) expected: Outcome,
    pub(super) value: Option<u64>,
    pub(super) got: Got,
}

/// What a cell needs to know.
pub(super) struct Cell<'a> {
    pub(super) operation: Operation,
    pub(super) number: usize,
    pub(super) el: u8,
    /// HCR_EL2 as the CPU holds it, which is also in the state.
    pub(super) hcr: u64,
    pub(super) state: &'a State,
    pub(super) hardware: &'a Hardware,
}

const EL2H: u64 = 0x3c9;
const EL1H: u64 = 0x3c5;
const EL0T: u64 = 0x3c0;
/// The PSCI call that changes nothing.
const PSCI_VERSION: u64 = 0x8400_0000;

impl Cell<'_> {
    /// Executes the cell; nothing if the CPU does what the table says.
    pub(super) fn judge(&self) -> Option<Difference> {
        let word = self.operation.word(0);
        let expected = outcome::decide(word, self.el, self.state)?.outcome;
        match self.operation {
            Operation::Execute(Instruction::Wfi | Instruction::Wfe) => return self.wait(expected),
            Operation::Execute(Instruction::Smc) => return self.secure_call(expected),
            _ => {}
        }
        match expected {
            Outcome::Register(r) => match self.operation {
                Operation::Read(_) => self.read(r, expected),
                _ => self.write(r, expected),
            },
            Outcome::Memory(offset) => self.memory(offset, expected),
            Outcome::Nothing => {
                let got = self.execute(0);
                let zero = matches!(self.operation, Operation::Read(_) | Operation::Execute(_));
                let fine = got == if zero { Got::Value(0) } else { Got::Done };
                (!fine).then_some(Difference { expected, value: zero.then_some(0), got })
            }
            Outcome::Executes => self.plain(expected, self.alignment_fault().unwrap_or(Got::Done)),
            Outcome::Undefined { el } => {
                self.plain(expected, Got::Exception { el, esr: Esr::new(Class::UNKNOWN, 0).0 })
            }
            Outcome::Exception { el, esr } => self.plain(expected, Got::Exception { el, esr: esr.0 }),
        }
    }

    fn plain(&self, expected: Outcome, wanted: Got) -> Option<Difference> {
        if matches!(self.operation, Operation::Execute(_)) {
            // An ERET that is not trapped goes on behind itself.
            let behind = hardware::code(self.number, self.el) + 4;
            let registers = [
                (SysReg::ELR_EL1, behind),
                (SysReg::SPSR_EL1, EL1H),
                (SysReg::ELR_EL2, behind),
                (SysReg::SPSR_EL2, EL2H),
            ];
            for (r, value) in registers {
                self.hardware.write(r, enter::HARNESS, value);
            }
        }
        let x0 = match self.operation {
            // Should it be executed after all, it does no harm.
            Operation::Write(r) => self.harmless(r),
            operation => policy::operand(operation),
        };
        let got = self.execute(x0);
        let value = match wanted {
            Got::Exception { esr, .. } if expected == Outcome::Executes => Some(esr),
            _ => None,
        };
        (got != wanted).then_some(Difference { expected, value, got })
    }

    /// WFI and WFE: they are trapped where they would wait, so that is arranged; and where they are not, that they end.
    fn wait(&self, expected: Outcome) -> Option<Difference> {
        let event = self.operation == Operation::Execute(Instruction::Wfe);
        match expected {
            Outcome::Exception { el, esr } if event => {
                // The exception return is an event. The first WFE takes it, the second waits.
                let second = hardware::second_wait(self.el);
                let raw = enter::enter(second - 4, self.hcr, [EL0T, EL1H, 0][usize::from(self.el)], 0);
                let got = if self.ended(&raw, second) { Got::Done } else { self.exception(&raw, second) };
                let wanted = Got::Exception { el, esr: esr.0 };
                (got != wanted).then_some(Difference { expected, value: None, got })
            }
            Outcome::Exception { el, esr } => self.plain(expected, Got::Exception { el, esr: esr.0 }),
            _ if event => {
                wait::set_event();
                self.plain(expected, Got::Done)
            }
            _ if self.el == 0 && hcr_el2::TGE.is_set(self.hcr) && !hcr_el2::E2H.is_set(self.hcr) => {
                self.interrupted(expected)
            }
            _ => wait::with_interrupt(|| self.plain(expected, Got::Done)),
        }
    }

    /// Where PSTATE masks no interrupt (EL0 with HCR_EL2.{E2H,TGE} = {0,1}) a wait ends by one that is taken behind it.
    fn interrupted(&self, expected: Outcome) -> Option<Difference> {
        let code = hardware::code(self.number, self.el);
        let mut got = Got::Done;
        // On a slow machine the interrupt may come before the instruction is reached.
        for fraction in [20_000, 2000, 200, 20] {
            got = wait::with_timer(fraction, || self.execute(0));
            match got {
                // IRQ from a lower level.
                Got::Elsewhere { how: 10, elr, .. } if elr == code + 4 => return None,
                Got::Elsewhere { how: 10, elr, .. } if elr == code => {}
                _ => break,
            }
        }
        Some(Difference { expected, value: None, got })
    }

    /// SMC without EL3 is UNDEFINED, or the board's firmware answers it: PSCI_VERSION is 1.x then.
    fn secure_call(&self, expected: Outcome) -> Option<Difference> {
        let Outcome::Undefined { el } = expected else {
            let Outcome::Exception { el, esr } = expected else { return None };
            return self.plain(expected, Got::Exception { el, esr: esr.0 });
        };
        let got = self.execute(PSCI_VERSION);
        let answered = self.el > 0 && matches!(got, Got::Value(version) if version >> 16 == 1);
        let undefined = Got::Exception { el, esr: Esr::new(Class::UNKNOWN, 0).0 };
        (!answered && got != undefined).then_some(Difference { expected, value: None, got })
    }

    /// What DC ZVA does while the MMU is off: to Device memory it takes an alignment fault.
    fn alignment_fault(&self) -> Option<Got> {
        let Operation::Perform(insn) = self.operation else { return None };
        if !["DC ZVA", "DC GVA", "DC GZVA"].contains(&insn.name()) {
            return None;
        }
        let el = if self.el == 2 || self.el == 0 && hcr_el2::TGE.is_set(self.hcr) { 2 } else { 1 };
        let class = if el == self.el { Class::DATA_ABORT_SAME } else { Class::DATA_ABORT_LOWER };
        // WnR, and the status of an alignment fault.
        Some(Got::Exception { el, esr: Esr::new(class, 1 << 6 | 0x21).0 })
    }

    /// A value that may be written to a register.
    fn harmless(&self, r: SysReg) -> u64 {
        match policy::value(r) {
            Value::Only(value) => value,
            _ => self.hardware.read(r, hardware::layout(r, self.hcr)).unwrap_or(0),
        }
    }

    fn memory(&self, offset: u16, expected: Outcome) -> Option<Difference> {
        let (value, got) = if matches!(self.operation, Operation::Read(_)) {
            (None, self.execute(0))
        } else {
            // If it goes to the register after all, it does no harm there.
            let Operation::Write(own) = self.operation else { return None };
            let value = self.harmless(own);
            (Some(value), self.execute(value))
        };
        (got != Got::Memory(offset)).then_some(Difference { expected, value, got })
    }

    fn read(&self, r: SysReg, expected: Outcome) -> Option<Difference> {
        let layout = hardware::layout(r, self.hcr);
        if let Value::Only(_) = policy::value(r) {
            let got = self.execute(0);
            let wanted = (r == SysReg::CurrentEL).then(|| self.current_el());
            let fine = match got {
                Got::Value(v) => wanted.is_none_or(|w| w == v),
                _ => false,
            };
            return (!fine).then_some(Difference { expected, value: wanted, got });
        }
        // What the register reads as from EL1 and EL0 is what it reads as from EL2.
        let hcr = if r == SysReg::HCR_EL2 { self.hcr } else { layout };
        let before = self.hardware.read(r, hcr);
        let got = self.execute(0);
        let fine = match (got, before) {
            (Got::Value(v), Some(before)) => v == before,
            (Got::Value(_), None) => true,
            _ => false,
        };
        (!fine).then_some(Difference { expected, value: before, got })
    }

    fn write(&self, r: SysReg, expected: Outcome) -> Option<Difference> {
        let layout = hardware::layout(r, self.hcr);
        let failed = |value, got| Some(Difference { expected, value, got });
        let simple = |value| match self.execute(value) {
            Got::Done => None,
            got => failed(Some(value), got),
        };
        let old = match policy::value(r) {
            Value::Only(value) => return simple(value),
            Value::Keep if r == SysReg::HCR_EL2 => return simple(self.hcr),
            Value::Keep => return simple(self.hardware.read(r, layout).unwrap_or(0)),
            Value::Any => self.hardware.read(r, layout),
        };
        let Some(old) = old else { return simple(0) };
        // What the register holds when the harness writes the value; and then the instruction does.
        let value = policy::pattern(r);
        self.hardware.write(r, layout, value);
        let wanted = self.hardware.read(r, layout);
        self.hardware.write(r, layout, old);
        let got = self.execute(value);
        let holds = self.hardware.read(r, layout);
        self.hardware.write(r, layout, old);
        match got {
            Got::Done if holds == wanted => None,
            Got::Done => failed(wanted, Got::NotWritten(holds.unwrap_or(0))),
            got => failed(Some(value), got),
        }
    }

    /// The effective HCR_EL2.NV2: with ID_AA64MMFR4_EL1.NV_frac it is 1 where NV is (rule G2).
    fn has_nv2(&self) -> bool {
        hcr_el2::NV2.is_set(self.hcr) || self.state.features().contains(Feature::NV2_ONLY)
    }

    /// CurrentEL: a guest hypervisor at EL1 is told that it runs at EL2 (R_GFLDX).
    fn current_el(&self) -> u64 {
        let nested = self.el == 1 && hcr_el2::NV.is_set(self.hcr);
        u64::from(if nested { 2 } else { self.el }) << 2
    }

    /// Executes the instruction with this X0 and tells what it did.
    fn execute(&self, x0: u64) -> Got {
        let code = hardware::code(self.number, self.el);
        let spsr = [EL0T, EL1H, 0][usize::from(self.el)];
        let raw = enter::enter(code, self.hcr, spsr, x0);
        let completed = if self.el == 2 { raw.how == 0 } else { self.ended(&raw, code) };
        if !completed {
            return self.exception(&raw, code);
        }
        let is_nested = self.el == 1 && hcr_el2::NV.is_set(self.hcr) && self.has_nv2();
        match self.operation {
            Operation::Read(_) => {
                let index = (raw.x0 >> 3 & 0x1ff) as usize;
                if is_nested && raw.x0 == enter::slot_pattern(index) {
                    return Got::Memory(index as u16 * 8);
                }
                Got::Value(raw.x0)
            }
            Operation::Write(_) if is_nested => Self::slot_written(x0),
            Operation::Execute(
                Instruction::Smc
                | Instruction::ImplementationDefined
                | Instruction::ReservedId
                | Instruction::ReservedIdGroup,
            ) => Got::Value(raw.x0),
            _ => Got::Done,
        }
    }

    /// Whether the call behind the instruction was reached.
    fn ended(&self, raw: &Raw, code: u64) -> bool {
        let lower = raw.how == 9;
        let (class, iss) = (Esr(raw.esr).class(), Esr(raw.esr).iss());
        if self.el == 1 {
            return lower && class == Class::HVC && iss == END && raw.elr == code + 8;
        }
        // SVC from EL0 comes to EL2 itself, behind or at the SVC; or by EL1's vector.
        if lower && class == Class::SVC {
            return iss == END && (raw.elr == code + 8 || raw.elr == code + 4);
        }
        let (class, esr, elr) = self.at_el1(raw);
        class == Some(Class::SVC) && Esr(esr).iss() == END && elr == code + 8
    }

    /// The exception that EL1 took, if its vectors called.
    fn at_el1(&self, raw: &Raw) -> (Option<Class>, u64, u64) {
        let (class, iss) = (Esr(raw.esr).class(), Esr(raw.esr).iss());
        let by_hvc = class == Class::HVC && iss >> 4 == 0x20;
        let by_access = hcr_el2::HCD.is_set(self.hcr)
            && class == Class::SYSREG
            && iss & !enter::CALL_NUMBER == enter::CALL_WITHOUT_HVC;
        if raw.how != 9 || !(by_hvc || by_access) {
            return (None, 0, 0);
        }
        let read = |r| self.hardware.read(r, enter::HARNESS).unwrap_or(0);
        let (esr, elr) = (read(SysReg::ESR_EL1), read(SysReg::ELR_EL1));
        (Some(Esr(esr).class()), esr, elr)
    }

    fn exception(&self, raw: &Raw, code: u64) -> Got {
        let (class, esr, elr) = self.at_el1(raw);
        // Calls that are not trapped return behind themselves.
        let calls = matches!(self.operation, Operation::Execute(Instruction::Hvc | Instruction::Svc));
        let is_own = |elr: u64| elr == code || calls && elr == code + 4;
        if class.is_some() && is_own(elr) {
            return Got::Exception { el: 1, esr };
        }
        // Vectors 5 and 9: synchronous, from EL2 itself and from below.
        if class.is_none() && matches!(raw.how, 5 | 9) && is_own(raw.elr) {
            return Got::Exception { el: 2, esr: raw.esr };
        }
        Got::Elsewhere { how: raw.how, esr: if class.is_some() { esr } else { raw.esr }, elr: raw.elr }
    }

    /// Which slot of the page was written, if one was; restores it.
    fn slot_written(x0: u64) -> Got {
        let Some(index) = (0..512).find(|i| enter::read_slot(*i) != enter::slot_pattern(*i)) else {
            return Got::Done;
        };
        let value = enter::read_slot(index);
        enter::write_slot(index, enter::slot_pattern(index));
        if value == x0 { Got::Memory(index as u16 * 8) } else { Got::NotWritten(value) }
    }
}
