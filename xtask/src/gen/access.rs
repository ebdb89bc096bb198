//! `arch/src/sysreg/access/generated.rs`: what MRS, MSR and SYS do, by Exception level and condition.
//!
//! The rules are those of a machine without EL3: conditions on EL3, on the other Security states and on
//! an external debugger are folded away.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::expr::Expr;
use super::feature::field;
use super::tables::{Tables, number, rows, text};

/// Units that the rules are not generated for: nothing implements them, their encodings are UNDEFINED.
const SKIPPED: [&str; 11] = ["AMC", "AMEV", "AMU", "TRC", "BRB", "SPM", "MPAM", "GCS", "APAS", "S3_", "S1_"];
const KINDS: [&str; 10] = ["MRS", "MSRregister", "AT", "TLBI", "DC", "IC", "CFP", "CPP", "DVP", "COSP"];

/// The rules of one accessor at EL0, EL1 and EL2, as Rust.
type ByLevel = [Vec<(String, String)>; 3];

pub(super) fn generate(tables: &Tables) -> Result<String, String> {
    let mut accessors: BTreeMap<(&str, String), ByLevel> = BTreeMap::new();
    for row in rows(&tables.access)? {
        let accessor = text(row, 0)?;
        let (kind, name) = accessor.split_once(' ').unwrap_or((accessor, ""));
        if !KINDS.contains(&kind) || SKIPPED.iter().any(|s| name.starts_with(s)) {
            continue;
        }
        let level = usize::try_from(number(row, 1)?).map_err(|e| e.to_string())?;
        let rules = row[2].as_array().ok_or("no rules")?;
        for index in indices(name, tables)? {
            let one = Accessor { kind, name, index, level, tables };
            let compiled = one.rules(rules).map_err(|e| format!("{accessor} at EL{level}: {e}"))?;
            let place = match kind {
                "MRS" | "MSRregister" => (kind, one.array_name(name)),
                _ => ("SYS", format!("{kind}_{name}")),
            };
            accessors.entry(place).or_default()[level] = compiled;
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for row in rows(&tables.other_instructions)? {
        let name = text(row, 0)?;
        if !names.contains(&name) {
            names.push(name);
        }
        let level = usize::try_from(number(row, 1)?).map_err(|e| e.to_string())?;
        let one = Accessor { kind: "", name, index: 0, level, tables };
        let compiled = one
            .rules(row[2].as_array().ok_or("no rules")?)
            .map_err(|e| format!("{name} at EL{level}: {e}"))?;
        accessors.entry(("", name.to_owned())).or_default()[level] = compiled;
    }
    Ok(print(&accessors, &names, tables))
}

/// The indices of an array register, or one without meaning.
fn indices(name: &str, tables: &Tables) -> Result<Vec<u32>, String> {
    if !name.contains("<m>") {
        return Ok(vec![0]);
    }
    let exists = |m: &u32| tables.has_register(&name.replace("<m>", &m.to_string()));
    let all: Vec<u32> = (0..32).filter(exists).collect();
    if all.is_empty() { Err(format!("no register of the array {name}")) } else { Ok(all) }
}

struct Accessor<'a> {
    kind: &'a str,
    name: &'a str,
    index: u32,
    level: usize,
    tables: &'a Tables,
}

impl Accessor<'_> {
    fn array_name(&self, name: &str) -> String {
        name.replace("<m>", &self.index.to_string())
    }

    /// Condition and action of every rule that can decide, as Rust.
    fn rules(&self, rules: &[Value]) -> Result<Vec<(String, String)>, String> {
        let mut out: Vec<(String, String)> = Vec::new();
        if self.name.ends_with("ALIAS_EL1") {
            // The table leaves out what these encodings came with.
            out.push(("Not(&Feature(FEAT_SRMASK))".into(), "Undefined".into()));
        }
        for rule in rules {
            let condition = Expr::parse(text(rule, 0)?)?.map(&|a| self.meaning(a))?;
            if condition == Expr::Const(false) {
                continue;
            }
            let Some(action) = self.action(text(rule, 1)?)? else { continue };
            out.push((condition.to_rust()?, action));
            if condition == Expr::Const(true) {
                break;
            }
        }
        // A rule before the last that does the same decides nothing.
        while out.len() > 1 && out[out.len() - 2].1 == out[out.len() - 1].1 {
            out.remove(out.len() - 2);
        }
        if out.last().is_some_and(|r| r.0 != "Const(true)") {
            return Err("the last rule does not always hold".into());
        }
        Ok(out)
    }

    fn action(&self, text: &str) -> Result<Option<String>, String> {
        let (what, of) = text.split_once(':').unwrap_or((text, ""));
        let own = self.array_name(self.name);
        let register = |name: &str| -> Result<Option<String>, String> {
            let name = name.strip_suffix("_NS").or_else(|| name.strip_suffix("_S")).unwrap_or(name);
            if !self.tables.has_register(name) {
                return Err(format!("unknown register {name}"));
            }
            Ok(Some(format!("Register(SysReg::{name})")))
        };
        match what {
            "undef" | "cunpred" => Ok(Some("Undefined".into())),
            "nop" => Ok(Some("Nop".into())),
            "zero" => Ok(Some("Zero".into())),
            // A TVAL of a disabled timer: the running value is as good as any.
            "unknown" => Ok(None),
            "trap" => {
                let (el, ec) = of.split_once(':').ok_or("trap without class")?;
                Ok(Some(format!("Trap {{ el: {}, ec: {ec} }}", el.trim_start_matches("EL"))))
            }
            "mem" => {
                let (base, step) = of.split_once('+').unwrap_or((of, "0*m"));
                let base = base.strip_prefix("0x").ok_or("offset is not hexadecimal")?;
                let base = u32::from_str_radix(base, 16).map_err(|e| e.to_string())?;
                let step: u32 =
                    step.trim_end_matches("*m").parse().map_err(|e| format!("offset {of}: {e}"))?;
                Ok(Some(format!("Memory({:#x})", base + step * self.index)))
            }
            "reg" | "regmask" => register(of),
            "regarr" if self.name.contains("<m>") => {
                let of = of.strip_suffix("_NS").or_else(|| of.strip_suffix("_S")).unwrap_or(of);
                let (stem, el) = of.rsplit_once('_').ok_or("array without Exception level")?;
                register(&format!("{stem}{}_{el}", self.index))
            }
            "timer" if of.contains("CVAL") => register(&of.replace("CVAL", "TVAL")),
            "reg~" if of == "CNTHCTL_EL2" => register(of),
            "regarr" | "timer" | "reg~" => register(&own),
            "op" if self.kind.starts_with('M') => register(&own),
            "op" => Ok(Some("Perform".into())),
            _ => Err(format!("unknown action {text}")),
        }
    }

    /// An atom of the rules, which may mean something newer.
    fn meaning(&self, text: &str) -> Result<Expr, String> {
        match self.tables.atoms.get(text) {
            Some(newer) => Expr::parse(newer)?.map(&|a| self.atom(a)),
            None => self.atom(text),
        }
    }

    fn atom(&self, text: &str) -> Result<Expr, String> {
        let constant = |c| Ok(Expr::Const(c));
        let feature = |name: &str| Ok(Expr::Atom(format!("Feature({name})")));
        let hcr = |test: String| {
            Ok(Expr::Atom(format!(
                "Field(FieldTest {{ register: SysReg::HCR_EL2, lsb: 27, width: 19, test: {test} }})"
            )))
        };
        match text {
            "EL3" | "el3sdd" | "el3sdd_prio" | "HaltingAllowed()" | "aarch32:EL2" => return constant(false),
            "IsCurrentSecurityState(SS_Secure)" | "IsCurrentSecurityState(SS_Realm)" => {
                return constant(false);
            }
            "PSTATE.EXLOCK=1" | "PSTATE.EXLOCK=0" | "GetCurrentEXLOCKEN()" => return constant(false),
            // Only with FEAT_PMUv3p9, which needs an index computed at run time.
            "PMUACR_EL1[UInt(PMSELR_EL0.SEL)]=0" => return constant(false),
            // Without Security states EL2, if there is one, is enabled.
            "el2en" | "EL2" => return feature("FEAT_EL2"),
            "IsHighestEL(EL2)" => return feature("FEAT_EL2"),
            "IsHighestEL(EL1)" => return Ok(feature("FEAT_EL2")?.negated()),
            "IsHighestEL(PSTATE.EL)" if self.level == 2 => return constant(true),
            "IsHighestEL(PSTATE.EL)" => return Ok(feature("FEAT_EL2")?.negated()),
            "HaveAArch32EL(EL1)" => return feature("FEAT_AA32EL1"),
            "IsHCRXEL2Enabled()" => return feature("FEAT_HCX"),
            "inhost2" => return hcr(matches(1 << 7, 1 << 7)),
            "inhost0" => return hcr(matches(1 << 7 | 1, 1 << 7 | 1)),
            "PSTATE.SP=0" | "PSTATE.SP=1" => {
                let test = format!("Test::Is({})", &text[10..]);
                return field("SPSel", 0, 0, &test, self.tables).ok_or_else(|| "no SPSel".into());
            }
            "impdef:IMPLEMENTED_ACTLR_ELx_accessor_behavior" => return constant(false),
            _ => {}
        }
        if self.tables.feature_names.contains(text) {
            return feature(text);
        }
        if text.contains("_EL3.")
            || text.contains("EDSCR")
            || text.starts_with("EffectivePMSCR")
            || text.starts_with("EffectiveTRFCR")
            || text.starts_with("GCSEnabled")
        {
            return constant(false);
        }
        // Mask registers exist only with FEAT_SRMASK; zero masks nothing. Every ID register is trapped.
        if text.starts_with("IsZero(Effective") || text.starts_with("impdef:") {
            return constant(true);
        }
        if text.starts_with("IsZero(ID_") {
            return constant(false);
        }
        if let Some(pattern) = text.strip_prefix("NVx=") {
            let (mask, value) = bits(pattern)?;
            // {NV2,NV1,NV} are HCR_EL2 bits 45, 43 and 42, with AT between the first two.
            let spread = |v: u64| (v & 4) << 1 | v & 3;
            let asked = |mask, value| hcr(matches(spread(mask) << 15, spread(value) << 15));
            // With NV_frac >= 1, NV2 is effectively 1 whatever its bit holds (DDI 0487 D8.14.6).
            let (exact, only) = (asked(mask, value)?, feature("NV2_ONLY")?);
            return match (mask & 4, value & 4) {
                (0, _) => Ok(exact),
                (_, 0) => Ok(Expr::all(vec![only.negated(), exact])),
                _ => Ok(Expr::any(vec![exact, Expr::all(vec![only, asked(mask & 3, value & 3)?])])),
            };
        }
        if let Some(e) = self.quantity(text)? {
            return Ok(e);
        }
        let (place, value) = text.split_once('=').ok_or_else(|| format!("unknown atom {text:?}"))?;
        if place == "m" {
            return constant(value.parse() == Ok(self.index));
        }
        if let Some(register) = place.strip_suffix("[m]") {
            return Ok(Expr::Atom(format!(
                "Field(FieldTest {{ register: SysReg::{register}, lsb: {}, width: 1, test: Test::Is({value}) }})",
                self.index
            )));
        }
        let place = place.strip_prefix("UInt(").map_or(place, |p| p.trim_end_matches(')'));
        let (mask, value) = match value.parse::<u64>() {
            Ok(v) if text.starts_with("UInt(") => (u64::MAX, v),
            _ => bits(value)?,
        };
        self.field(place, mask, value).ok_or_else(|| format!("unknown atom {text:?}"))
    }

    /// A test of a field; where layouts put it in two places, the layout in force decides.
    fn field(&self, place: &str, mask: u64, value: u64) -> Option<Expr> {
        let (register, name) = place.split_once('.')?;
        let mut found: Vec<(Option<Expr>, u32, u32)> = Vec::new();
        for layout in self.tables.layouts.get(register)? {
            let Some(f) = layout.fields.iter().find(|f| f.name.as_deref() == Some(name)) else { continue };
            if found.iter().any(|(_, lsb, msb)| (*lsb, *msb) == (f.lsb, f.msb)) {
                continue;
            }
            let when = match layout.when.as_deref() {
                Some("inhost2") => Some(self.atom("inhost2").ok()?),
                Some("!ELIsInHost(EL2)") => Some(self.atom("inhost2").ok()?.negated()),
                _ => None,
            };
            found.push((when, f.lsb, f.msb));
        }
        let test = |lsb: u32, msb: u32| -> Option<Expr> {
            let all = u64::MAX >> (63 - (msb - lsb));
            let test = if mask & all == all { format!("Test::Is({value})") } else { matches(mask, value) };
            field(register, lsb, msb, &test, self.tables)
        };
        match found.as_slice() {
            [(_, lsb, msb)] => test(*lsb, *msb),
            [] => None,
            several => {
                let alternatives = several
                    .iter()
                    .map(|(when, lsb, msb)| Some(Expr::all(vec![when.clone()?, test(*lsb, *msb)?])));
                Some(Expr::any(alternatives.collect::<Option<Vec<_>>>()?))
            }
        }
    }

    /// Comparisons with numbers that the implementation chooses.
    fn quantity(&self, text: &str) -> Result<Option<Expr>, String> {
        let (left, right, negated) = if let Some((l, r)) = text.split_once(">=") {
            (l, r, false)
        } else if let Some((l, r)) = text.split_once('<') {
            (l, r, true)
        } else {
            return Ok(None);
        };
        let compare = Expr::Atom(format!("AtLeast({}, {})", self.operand(left)?, self.operand(right)?));
        Ok(Some(if negated { compare.negated() } else { compare }))
    }

    fn operand(&self, text: &str) -> Result<String, String> {
        let quantity = |q: &str| Ok(format!("Number::Quantity(Quantity::{q})"));
        match text {
            "NUM_BREAKPOINTS" => quantity("Breakpoints"),
            "NUM_WATCHPOINTS" => quantity("Watchpoints"),
            "GetNumEventCountersSelfHosted()" => quantity("EventCounters"),
            "GetNumEventCountersAccessible()" => quantity("EventCountersAccessible"),
            "NUM_GIC_LIST_REGS" => quantity("ListRegisters"),
            "NUM_GIC_PRIORITY_BITS" => quantity("PriorityBits"),
            "NUM_GIC_PREEMPTION_BITS" => quantity("PreemptionBits"),
            // The bank in use is 0: FEAT_Debugv8p9 is not modelled.
            t if t == "m" || t.starts_with("m+(UInt(") => Ok(format!("Number::Const({})", self.index)),
            "UInt(PMSELR_EL0.SEL)" => {
                Ok("Number::Field { register: SysReg::PMSELR_EL0, lsb: 0, width: 5 }".into())
            }
            t => match t.parse::<u64>() {
                Ok(n) => Ok(format!("Number::Const({n})")),
                Err(_) => Err(format!("unknown number {t:?}")),
            },
        }
    }
}

