//! From words to an instruction word and to values of registers.

use crate::error::CliError;
use droste_arch::outcome::{Operation, State};
use droste_arch::sysreg::{SysEncoding, SysInsn, SysReg};

const FORMS: &str = "write it as in assembly: 'MRS HCR_EL2', 'MSR S3_4_C1_C1_0, X3', 'TLBI VMALLE1', 'ERET', or as a word: 0xd51c1103";

/// The word of an instruction in assembly or in hexadecimal.
pub(super) fn instruction(text: &str) -> Result<u32, CliError> {
    let upper = text.trim().to_ascii_uppercase();
    if let Some(digits) = upper.strip_prefix("0X") {
        return u32::from_str_radix(digits, 16)
            .map_err(|_| CliError::usage(format!("`{text}` is no instruction word")).hint(FORMS));
    }
    let words: Vec<&str> = upper.split([' ', ',', '\t']).filter(|w| !w.is_empty()).collect();
    let Some((&mnemonic, operands)) = words.split_first() else {
        return Err(CliError::usage("there is no instruction to explain").hint(FORMS));
    };
    // General-purpose registers and immediates may be given and may be left out.
    let is_transfer = |w: &&str| general(w).is_some() || w.starts_with('#');
    let rt = operands.iter().find_map(|w| general(w)).unwrap_or(0);
    let immediate = operands.iter().find_map(|w| w.strip_prefix('#')).map(number).transpose()?.unwrap_or(0);
    let names: Vec<&str> = operands.iter().filter(|w| !is_transfer(w)).copied().collect();
    match (mnemonic, names.as_slice()) {
        ("MRS", [name]) => Ok(access(encoding(name, true)?, true, rt)),
        ("MSR", [name]) => Ok(access(encoding(name, false)?, false, rt)),
        ("MRS" | "MSR", _) => {
            Err(CliError::usage(format!("{mnemonic} names one system register")).hint(FORMS))
        }
        (_, []) => plain(mnemonic, rt, immediate),
        (_, [operation, ..]) => system(mnemonic, operation, rt),
    }
}

fn access(e: SysEncoding, is_read: bool, rt: u8) -> u32 {
    0xd500_0000 | u32::from(is_read) << 21 | u32::from(e.0) << 5 | u32::from(rt)
}

/// X0 to X30, or XZR.
fn general(word: &str) -> Option<u8> {
    match word.strip_prefix('X')? {
        "ZR" => Some(31),
        n => n.parse().ok().filter(|n| *n < 31),
    }
}

/// An instruction without a register or operation.
fn plain(mnemonic: &str, rt: u8, immediate: u64) -> Result<u32, CliError> {
    let known = || Operation::all().filter(|o| matches!(o, Operation::Execute(_) | Operation::Perform(_)));
    let found = known().find(|o| o.to_string().eq_ignore_ascii_case(mnemonic));
    let Some(operation) = found else {
        let error = CliError::usage(format!("`{mnemonic}` is no instruction with access rules"));
        return Err(match nearest(mnemonic, known().map(|o| o.to_string())) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint(FORMS),
        });
    };
    let immediate = u32::try_from(immediate).ok().filter(|i| *i < 1 << 16);
    let immediate = immediate.ok_or_else(|| CliError::usage("an immediate has 16 bits").hint(FORMS))?;
    // Only SVC, HVC and SMC have an immediate.
    let place = if operation.word(0) >> 24 == 0xd4 { immediate << 5 } else { 0 };
    Ok(operation.word(rt) | place)
}

/// An alias of SYS: TLBI, AT, DC, IC, CFP and so on.
fn system(kind: &str, operation: &str, rt: u8) -> Result<u32, CliError> {
    let name = format!("{kind} {operation}");
    let all = || SysInsn::all().filter(|i| i.kind() != droste_arch::sysreg::SysInsnKind::Tlbip);
    match all().find(|i| i.name().eq_ignore_ascii_case(&name)) {
        Some(insn) => Ok(access(insn.encoding(), false, rt)),
        None => {
            let error = CliError::usage(format!("there is no instruction {name}"));
            Err(match nearest(&name, all().map(|i| i.name().to_owned())) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error.hint(FORMS),
            })
        }
    }
}

/// The encoding of a register by its name, or by its numbers: `S3_4_C1_C1_0`.
fn encoding(name: &str, is_read: bool) -> Result<SysEncoding, CliError> {
    if let Some(e) = numbers(name) {
        return Ok(e);
    }
    let r = register(name)?;
    let (can, verb) = if is_read { (r.is_readable(), "read") } else { (r.is_writable(), "written") };
    if !can {
        let other = if is_read { "MSR" } else { "MRS" };
        return Err(CliError::usage(format!("{r} cannot be {verb}: there is no such instruction"))
            .hint(format!("ask for {other} {r}, or give the encoding {}", r.encoding())));
    }
    Ok(r.encoding())
}

fn numbers(name: &str) -> Option<SysEncoding> {
    let mut parts = name.strip_prefix('S')?.split('_');
    let mut next = |prefix: &str, limit: u8| {
        let n = parts.next()?.strip_prefix(prefix)?.parse::<u8>().ok()?;
        (n < limit).then_some(n)
    };
    let (op0, op1) = (next("", 4)?, next("", 8)?);
    let (crn, crm, op2) = (next("C", 16)?, next("C", 16)?, next("", 8)?);
    (op0 > 0 && parts.next().is_none()).then(|| SysEncoding::new(op0, op1, crn, crm, op2))
}

