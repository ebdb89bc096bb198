//! Counts and lines.

use super::cell::{Cell, Difference, Got};
use super::fields::{self, Asked};
use core::fmt;
use droste_arch::esr::{Class, Esr};
use droste_arch::expr::{Expr, FieldTest, Test};
use droste_arch::outcome::{Operation, Outcome, State, Words};
use droste_arch::sysreg::SysReg;
use guest_support::println;

/// The most operations that there may be.
const OPERATIONS: usize = 2048;
/// The most fields that are listed as not holding a value.
const FIELDS: usize = 64;

/// What has been seen so far.
pub(super) struct Report {
    cells: u32,
    different: u32,
    /// Cells of operations that this CPU does not have, or of fields of such features.
    absent: u32,
    /// Cells that could not be executed.
    skipped: u32,
    per_operation: [(u16, u16); OPERATIONS],
    fields: [Option<(SysReg, u8, u64)>; FIELDS],
}

impl Report {
    pub(super) const fn new() -> Self {
        Self {
            cells: 0,
            different: 0,
            absent: 0,
            skipped: 0,
            per_operation: [(0, 0); OPERATIONS],
            fields: [None; FIELDS],
        }
    }

    /// A setting of HCR_EL2 that this CPU cannot have.
    pub(super) fn setting_is_not_there(&mut self, el: u8, bits: u64) {
        println!("absent: EL{el} with {}", Settings(bits));
    }

    /// A cell of an operation or of a control register that this CPU has not.
    pub(super) fn absent(&mut self) {
        self.absent += 1;
    }

    /// A field that does not hold a value: it belongs to an absent feature, or it is fixed.
    pub(super) fn not_held(&mut self, asked: &Asked, state: &State) {
        if !fields::should_hold(asked, state) {
            self.absent += 1;
            return;
        }
        self.skipped += 1;
        let this = Some((asked.register, asked.field.lsb(), asked.value));
        let Some(place) = self.fields.iter_mut().find(|f| f.is_none() || **f == this) else { return };
        if place.is_none() {
            *place = this;
            println!("skipped: {}: the field does not hold the value", Place(asked, state.e2h()));
        }
    }

    pub(super) fn judged(&mut self, cell: &Cell<'_>, asked: &[Asked], difference: Option<Difference>) {
        self.cells += 1;
        let counts = &mut self.per_operation[cell.number];
        counts.0 += 1;
        let Some(difference) = difference else { return };
        counts.1 += 1;
        self.different += 1;
        let Difference { expected, value, got } = difference;
        println!(
            "DIFFERENT {} at EL{} with {}{}: expected {}, got {}",
            cell.operation,
            cell.el,
            Settings(cell.hcr),
            Also(asked, cell.state.e2h()),
            Expected(expected, value),
            got,
        );
    }

    /// A line for each operation, and the last line.
    pub(super) fn summary(&self, state: &State) {
        for (number, operation) in Operation::all().enumerate() {
            let (cells, different) = self.per_operation[number];
            if different > 0 {
                println!("{operation}: {cells} cells, {different} DIFFERENT");
            } else if cells > 0 {
                println!("{operation}: {cells} cells");
            }
        }
        let absent = Operation::all().filter(|o| fields::is_absent(*o, state)).count();
        println!("absent: {absent} accessors of features that this CPU has not, {} cells", self.absent);
        let (n, m, k) = (self.cells, self.different, self.skipped);
        println!("coverage: {n} of {} cells of features that this CPU has were executed", n + k);
        println!("conformance-nv: {n} cells, {m} different, {k} skipped (listed)");
    }
}

struct Settings(u64);

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HCR_EL2 {")?;
        for (i, name) in fields::settings(self.0).enumerate() {
            f.write_str(if i > 0 { "," } else { "" })?;
            f.write_str(name)?;
        }
        f.write_str("}")
    }
}

/// A field and its value.
struct Place<'a>(&'a Asked, bool);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Asked { register, field, value } = *self.0;
        let width = (field.mask() >> field.lsb()).count_ones() as u8;
        let test = FieldTest { register, lsb: field.lsb(), width, test: Test::Is(value) };
        write!(f, "{}", Words { condition: &Expr::Field(test), e2h: self.1 })
    }
}

struct Also<'a>(&'a [Asked], bool);

impl fmt::Display for Also<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|asked| write!(f, " and {}", Place(asked, self.1)))
    }
}

struct Expected(Outcome, Option<u64>);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Outcome::Register(r) => write!(f, "{r}")?,
            Outcome::Memory(offset) => write!(f, "memory {offset:#05x}")?,
            Outcome::Nothing => f.write_str("nothing")?,
            Outcome::Executes => f.write_str("execution")?,
            Outcome::Undefined { el } => write!(f, "UNDEFINED to EL{el}")?,
            Outcome::Exception { el, esr } => write!(f, "EL{el} ESR {:#x}", esr.0)?,
        }
        self.1.map_or(Ok(()), |value| write!(f, " = {value:#x}"))
    }
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Done => f.write_str("execution"),
            Self::Value(v) => write!(f, "value {v:#x}"),
            Self::Memory(offset) => write!(f, "memory {offset:#05x}"),
            Self::NotWritten(v) => write!(f, "execution, and it holds {v:#x}"),
            Self::Exception { el, esr } if Esr(esr).class() == Class::UNKNOWN => {
                write!(f, "UNDEFINED to EL{el}")
            }
            Self::Exception { el, esr } => write!(f, "EL{el} ESR {esr:#x}"),
            Self::Elsewhere { how, esr, elr } => {
                write!(f, "an exception elsewhere: vector {how}, ESR {esr:#x}, ELR {elr:#x}")
            }
        }
    }
}
