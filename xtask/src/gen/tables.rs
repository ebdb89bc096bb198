//! The fact tables of `data/`, loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::newer;

/// One system register.
pub(super) struct Register {
    pub(super) name: String,
    /// `op0:op1:CRn:CRm:op2` as in bits 20:5 of the instruction.
    pub(super) key: u16,
    /// `R`, `W` or `RW`.
    pub(super) access: String,
    pub(super) width: u64,
    /// Another register with the same encoding is the one that the encoding names.
    pub(super) is_alias: bool,
}

/// One system instruction.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instruction {
    /// As [`Register::key`].
    pub(super) key: u16,
    /// `TLBI_VAE1`.
    pub(super) name: String,
    /// `TLBI`.
    pub(super) kind: String,
}

/// One row of a register layout.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) name: Option<String>,
    pub(super) msb: u32,
    pub(super) lsb: u32,
    pub(super) condition: Option<String>,
    pub(super) reserved: Option<String>,
}

/// One layout of a register, with the condition under which it applies.
#[derive(Clone)]
pub(super) struct Layout {
    pub(super) when: Option<String>,
    pub(super) fields: Vec<Field>,
}

/// Everything that the generators read.
pub(super) struct Tables {
    pub(super) encodings: Value,
    pub(super) encoding_features: Value,
    pub(super) features: Value,
    pub(super) instructions: Vec<Instruction>,
    pub(super) access: Value,
    /// The rules of instructions that are not accesses to a named system register.
    pub(super) other_instructions: Value,
    pub(super) fields: Value,
    /// What a condition of the access rules means instead.
    pub(super) atoms: BTreeMap<String, String>,
    pub(super) registers: Vec<Register>,
    pub(super) layouts: BTreeMap<String, Vec<Layout>>,
    /// Every FEAT_ name, and the names of properties that ID registers announce without one.
    pub(super) feature_names: BTreeSet<String>,
}

/// Registers that share the encoding of an ICC_ register and are chosen by HCR_EL2.{FMO,IMO}.
const VIRTUAL: [&str; 23] = [
    "AP0R0_EL1",
    "AP0R1_EL1",
    "AP0R2_EL1",
    "AP0R3_EL1",
    "AP1R0_EL1",
    "AP1R1_EL1",
    "AP1R2_EL1",
    "AP1R3_EL1",
    "BPR0_EL1",
    "BPR1_EL1",
    "CTLR_EL1",
    "DIR_EL1",
    "EOIR0_EL1",
    "EOIR1_EL1",
    "HPPIR0_EL1",
    "HPPIR1_EL1",
    "IAR0_EL1",
    "IAR1_EL1",
    "IGRPEN0_EL1",
    "IGRPEN1_EL1",
    "NMIAR1_EL1",
    "PMR_EL1",
    "RPR_EL1",
];

/// Features that the rules name and the feature table does not.
const MORE_FEATURES: [&str; 3] = ["FEAT_GICv3", "FEAT_GICv3_NMI", "FEAT_GICv3_TDIR"];

impl Tables {
    pub(super) fn load(dir: &Path) -> Result<Self, String> {
        let read = |name: &str| -> Result<Value, String> {
            let path = dir.join(name);
            let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
        };
        let newer = read("newer.json")?;
        let mut features = read("features.json")?;
        newer::merge_features(&mut features, &newer)?;
        let (mut access, mut fields) = (read("access.json")?, read("fields.json")?);
        newer::merge_access(&mut access, &newer)?;
        newer::merge_fields(&mut fields, &newer)?;
        let mut feature_names: BTreeSet<String> = MORE_FEATURES.map(str::to_owned).into();
        let rows = features["rows"].as_object().ok_or("features.json has no rows")?;
        feature_names.extend(rows.keys().filter(|n| n.starts_with("FEAT_")).cloned());
        feature_names.extend(newer::rows(&newer, "features")?.keys().cloned());
        Ok(Self {
            encodings: read("a64_encodings.json")?,
            encoding_features: read("a64_features.json")?,
            instructions: instructions(&read("sysinsns.json")?)?,
            access,
            other_instructions: read("instructions.json")?,
            atoms: newer::atoms(&newer)?,
            registers: registers(&read("sysregs.json")?)?,
            layouts: layouts(&fields)?,
            fields,
            features,
            feature_names,
        })
    }
}

