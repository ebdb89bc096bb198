//! Conditions with the names of the manual.

use crate::expr::{Expr, FieldTest, Number, Quantity, Test};
use crate::fields::{self, Field};
use crate::sysreg::SysReg;
use core::fmt;

/// Displays a condition with the names of fields: `HCR_EL2.NV = 1 & FEAT_FGT`.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// The condition.
    pub condition: &'a Expr,
    /// Whether HCR_EL2.E2H is 1, for registers that have two layouts.
    pub e2h: bool,
}

impl Words<'_> {
    fn list(&self, f: &mut fmt::Formatter<'_>, list: &[Expr], operator: &str) -> fmt::Result {
        for (i, e) in list.iter().enumerate() {
            if i > 0 {
                f.write_str(operator)?;
            }
            let one = Words { condition: e, ..*self };
            match e {
                Expr::All(_) | Expr::Any(_) => write!(f, "({one})")?,
                _ => write!(f, "{one}")?,
            }
        }
        Ok(())
    }

    fn test(&self, f: &mut fmt::Formatter<'_>, t: &FieldTest) -> fmt::Result {
        match t.test {
            // A test of several bits that are fields of their own names each of them.
            Test::Matches(mask, value) if named(t.register, t.lsb, t.width, self.e2h).is_none() => {
                let mut first = true;
                for bit in (0..64).rev().filter(|bit| mask >> bit & 1 != 0) {
                    if !first {
                        f.write_str(" & ")?;
                    }
                    first = false;
                    self.place(f, t.register, t.lsb + bit, 1)?;
                    write!(f, " = {}", value >> bit & 1)?;
                }
                Ok(())
            }
            test => {
                self.place(f, t.register, t.lsb, t.width)?;
                match test {
                    Test::Is(v) if t.width == 1 => write!(f, " = {v}"),
                    Test::Is(v) => write!(f, " = {v:#b}"),
                    Test::Matches(mask, v) => {
                        f.write_str(" = 0b")?;
                        for bit in (0..t.width).rev() {
                            let x = if mask >> bit & 1 == 0 {
                                'x'
                            } else {
                                char::from(b'0' + (v >> bit & 1) as u8)
                            };
                            write!(f, "{x}")?;
                        }
                        Ok(())
                    }
                    Test::AtLeast(v) => write!(f, " >= {v}"),
                    Test::Below(v) => write!(f, " < {v}"),
                    Test::SignedAtLeast(v) => write!(f, " >= {v} (signed)"),
                }
            }
        }
    }

    fn place(&self, f: &mut fmt::Formatter<'_>, register: SysReg, lsb: u8, width: u8) -> fmt::Result {
        match named(register, lsb, width, self.e2h) {
            Some(name) => write!(f, "{register}.{name}"),
            None if width == 1 => write!(f, "{register}[{lsb}]"),
            None => write!(f, "{register}[{}:{lsb}]", lsb + width - 1),
        }
    }

    fn number(&self, f: &mut fmt::Formatter<'_>, number: &Number) -> fmt::Result {
        match *number {
            Number::Const(n) => write!(f, "{n}"),
            Number::Field { register, lsb, width } => self.place(f, register, lsb, width),
            Number::Quantity(q) => f.write_str(match q {
                Quantity::Breakpoints => "the number of breakpoints",
                Quantity::Watchpoints => "the number of watchpoints",
                Quantity::EventCounters => "the number of event counters",
                Quantity::EventCountersAccessible => "the number of event counters that MDCR_EL2.HPMN leaves",
                Quantity::ListRegisters => "the number of list registers",
                Quantity::PriorityBits => "the number of priority bits",
                Quantity::PreemptionBits => "the number of preemption bits",
            }),
        }
    }
}

/// The name of a field at exactly these bits.
fn named(register: SysReg, lsb: u8, width: u8, e2h: bool) -> Option<&'static str> {
    let place = Field::new(lsb + width - 1, lsb);
    fields::of(register.name(), e2h).iter().find(|(_, field)| *field == place).map(|(name, _)| *name)
}

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.condition {
            Expr::Const(c) => f.write_str(if *c { "always" } else { "never" }),
            Expr::Feature(feature) => write!(f, "{feature}"),
            Expr::Field(t) => self.test(f, t),
            Expr::AtLeast(a, b) => {
                self.number(f, a)?;
                f.write_str(" >= ")?;
                self.number(f, b)
            }
            Expr::Not(e @ (Expr::Feature(_) | Expr::Const(_))) => {
                write!(f, "no {}", Words { condition: e, ..*self })
            }
            Expr::Not(e) => write!(f, "not ({})", Words { condition: e, ..*self }),
            Expr::All(l) => self.list(f, l, " & "),
            Expr::Any(l) => self.list(f, l, " | "),
        }
    }
}
