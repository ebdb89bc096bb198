//! `arch/src/sysreg/generated.rs`: system registers and system instructions.

use std::fmt::Write;

use super::tables::{Instruction, Tables};

pub(super) fn generate(tables: &Tables) -> Result<String, String> {
    let mut out = super::header("data/sysregs.json and data/sysinsns.json");
    out.push_str("use super::{InsnRow, Row, SysInsn, SysInsnKind, SysReg};\n\n");
    let all = &tables.registers;
    let mut put = |args: std::fmt::Arguments<'_>| {
        let _ = out.write_fmt(args);
    };
    put(format_args!("/// Number of [`SysReg`] ids.\npub const COUNT: usize = {};\n\n", all.len()));
    put(format_args!("#[allow(missing_docs, non_upper_case_globals)]\nimpl SysReg {{\n"));
    for (i, r) in all.iter().enumerate() {
        put(format_args!("pub const {}: Self = Self({i});\n", r.name));
    }
    put(format_args!("}}\n\npub(super) static ROWS: [Row; COUNT] = [\n"));
    for r in all {
        let (read, write) = (r.access.contains('R'), r.access.contains('W'));
        put(format_args!(
            "Row {{ name: {:?}, key: {:#06x}, is_alias: {}, read: {read}, write: {write}, width: {} }},\n",
            r.name, r.key, r.is_alias, r.width
        ));
    }
    put(format_args!("];\n\n"));

    let insns = &tables.instructions;
    put(format_args!("/// Number of [`SysInsn`] ids.\npub const INSN_COUNT: usize = {};\n\n", insns.len()));
    put(format_args!("#[allow(missing_docs)]\nimpl SysInsn {{\n"));
    for (i, insn) in insns.iter().enumerate() {
        put(format_args!("pub const {}: Self = Self({i});\n", insn.name));
    }
    put(format_args!("}}\n\npub(super) static INSN_ROWS: [InsnRow; INSN_COUNT] = [\n"));
    for Instruction { key, name, kind } in insns {
        let kind = match kind.as_str() {
            "AT" => "At",
            "TLBI" => "Tlbi",
            "TLBIP" => "Tlbip",
            "DC" => "Dc",
            "IC" => "Ic",
            "CFP" | "CPP" | "DVP" | "COSP" => "Prediction",
            "BRB" => "Brb",
            k if k.starts_with("GCS") => "Gcs",
            "APAS" | "TRCIT" => "Other",
            k => return Err(format!("unknown kind of system instruction {k}")),
        };
        let name = name.replace('_', " ");
        put(format_args!("InsnRow {{ name: {name:?}, key: {key:#06x}, kind: SysInsnKind::{kind} }},\n"));
    }
    put(format_args!("];\n"));
    Ok(out)
}