/// The register of a name, or an error with the name that is most like it.
fn register(name: &str) -> Result<SysReg, CliError> {
    SysReg::from_name(name).ok_or_else(|| {
        let error = CliError::usage(format!("there is no system register {name}"));
        match nearest(name, SysReg::all().map(|r| r.name().to_owned())) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint(FORMS),
        }
    })
}

/// The name most like `wanted`, if one is.
fn nearest(wanted: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let distance = |name: &str| strsim::damerau_levenshtein(wanted, &name.to_ascii_uppercase());
    names
        .map(|name| (distance(&name), name))
        .filter(|(distance, _)| *distance <= wanted.len().div_ceil(3))
        .min()
        .map(|(_, name)| name)
}

/// A register, or a field of one, and its value.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) register: SysReg,
    field: Option<String>,
    value: u64,
}

impl Setting {
    /// Sets it; what cannot hold the value is an error.
    pub(super) fn apply(&self, state: &mut State) -> Result<(), CliError> {
        let (r, old) = (self.register, state.get(self.register));
        let (value, mask) = match &self.field {
            None => (self.value, u64::MAX),
            Some(name) => {
                let Some(field) = state.field(r, name) else {
                    let names = droste_arch::fields::of(r.name(), state.e2h());
                    let layout = if state.e2h() { "1" } else { "0" };
                    let error =
                        CliError::usage(format!("{r} has no field {name} with HCR_EL2.E2H = {layout}"));
                    let upper = name.to_ascii_uppercase();
                    return Err(match nearest(&upper, names.iter().map(|n| n.0.to_owned())) {
                        Some(near) => error.hint(format!("did you mean {r}.{near}?")),
                        None => error.hint("fields have the names of the manual"),
                    });
                };
                (field.with(old, self.value), field.mask())
            }
        };
        if r.is_writable() {
            state.set(r, value);
        } else {
            state.put(r, value);
        }
        if state.get(r) & mask != value & mask {
            let what =
                self.field.as_ref().map_or(r.to_string(), |f| format!("{r}.{}", f.to_ascii_uppercase()));
            return Err(CliError::config(format!("{what} cannot be {:#x} on this CPU", self.value)).hint(
                "the bits belong to a feature that the CPU has not, or are reserved; --cpu chooses another",
            ));
        }
        Ok(())
    }
}

/// The settings of `--hcr FIELD,FIELD=v` and `--set REG.FIELD=v`.
pub(super) fn settings(hcr: &[String], set: &[String]) -> Result<Vec<Setting>, CliError> {
    let hcr = hcr.iter().filter(|w| !w.is_empty()).map(|word| {
        let (field, value) = word.split_once('=').unwrap_or((word, "1"));
        Ok(Setting { register: SysReg::HCR_EL2, field: Some(field.into()), value: number(value)? })
    });
    let set = set.iter().map(|word| {
        let (place, value) = word.split_once('=').ok_or_else(|| {
            CliError::usage(format!("`{word}` has no value")).hint("write --set REGISTER.FIELD=VALUE")
        })?;
        let (name, field) = match place.split_once('.') {
            Some((name, field)) => (name, Some(field.to_owned())),
            None => (place, None),
        };
        Ok(Setting { register: register(&name.to_ascii_uppercase())?, field, value: number(value)? })
    });
    hcr.chain(set).collect()
}

/// A decimal, `0x` or `0b` number.
fn number(text: &str) -> Result<u64, CliError> {
    let lower = text.to_ascii_lowercase();
    let parsed = match (lower.strip_prefix("0x"), lower.strip_prefix("0b")) {
        (Some(digits), _) => u64::from_str_radix(digits, 16),
        (_, Some(digits)) => u64::from_str_radix(digits, 2),
        _ => lower.parse(),
    };
    parsed.map_err(|_| {
        CliError::usage(format!("`{text}` is no number")).hint("write a number as 1, 0x1 or 0b1")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_read_with_and_without_their_general_register() {
        let word = |text| instruction(text).unwrap();
        assert_eq!(word("MSR HCR_EL2, X3"), 0xd51c_1103);
        assert_eq!(word("msr hcr_el2"), 0xd51c_1100);
        assert_eq!(word("mrs x3, hcr_el2"), 0xd53c_1103);
        assert_eq!(word("MRS S3_4_C1_C1_0"), 0xd53c_1100);
        assert_eq!(word("tlbi vmalle1"), 0xd508_8700);
        assert_eq!(word("AT S1E1R, X1"), 0xd508_7801);
        assert_eq!(word("ERET"), 0xd69f_03e0);
        assert_eq!(word("HVC #0x55"), 0xd400_0aa2);
        assert_eq!(word("0xd51c1103"), 0xd51c_1103);
    }

    #[test]
    fn wrong_names_are_told_the_nearest_right_one() {
        let hint = |text| instruction(text).unwrap_err().hint.unwrap();
        assert_eq!(hint("MRS HRC_EL2"), "did you mean HCR_EL2?");
        assert_eq!(hint("TLBI VMALLE11"), "did you mean TLBI VMALLE1?");
        assert_eq!(hint("ERTE"), "did you mean ERET?");
        assert!(hint("MSR MIDR_EL1").starts_with("ask for MRS"));
        assert_eq!(hint(""), FORMS);
    }

    #[test]
    fn settings_are_fields_of_hcr_el2_and_of_any_register() {
        let all = settings(&["nv".into(), "e2h=0".into()], &["cptr_el2.tfp=0b1".into()]).unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!((all[1].value, all[2].register), (0, SysReg::CPTR_EL2));
        assert!(settings(&[], &["CPTR_EL2.TFP".into()]).is_err());
        assert!(settings(&["nv=x".into()], &[]).is_err());
    }
}
