//! `arch/src/a64/generated.rs`: encodings, groups and the decoder's buckets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::expr::Expr;
use super::tables::{Tables, rows, text};

struct Row {
    name: String,
    group: String,
    mask: u32,
    value: u32,
    feature: String,
}

pub(super) fn generate(tables: &Tables) -> Result<String, String> {
    let all = read(tables)?;
    let groups: BTreeSet<&str> = all.iter().map(|r| r.group.as_str()).collect();
    if groups.iter().map(|g| camel(g)).collect::<BTreeSet<_>>().len() != groups.len() {
        return Err("two groups have one name in CamelCase".into());
    }
    let features: BTreeSet<&str> = all.iter().map(|r| r.feature.as_str()).collect();

    let mut out = super::header("data/a64_encodings.json and data/a64_features.json");
    out.push_str("use super::Row;\nuse crate::expr::Expr::{self, *};\nuse crate::feature::Feature::*;\n\n");
    out.push_str(
        "/// One row of the encoding tables of the manual.\n#[allow(non_camel_case_types, missing_docs)]\n",
    );
    out.push_str(
        "#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]\n#[repr(u16)]\npub enum Encoding {\n",
    );
    for r in &all {
        put(&mut out, format_args!("{},\n", r.name));
    }
    out.push_str("}\n\n/// A group of the encoding tables, named by its path.\n#[allow(missing_docs)]\n");
    out.push_str(
        "#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]\n#[repr(u16)]\npub enum Group {\n",
    );
    for g in &groups {
        put(&mut out, format_args!("{},\n", camel(g)));
    }
    put(&mut out, format_args!("}}\n\npub(super) static GROUP_PATHS: [&str; {}] = [\n", groups.len()));
    for g in &groups {
        put(&mut out, format_args!("{g:?},\n"));
    }
    put(&mut out, format_args!("];\n\nstatic FEATURES: [Expr; {}] = [\n", features.len()));
    for f in &features {
        put(&mut out, format_args!("{f},\n"));
    }
    put(&mut out, format_args!("];\n\npub(super) static ROWS: [Row; {}] = [\n", all.len()));
    let index: BTreeMap<&str, usize> = features.iter().enumerate().map(|(i, f)| (*f, i)).collect();
    for r in &all {
        let Row { name, group, mask, value, feature } = r;
        let (group, f) = (camel(group), index[feature.as_str()]);
        put(
            &mut out,
            format_args!(
                "Row {{ encoding: Encoding::{name}, name: {name:?}, group: Group::{group}, mask: {mask:#010x}, value: {value:#010x}, feature: &FEATURES[{f}] }},\n"
            ),
        );
    }
    out.push_str("];\n\n");
    buckets(&all, &mut out);
    Ok(out)
}

fn read(tables: &Tables) -> Result<Vec<Row>, String> {
    let mut features = BTreeMap::new();
    let conditions = tables.encoding_features["rows"].as_object().ok_or("a64_features.json has no rows")?;
    for (condition, names) in conditions {
        let rust = if condition == "?" {
            Expr::Const(false).to_rust()?
        } else {
            let known = |a: &str| {
                let is_name = tables.feature_names.contains(a);
                if is_name { Ok(Expr::Atom(format!("Feature({a})"))) } else { Err(format!("unknown {a}")) }
            };
            Expr::parse(condition)?.map(&known)?.to_rust()?
        };
        for name in names.as_array().ok_or("no list of encodings")? {
            features.insert(name.as_str().unwrap_or_default(), rust.clone());
        }
    }
    let mut all = Vec::new();
    for row in rows(&tables.encodings)? {
        let hex = |c: usize| u32::from_str_radix(text(row, c)?, 16).map_err(|e| format!("{e} in {row}"));
        let mask = hex(2)? & !hex(4)?;
        let name = text(row, 0)?.to_owned();
        let feature = features.get(name.as_str()).cloned().unwrap_or_else(|| "Const(true)".to_owned());
        all.push(Row { group: text(row, 1)?.to_owned(), mask, value: hex(3)? & mask, feature, name });
    }
    Ok(all)
}

/// Candidates by bits 28:21, the most specific mask first.
fn buckets(all: &[Row], out: &mut String) {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(all[i].mask.count_ones()), i));
    let (mut starts, mut list) = (vec![0], Vec::<usize>::new());
    for bits in 0..256_u32 {
        // A mask that leaves bits 28:21 open puts its row in several buckets.
        list.extend(
            order.iter().copied().filter(|&i| (bits << 21) & all[i].mask == all[i].value & (0xff << 21)),
        );
        starts.push(list.len());
    }
    put(out, format_args!("pub(super) static STARTS: [u16; 257] = {starts:?};\n\n"));
    put(out, format_args!("pub(super) static CANDIDATES: [(u32, u32, Encoding); {}] = [\n", list.len()));
    for i in list {
        let Row { name, mask, value, .. } = &all[i];
        put(out, format_args!("({mask:#010x}, {value:#010x}, Encoding::{name}),\n"));
    }
    out.push_str("];\n");
}

fn camel(path: &str) -> String {
    let parts = path.split(['/', '_']).filter(|p| !p.is_empty());
    parts.map(|p| p[..1].to_uppercase() + &p[1..]).collect()
}

fn put(out: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(args);
}
