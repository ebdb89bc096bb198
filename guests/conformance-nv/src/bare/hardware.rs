//! The registers of this CPU by name: every operation's code, and accesses at EL2 that may fail.

use super::enter::{self, Raw};
use droste_arch::fields::hcr_el2;
use droste_arch::outcome::{self, Operation, Outcome, State};
use droste_arch::sysreg::access::Instruction;
use droste_arch::sysreg::{COUNT, SysReg};

const SVC: u32 = 0xd400_0001 | END << 5;
const HVC: u32 = 0xd400_0002 | END << 5;
const RET: u32 = 0xd65f_03c0;
/// The immediate of the SVC or HVC behind the instruction under test.
pub(super) const END: u32 = 0x1e;
/// No operation.
const NONE: u16 = u16::MAX;

/// Code for every operation, and which of them reaches a register at EL2.
pub(super) struct Hardware {
    /// The operations that read and write a register when HCR_EL2 is the harness's.
    readers: [u16; COUNT],
    writers: [u16; COUNT],
}

/// The code of operation number `operation` at a level.
pub(super) fn code(operation: usize, el: u8) -> u64 {
    enter::code(3 * operation + usize::from(el))
}

/// The last pieces of code: for each level two, with two WFEs and an end.
const WAITS: usize = enter::PIECES - 6;

/// The address of the second of two WFEs that stand one behind the other, with the end behind them.
pub(super) fn second_wait(el: u8) -> u64 {
    enter::code(WAITS + 2 * usize::from(el)) + 4
}

impl Hardware {
    /// Writes the code; which accessor reaches what is not yet known.
    pub(super) const fn new() -> Self {
        Self { readers: [NONE; COUNT], writers: [NONE; COUNT] }
    }

    /// Writes the code of every operation.
    pub(super) fn prepare(&mut self) {
        for (number, operation) in Operation::all().enumerate() {
            let word = operation.word(0);
            for (el, end) in [SVC, HVC, RET].into_iter().enumerate() {
                enter::write_code(3 * number + el, [word, end]);
            }
            // Until the CPU's features are known, every register is reached by its own name.
            match operation {
                Operation::Read(r) => self.readers[r.index()] = number as u16,
                Operation::Write(r) => self.writers[r.index()] = number as u16,
                _ => {}
            }
        }
        let wfe = Operation::Execute(Instruction::Wfe).word(0);
        for (el, end) in [SVC, HVC, RET].into_iter().enumerate() {
            enter::write_code(WAITS + 2 * el, [wfe, wfe]);
            enter::write_code(WAITS + 2 * el + 1, [end, end]);
        }
        enter::publish_code();
    }

    /// Finds the accessor of each register, given the features.
    pub(super) fn find_accessors(&mut self, state: &State) {
        self.readers = [NONE; COUNT];
        self.writers = [NONE; COUNT];
        for (number, operation) in Operation::all().enumerate() {
            let decision = outcome::decide(operation.word(0), 2, state);
            let Some(Outcome::Register(r)) = decision.map(|d| d.outcome) else { continue };
            let (table, own) = match operation {
                Operation::Read(own) => (&mut self.readers, own),
                Operation::Write(own) => (&mut self.writers, own),
                _ => continue,
            };
            if table[r.index()] == NONE || own == r {
                table[r.index()] = number as u16;
            }
        }
    }

    /// Reads a register at EL2; nothing if that is not possible.
    pub(super) fn read(&self, r: SysReg, hcr: u64) -> Option<u64> {
        let raw = self.at_el2(self.readers[r.index()], hcr, 0)?;
        Some(raw.x0)
    }

    /// Writes a register at EL2; whether that is possible.
    pub(super) fn write(&self, r: SysReg, hcr: u64, value: u64) -> bool {
        self.at_el2(self.writers[r.index()], hcr, value).is_some()
    }

    fn at_el2(&self, number: u16, hcr: u64, x0: u64) -> Option<Raw> {
        if number == NONE {
            return None;
        }
        let raw = enter::enter(code(usize::from(number), 2), hcr, 0, x0);
        (raw.how == 0).then_some(raw)
    }
}

/// HCR_EL2 for accesses of the harness to a register: those of EL2 may have a layout for E2H = 1, those of EL1 are
/// reached by their names with E2H = 0.
pub(super) fn layout(r: SysReg, hcr: u64) -> u64 {
    let is_el2 = r.name().ends_with("_EL2");
    enter::HARNESS | if is_el2 { hcr & hcr_el2::E2H.mask() } else { 0 }
}
