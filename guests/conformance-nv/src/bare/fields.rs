//! The fields that the rules of an operation ask for.

use droste_arch::expr::{Expr, Number, Quantity};
use droste_arch::fields::Field;
use droste_arch::fields::hcr_el2::{self, DC, E2H, NV, NV1, NV2, RW, TGE, VM};
use droste_arch::outcome::{Operation, State};
use droste_arch::sysreg::SysReg;
use droste_arch::sysreg::access::{Action, Rule};

/// A field of a control register, and a value for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) register: SysReg,
    pub(super) field: Field,
    pub(super) value: u64,
}

impl Asked {
    /// The values that are worth trying.
    pub(super) fn values(&self) -> impl Iterator<Item = u64> + use<> {
        let all = self.field.mask() >> self.field.lsb();
        // Of a number, those around the limits that a CPU may have.
        let some = [0, 1, 3, 4, 5, 6, 7, 8, 30, 31];
        let all_of = (0..=all.min(3)).filter(move |_| all <= 3);
        let counters = self.register == SysReg::MDCR_EL2;
        // More counters than there are, or none, is CONSTRAINED UNPREDICTABLE.
        let number = move |v: &u64| *v <= all && (!counters || (1..4).contains(v));
        all_of.chain(some.into_iter().filter(move |v| all > 3 && number(v)))
    }
}

/// What may not be changed: the settings themselves, translation, and the harness's way back.
fn is_fixed(register: SysReg, field: Field) -> bool {
    const HCR: [Field; 8] = [E2H, TGE, NV, NV1, NV2, VM, DC, RW];
    match register {
        SysReg::HCR_EL2 => HCR.iter().any(|f| f.mask() & field.mask() != 0),
        // ERETAA would authenticate.
        SysReg::SCTLR_EL1 => matches!(field.lsb(), 30 | 31),
        r => !r.is_writable() || r == SysReg::SPSel,
    }
}

/// The most fields that one operation's rules ask for.
const LIMIT: usize = 40;

/// Some fields with values.
pub(super) struct Few {
    all: [Option<Asked>; LIMIT],
    count: usize,
}

impl Few {
    pub(super) const fn new() -> Self {
        Few { all: [None; LIMIT], count: 0 }
    }

    pub(super) fn push(&mut self, asked: Asked) {
        assert!(self.count < LIMIT, "too many values");
        self.all[self.count] = Some(asked);
        self.count += 1;
    }

    /// Calls for each two that are of different fields.
    pub(super) fn each_pair(&self, mut call: impl FnMut(Asked, Asked)) {
        for (n, a) in self.all.iter().flatten().enumerate() {
            for b in self.all[n + 1..].iter().flatten() {
                if a.register != b.register || a.field.mask() & b.field.mask() == 0 {
                    call(*a, *b);
                }
            }
        }
    }
}

/// Calls for each field that the rules ask for, once.
pub(super) fn each(rules: &[Rule], mut call: impl FnMut(Asked)) {
    let mut known: [Option<Asked>; LIMIT] = [None; LIMIT];
    let mut count = 0;
    for rule in rules {
        visit(rule.when, &mut |register, lsb, width| {
            let field = Field::new(lsb + width - 1, lsb);
            let asked = Asked { register, field, value: 0 };
            if !is_fixed(register, field) && !known[..count].contains(&Some(asked)) {
                assert!(count < LIMIT, "too many fields");
                known[count] = Some(asked);
                count += 1;
            }
        });
    }
    known.into_iter().flatten().for_each(&mut call);
}

fn visit(e: &Expr, call: &mut impl FnMut(SysReg, u8, u8)) {
    match e {
        Expr::Field(t) => call(t.register, t.lsb, t.width),
        Expr::AtLeast(a, b) => {
            for n in [a, b] {
                if let Number::Field { register, lsb, width } = *n {
                    call(register, lsb, width);
                }
                if *n == Number::Quantity(Quantity::EventCountersAccessible) {
                    let hpmn = droste_arch::fields::mdcr_el2::HPMN;
                    call(SysReg::MDCR_EL2, hpmn.lsb(), 5);
                }
            }
        }
        Expr::Not(e) => visit(e, call),
        Expr::All(l) | Expr::Any(l) => l.iter().for_each(|e| visit(e, call)),
        Expr::Const(_) | Expr::Feature(_) => {}
    }
}

/// Whether the operation is UNDEFINED at every level because the CPU lacks something.
pub(super) fn is_absent(operation: Operation, state: &State) -> bool {
    (0..3).all(|el| {
        let rule = operation.rules(el).iter().find(|r| !is_chosen(r.when) || r.when.holds(state));
        rule.is_none_or(|r| r.action == Action::Undefined && is_chosen(r.when))
    }) && (0..3).any(|el| !operation.rules(el).is_empty())
}

/// Whether a condition asks only for what the implementation chose.
fn is_chosen(e: &Expr) -> bool {
    match e {
        Expr::Const(_) | Expr::Feature(_) => true,
        Expr::Field(_) => false,
        Expr::AtLeast(a, b) => [a, b].iter().all(|n| match n {
            Number::Const(_) => true,
            Number::Field { .. } => false,
            Number::Quantity(q) => *q != Quantity::EventCountersAccessible,
        }),
        Expr::Not(e) => is_chosen(e),
        Expr::All(l) | Expr::Any(l) => l.iter().all(is_chosen),
    }
}

/// The settings of HCR_EL2 in words: `NV+NV2`.
pub(super) fn settings(hcr: u64) -> impl Iterator<Item = &'static str> {
    let all = [("NV", hcr_el2::NV), ("NV1", NV1), ("NV2", NV2), ("E2H", E2H), ("TGE", TGE)];
    all.into_iter().filter(move |(_, f)| f.is_set(hcr)).map(|(name, _)| name)
}

/// Whether the CPU should hold a value in the field.
pub(super) fn should_hold(asked: &Asked, state: &State) -> bool {
    // Without a memory-mapped CPU interface SRE and Enable may be RAO/WI.
    if matches!(asked.register, SysReg::ICC_SRE_EL1 | SysReg::ICC_SRE_EL2) {
        return false;
    }
    let masks = state.masks(asked.register);
    let wanted = asked.field.with(0, asked.value);
    masks.apply(wanted) & asked.field.mask() == wanted
}
