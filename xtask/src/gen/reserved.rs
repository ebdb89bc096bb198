//! `arch/src/sysreg/reserved/generated.rs`: which bits of a writable register hold what is written.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::expr::Expr;
use super::tables::{Field, Layout, Tables};

pub(super) fn generate(tables: &Tables) -> Result<String, String> {
    let mut out = super::header("data/fields.json");
    out.push_str(
        "use super::{Bits, Kind::*, Layout};\nuse crate::expr::Expr::*;\nuse crate::feature::Feature::*;\n",
    );
    out.push_str("use crate::sysreg::COUNT;\n\n");
    let mut of_layouts: BTreeMap<&String, usize> = BTreeMap::new();
    for (name, layouts) in &tables.layouts {
        let number = of_layouts.len();
        let text = layouts.iter().map(|l| layout(l, tables)).collect::<Result<Vec<_>, _>>()?;
        if tables.registers.iter().any(|r| r.access.contains('W') && *name == array_name(&r.name, tables)) {
            let _ = writeln!(out, "static R{number}: [Layout; {}] = [{}];", text.len(), text.join(", "));
            of_layouts.insert(name, number);
        }
    }
    out.push_str("\npub(super) static LAYOUTS: [&[Layout]; COUNT] = [\n");
    for r in &tables.registers {
        match of_layouts.get(&array_name(&r.name, tables)) {
            Some(number) if r.access.contains('W') => {
                let _ = writeln!(out, "&R{number},");
            }
            _ => out.push_str("&[],\n"),
        }
    }
    out.push_str("];\n");
    Ok(out)
}

/// The name under which the layouts of a register are listed: array registers have `<n>` for the index.
fn array_name(name: &str, tables: &Tables) -> String {
    if tables.layouts.contains_key(name) {
        return name.to_owned();
    }
    let (stem, suffix) = name.rsplit_once("_EL").unwrap_or((name, ""));
    for digits in 1..=2 {
        let Some(at) = stem.len().checked_sub(digits).filter(|&at| stem.is_char_boundary(at)) else {
            continue;
        };
        if stem[at..].bytes().all(|b| b.is_ascii_digit()) {
            let array = format!("{}<n>_EL{suffix}", &stem[..at]);
            if tables.layouts.contains_key(&array) {
                return array;
            }
        }
    }
    name.to_owned()
}

fn layout(layout: &Layout, tables: &Tables) -> Result<String, String> {
    let when = possible(layout.when.as_deref(), tables)?.to_rust()?;
    let mut bits = String::new();
    // The upper half of a 128-bit layout is not among the 64 bits that MSR writes.
    for f in layout.fields.iter().filter(|f| f.lsb < 64) {
        let Field { msb, lsb, .. } = f;
        let msb = msb.min(&63);
        let mask = u64::MAX >> (63 - (msb - lsb)) << lsb;
        let kind = match f.reserved.as_deref() {
            None | Some("UNKNOWN") => "Writable",
            Some("RES1" | "RAO/WI" | "RAO") => "One",
            Some("RES0" | "RAZ/WI" | "RAZ") => "Zero",
            Some(r) => return Err(format!("unknown kind of reserved bits {r}")),
        };
        let condition = f.condition.as_deref().filter(|c| *c != "otherwise");
        let condition = possible(condition, tables)?.to_rust()?;
        let _ = write!(bits, "Bits {{ mask: {mask:#x}, when: &{condition}, kind: {kind} }}, ");
    }
    Ok(format!("Layout {{ when: &{when}, bits: &[{bits}] }}"))
}

/// The condition on features under which another condition may hold: what else it asks is assumed.
fn possible(condition: Option<&str>, tables: &Tables) -> Result<Expr, String> {
    match condition {
        None => Ok(Expr::Const(true)),
        // Conditions in prose, of registers that hold the description of an exception.
        Some(c) if c.starts_with("an ") || c.starts_with("a ") => Ok(Expr::Const(true)),
        Some(c) => Ok(upper(&Expr::parse(c)?, true, tables)),
    }
}

fn upper(e: &Expr, positive: bool, tables: &Tables) -> Expr {
    let list = |list: &[Expr]| list.iter().map(|e| upper(e, positive, tables)).collect();
    match e {
        Expr::Const(c) => Expr::Const(*c),
        Expr::Atom(a) => match a.as_str() {
            "EL3" => Expr::Const(false),
            "EL2" => Expr::Atom("Feature(FEAT_EL2)".into()),
            "System_register_access_to_the_trace_unit_registers" => Expr::Atom("Feature(FEAT_TRC_SR)".into()),
            a if a.starts_with("the_implementation_includes")
                || a.starts_with("an_IMPLEMENTATION_DEFINED") =>
            {
                Expr::Const(false)
            }
            a if tables.feature_names.contains(a) => Expr::Atom(format!("Feature({a})")),
            _ => Expr::Const(positive),
        },
        Expr::Not(e) => upper(e, !positive, tables).negated(),
        Expr::All(l) => Expr::all(list(l)),
        Expr::Any(l) => Expr::any(list(l)),
        Expr::Implies(..) | Expr::Iff(..) => Expr::Const(positive),
    }
}
