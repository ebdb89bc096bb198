//! `arch/src/feature/generated.rs`: FEAT_ names, what they require, and the ID-register fields that
//! announce them.

use std::fmt::Write;

use serde_json::Value;

use super::expr::Expr;
use super::tables::Tables;

pub(super) fn generate(tables: &Tables) -> Result<String, String> {
    let names: Vec<&String> = tables.feature_names.iter().collect();
    let mut out = super::header("data/features.json");
    out.push_str("use super::{Constraint, IdRule};\nuse super::Feature::*;\nuse crate::expr::{Expr::{self, *}, FieldTest, Test};\n");
    out.push_str("use crate::sysreg::SysReg;\n\n");
    let mut put = |args: std::fmt::Arguments<'_>| {
        let _ = out.write_fmt(args);
    };
    put(format_args!("/// Number of [`Feature`]s.\npub const COUNT: usize = {};\n\n", names.len()));
    put(format_args!("/// A FEAT_ name of the manual.\n#[allow(non_camel_case_types, missing_docs)]\n"));
    put(format_args!(
        "#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]\n#[repr(u16)]\npub enum Feature {{\n"
    ));
    for n in &names {
        put(format_args!("{n},\n"));
    }
    put(format_args!("}}\n\npub(super) static ALL: [Feature; COUNT] = [\n"));
    for n in &names {
        put(format_args!("{n},\n"));
    }
    put(format_args!("];\n\npub(super) static NAMES: [&str; COUNT] = [\n"));
    for n in &names {
        put(format_args!("{n:?},\n"));
    }
    let table = tables.features["rows"].as_object().ok_or("features.json has no rows")?;
    put(format_args!("];\n\npub(super) static REQUIRES: [Expr; COUNT] = [\n"));
    for n in &names {
        let mut list = Vec::new();
        for text in strings(&table.get(*n).unwrap_or(&Value::Null)["implies"]) {
            let e = Expr::parse(text)?;
            match rust(&e, tables) {
                Some(e) => list.push(e),
                // Architecture versions and registers of other frames are no part of a FeatureSet.
                None => continue,
            }
        }
        put(format_args!("{},\n", Expr::all(list).to_rust()?));
    }
    put(format_args!("];\n\npub(super) static CONSTRAINTS: &[Constraint] = &[\n"));
    for row in table.values() {
        for text in strings(&row["other"]) {
            if let Expr::Implies(a, b) = Expr::parse(text)?
                && let (Some(a), Some(b)) = (rust(&a, tables), rust(&b, tables))
            {
                let (a, b) = (a.to_rust()?, b.to_rust()?);
                put(format_args!("Constraint {{ when: {a}, requires: {b} }},\n"));
            }
        }
    }
    put(format_args!("];\n\npub(super) static ID_RULES: &[IdRule] = &[\n"));
    for row in table.values() {
        // An ID register announces a feature whatever the version of the architecture.
        let no_version = |a: &str| {
            let is_version = a.starts_with("v8Ap") || a.starts_with("v9Ap");
            Ok(if is_version { Expr::Const(false) } else { Expr::Atom(a.to_owned()) })
        };
        let parse = |text| Expr::parse(text)?.map(&no_version);
        let parsed = strings(&row["id"]).map(parse).collect::<Result<Vec<_>, String>>()?;
        let mut rules: Vec<_> = parsed.iter().filter_map(|e| id_rule(e, tables)).collect();
        if rules.is_empty() {
            // Some features have only the half of the equivalence that says what the field must be.
            rules.extend(parsed.iter().filter_map(|e| half_rule(e, tables)));
        }
        for (features, condition) in rules {
            let text = condition.to_rust()?;
            put(format_args!("IdRule {{ features: &[{}], when: {text} }},\n", features.join(", ")));
        }
    }
    put(format_args!("];\n"));
    Ok(out)
}