fn matches(mask: u64, value: u64) -> String {
    format!("Test::Matches({mask:#x}, {value:#x})")
}

/// Mask and value of a binary pattern in which x is any bit.
fn bits(pattern: &str) -> Result<(u64, u64), String> {
    let parse = |x: &str, text: &str| {
        u64::from_str_radix(&text.replace('x', x), 2).map_err(|e| format!("pattern {pattern:?}: {e}"))
    };
    let (ones, value) = (parse("1", pattern)?, parse("0", pattern)?);
    let width = pattern.len();
    let all = u64::MAX >> (64 - width);
    let mask = all & !(ones ^ value);
    Ok((if pattern.contains('x') { mask } else { u64::MAX }, value))
}

fn print(accessors: &BTreeMap<(&str, String), ByLevel>, others: &[&str], tables: &Tables) -> String {
    let mut out = super::header("data/access.json, data/instructions.json and data/fields.json");
    out.push_str("use super::{Action::*, Rule};\nuse crate::expr::{Expr::{self, *}, FieldTest, Number, Quantity, Test};\n");
    out.push_str("use crate::feature::Feature::*;\nuse crate::sysreg::{COUNT, INSN_COUNT, SysReg};\n\n");
    let mut conditions: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lists: BTreeMap<&[(String, String)], usize> = BTreeMap::new();
    for rules in accessors.values().flatten() {
        lists.insert(rules, 0);
        conditions.extend(rules.iter().map(|(c, _)| (c.as_str(), 0)));
    }
    conditions.values_mut().enumerate().for_each(|(i, n)| *n = i);
    lists.values_mut().enumerate().for_each(|(i, n)| *n = i);
    for (condition, i) in &conditions {
        let _ = writeln!(out, "static C{i}: Expr = {condition};");
    }
    for (rules, i) in &lists {
        let _ = write!(out, "static L{i}: [Rule; {}] = [", rules.len());
        for (condition, action) in *rules {
            let _ = write!(out, "Rule {{ when: &C{}, action: {action} }}, ", conditions[condition.as_str()]);
        }
        out.push_str("];\n");
    }
    let mut table = |name: &str, count: &str, kind: &'static str, names: &mut dyn Iterator<Item = &str>| {
        let _ = writeln!(out, "\npub(super) static {name}: [[&[Rule]; 3]; {count}] = [");
        for n in names {
            match accessors.get(&(kind, n.to_owned())) {
                Some([a, b, c]) => {
                    let id = |l: &[(String, String)]| lists[l];
                    let _ = writeln!(out, "[&L{}, &L{}, &L{}],", id(a), id(b), id(c));
                }
                None => out.push_str("[&[], &[], &[]],\n"),
            }
        }
        out.push_str("];\n");
    };
    let registers = &tables.registers;
    // A virtual register is never what an instruction names, and a register that is only written
    // shares its encoding with one that is only read.
    table("READ", "COUNT", "MRS", &mut registers.iter().map(|r| r.name.as_str()));
    table("WRITE", "COUNT", "MSRregister", &mut registers.iter().map(|r| r.name.as_str()));
    table("PERFORM", "INSN_COUNT", "SYS", &mut tables.instructions.iter().map(|i| i.name.as_str()));
    table("EXECUTE", &others.len().to_string(), "", &mut others.iter().copied());
    out
}