impl Tables {
    pub(super) fn has_register(&self, name: &str) -> bool {
        self.registers.iter().any(|r| r.name == name)
    }
}

/// Text of a cell of a row.
pub(super) fn text(row: &Value, column: usize) -> Result<&str, String> {
    row[column].as_str().ok_or_else(|| format!("no text in column {column} of {row}"))
}

/// Number of a cell of a row.
pub(super) fn number(row: &Value, column: usize) -> Result<u64, String> {
    row[column].as_u64().ok_or_else(|| format!("no number in column {column} of {row}"))
}

/// Rows of a table.
pub(super) fn rows(table: &Value) -> Result<&Vec<Value>, String> {
    table["rows"].as_array().ok_or_else(|| "a table has no rows".to_owned())
}

/// `op0:op1:CRn:CRm:op2` of a row whose five numbers begin at `column`.
pub(super) fn key(row: &Value, column: usize) -> Result<u16, String> {
    let n = |i: usize| number(row, column + i);
    let value = n(0)? << 14 | n(1)? << 11 | n(2)? << 7 | n(3)? << 3 | n(4)?;
    u16::try_from(value).map_err(|_| format!("encoding out of range in {row}"))
}

fn registers(table: &Value) -> Result<Vec<Register>, String> {
    let mut all = Vec::new();
    for row in rows(table)? {
        all.push(Register {
            name: text(row, 0)?.to_owned(),
            key: key(row, 1)?,
            width: number(row, 6)?,
            access: text(row, 7)?.to_owned(),
            is_alias: text(row, 0)? == "DBGDTRTX_EL0",
        });
    }
    for suffix in VIRTUAL {
        let physical = format!("ICC_{suffix}");
        let of = all.iter().find(|r| r.name == physical).ok_or_else(|| format!("no {physical}"))?;
        let (key, access) = (of.key, of.access.clone());
        all.push(Register { name: format!("ICV_{suffix}"), key, width: 64, access, is_alias: true });
    }
    all.sort_by(|a, b| (a.key, a.is_alias, &a.name).cmp(&(b.key, b.is_alias, &b.name)));
    Ok(all)
}

fn instructions(table: &Value) -> Result<Vec<Instruction>, String> {
    let mut all = Vec::new();
    for row in rows(table)?.iter().filter(|r| r[2].is_u64()) {
        let (kind, operation) = (text(row, 0)?, text(row, 1)?);
        let name = if operation.is_empty() { kind.to_owned() } else { format!("{kind}_{operation}") };
        all.push(Instruction { key: key(row, 2)?, name, kind: kind.to_owned() });
    }
    all.sort();
    Ok(all)
}

fn layouts(table: &Value) -> Result<BTreeMap<String, Vec<Layout>>, String> {
    let cell = |v: &Value| v.as_str().map(str::to_owned);
    let mut all = BTreeMap::new();
    for (name, list) in table["rows"].as_object().ok_or("fields.json has no rows")? {
        let mut of_register = Vec::new();
        for layout in list.as_array().ok_or("a register has no layouts")? {
            let mut fields = Vec::new();
            for f in layout["fields"].as_array().ok_or("a layout has no fields")? {
                fields.push(Field {
                    name: cell(&f[0]),
                    msb: u32::try_from(number(f, 1)?).map_err(|e| e.to_string())?,
                    lsb: u32::try_from(number(f, 2)?).map_err(|e| e.to_string())?,
                    condition: cell(&f[3]),
                    reserved: cell(&f[4]),
                });
            }
            of_register.push(Layout { when: cell(&layout["when"]), fields });
        }
        all.insert(name.clone(), of_register);
    }
    Ok(all)
}