fn strings(v: &Value) -> impl Iterator<Item = &str> {
    v.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The condition with its atoms as Rust, or nothing if an atom is outside a FeatureSet and its ID registers.
fn rust(e: &Expr, tables: &Tables) -> Option<Expr> {
    e.map(&|a| atom(a, tables)).ok().filter(|e| e.to_rust().is_ok())
}

/// `premise --> (feature <-> condition)`: the features, and `premise & condition`.
///
/// `feature --> condition` says nothing about when the feature is present, and is left out.
fn id_rule(e: &Expr, tables: &Tables) -> Option<(Vec<String>, Expr)> {
    match e {
        Expr::Implies(premise, rest) => match id_rule(rest, tables) {
            Some((features, condition)) => {
                Some((features, Expr::all(vec![rust(premise, tables)?, condition])))
            }
            None => {
                let (features, premise) = (features(rest)?, rust(premise, tables)?);
                // `feature --> condition` also has this shape; only ID tests announce a feature.
                premise.to_rust().ok()?.contains("Field(").then_some((features, premise))
            }
        },
        Expr::Iff(left, condition) => Some((features(left)?, rust(condition, tables)?)),
        _ => None,
    }
}

/// `premise --> (feature --> condition)`, read as if it were an equivalence.
fn half_rule(e: &Expr, tables: &Tables) -> Option<(Vec<String>, Expr)> {
    let Expr::Implies(premise, rest) = e else { return None };
    let Expr::Implies(left, condition) = &**rest else { return None };
    Some((features(left)?, Expr::all(vec![rust(premise, tables)?, rust(condition, tables)?])))
}

fn features(e: &Expr) -> Option<Vec<String>> {
    match e {
        Expr::Atom(a) if is_name(a) => Some(vec![a.clone()]),
        Expr::All(list) => Some(list.iter().map(features).collect::<Option<Vec<_>>>()?.concat()),
        _ => None,
    }
}

/// Whether an atom is the name of a feature or property, and no test.
fn is_name(atom: &str) -> bool {
    atom.starts_with("FEAT_") || atom.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn atom(text: &str, tables: &Tables) -> Result<Expr, String> {
    let bad = || format!("atom {text:?}");
    if tables.feature_names.contains(text) {
        return Ok(Expr::Atom(format!("Feature({text})")));
    }
    if let Some(inner) = text.strip_suffix("'}").and_then(|t| t.split_once(" IN {'")) {
        let mut list = Vec::new();
        for v in inner.1.split("', '") {
            let value = u64::from_str_radix(v, 2).map_err(|_| bad())?;
            list.push(named_field(inner.0, &format!("Test::Is({value})"), tables).ok_or_else(bad)?);
        }
        return Ok(Expr::any(list));
    }
    let (call, comparison) = text.split_once(") ").ok_or_else(bad)?;
    let (function, name) = call.split_once('(').ok_or_else(bad)?;
    let (operator, value) = comparison.split_once(' ').ok_or_else(bad)?;
    let value: u64 = value.parse().map_err(|_| bad())?;
    let test = match (function, operator) {
        ("UInt", "==") => format!("Test::Is({value})"),
        ("UInt", ">=") => format!("Test::AtLeast({value})"),
        ("UInt", "<") => format!("Test::Below({value})"),
        ("SInt", ">=") => format!("Test::SignedAtLeast({value})"),
        _ => return Err(bad()),
    };
    named_field(name, &test, tables).ok_or_else(bad)
}

fn named_field(name: &str, test: &str, tables: &Tables) -> Option<Expr> {
    let (register, name) = name.split_once('.')?;
    let mut fields = tables.layouts.get(register)?.iter().flat_map(|l| &l.fields);
    let f = fields.find(|f| f.name.as_deref() == Some(name))?;
    field(register, f.lsb, f.msb, test, tables)
}

/// The Rust of a test of a field.
pub(super) fn field(register: &str, lsb: u32, msb: u32, test: &str, tables: &Tables) -> Option<Expr> {
    let width = msb - lsb + 1;
    tables.has_register(register).then(|| {
        Expr::Atom(format!(
            "Field(FieldTest {{ register: SysReg::{register}, lsb: {lsb}, width: {width}, test: {test} }})"
        ))
    })
}
