//! Conditions on features and register fields, as static data.

use core::fmt;

use crate::feature::Feature;
use crate::sysreg::SysReg;

/// A condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expr {
    /// Always or never.
    Const(bool),
    /// The feature is implemented.
    Feature(Feature),
    /// A field of a register passes a test.
    Field(FieldTest),
    /// The first number is not less than the second.
    AtLeast(Number, Number),
    /// The opposite.
    Not(&'static Expr),
    /// All of them hold.
    All(&'static [Expr]),
    /// At least one of them holds.
    Any(&'static [Expr]),
}

/// A test of a field of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldTest {
    /// The register.
    pub register: SysReg,
    /// The lowest bit of the field.
    pub lsb: u8,
    /// The number of bits of the field.
    pub width: u8,
    /// What the field is tested for.
    pub test: Test,
}

/// What a field is tested for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// It has this value.
    Is(u64),
    /// Its bits under the first mask have the second value.
    Matches(u64, u64),
    /// As an unsigned number it is at least this.
    AtLeast(u64),
    /// As an unsigned number it is below this.
    Below(u64),
    /// As a signed number it is at least this.
    SignedAtLeast(i64),
}

/// A number in a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Itself.
    Const(u64),
    /// The value of a field.
    Field {
        /// The register.
        register: SysReg,
        /// The lowest bit of the field.
        lsb: u8,
        /// The number of bits of the field.
        width: u8,
    },
    /// A number that the implementation chooses.
    Quantity(Quantity),
}

/// A number that the implementation chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Breakpoints.
    Breakpoints,
    /// Watchpoints.
    Watchpoints,
    /// PMU event counters.
    EventCounters,
    /// PMU event counters that EL1 and EL0 may use: MDCR_EL2.HPMN.
    EventCountersAccessible,
    /// GIC list registers.
    ListRegisters,
    /// Implemented bits of a GIC priority.
    PriorityBits,
    /// Implemented bits of a virtual GIC priority that take part in preemption.
    PreemptionBits,
}

/// What a condition is evaluated against.
pub trait Facts {
    /// Whether the feature is implemented.
    fn feature(&self, feature: Feature) -> bool;
    /// The value of the register.
    fn register(&self, register: SysReg) -> u64;
    /// The number that the implementation chose.
    fn quantity(&self, quantity: Quantity) -> u64;
}

impl Number {
    /// Its value.
    pub fn value(&self, facts: &impl Facts) -> u64 {
        match *self {
            Self::Const(n) => n,
            Self::Field { register, lsb, width } => {
                facts.register(register) >> lsb & u64::MAX >> (64 - u32::from(width))
            }
            Self::Quantity(q) => facts.quantity(q),
        }
    }
}

impl Expr {
    /// Evaluates the condition.
    pub fn holds(&self, facts: &impl Facts) -> bool {
        match self {
            Self::Const(c) => *c,
            Self::Feature(f) => facts.feature(*f),
            Self::Field(t) => t.holds(facts.register(t.register)),
            Self::AtLeast(a, b) => a.value(facts) >= b.value(facts),
            Self::Not(e) => !e.holds(facts),
            Self::All(list) => list.iter().all(|e| e.holds(facts)),
            Self::Any(list) => list.iter().any(|e| e.holds(facts)),
        }
    }
}

impl FieldTest {
    /// Whether the field of a register with this value passes.
    #[must_use]
    #[inline]
    pub const fn holds(&self, register: u64) -> bool {
        let unused = 64 - self.width as u32;
        let field = (register >> self.lsb) << unused >> unused;
        match self.test {
            Test::Is(value) => field == value,
            Test::Matches(mask, value) => field & mask == value,
            Test::AtLeast(value) => field >= value,
            Test::Below(value) => field < value,
            Test::SignedAtLeast(value) => (field << unused).cast_signed() >> unused >= value,
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, list: &[Expr], operator: &str| {
            for (i, e) in list.iter().enumerate() {
                if i > 0 {
                    f.write_str(operator)?;
                }
                match e {
                    Self::All(_) | Self::Any(_) => write!(f, "({e})")?,
                    e => write!(f, "{e}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::Const(c) => write!(f, "{}", if *c { "always" } else { "never" }),
            Self::Feature(feature) => write!(f, "{feature}"),
            Self::Field(t) => write!(f, "{t}"),
            Self::AtLeast(a, b) => write!(f, "{a} >= {b}"),
            Self::Not(e @ (Self::All(_) | Self::Any(_))) => write!(f, "!({e})"),
            Self::Not(e) => write!(f, "!{e}"),
            Self::All(l) => list(f, l, " & "),
            Self::Any(l) => list(f, l, " | "),
        }
    }
}

impl fmt::Display for FieldTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { register, lsb, width, test } = self;
        write!(f, "{register}[{}:{lsb}] ", lsb + width - 1)?;
        match test {
            Test::Is(v) => write!(f, "= {v:#x}"),
            Test::Matches(mask, v) => write!(f, "& {mask:#x} = {v:#x}"),
            Test::AtLeast(v) => write!(f, ">= {v}"),
            Test::Below(v) => write!(f, "< {v}"),
            Test::SignedAtLeast(v) => write!(f, ">= {v} (signed)"),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Const(n) => write!(f, "{n}"),
            Self::Field { register, lsb, width } => write!(f, "{register}[{}:{lsb}]", lsb + width - 1),
            Self::Quantity(q) => write!(f, "{q:?}"),
        }
    }
}
