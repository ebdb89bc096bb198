//! What every access does, as a table that is checked in.
//!
//! One line for each accessor of CPU model `max`, with the outcome at EL0, EL1 and EL2: `-` UNDEFINED, `=` the
//! register or instruction itself, the name of another register, `@` an offset from VNCR_EL2.BADDR, `!` a
//! trap with its target and class, `0` RAZ/WI. After the outcomes with HCR_EL2 zero come those that differ
//! under other settings. `DROSTE_BLESS=1` writes the file anew.

use super::*;
use droste_arch::fields::hcr_el2::{AT, E2H, NV, NV1, NV2, TGE, TTLB, TVM};
use std::fmt::Write;
use std::path::Path;

const SETTINGS: [(&str, u64); 8] = [
    ("", 0),
    ("E2H", E2H.mask()),
    ("E2H+TGE", E2H.mask() | TGE.mask()),
    ("TGE", TGE.mask()),
    ("TVM+TTLB+AT", TVM.mask() | TTLB.mask() | AT.mask()),
    ("NV", NV.mask()),
    ("NV+NV2", NV.mask() | NV2.mask()),
    ("NV+NV1+NV2", NV.mask() | NV1.mask() | NV2.mask()),
];

fn outcome(action: Option<Action>, own: SysEncoding, name: &str) -> String {
    match action {
        None | Some(Action::Undefined) => "-".into(),
        Some(Action::Trap { el, ec }) => format!("!{el}:{ec:02x}"),
        Some(Action::Memory(offset)) => format!("@{offset:x}"),
        Some(Action::Register(r)) if r.encoding() == own && r.name() == name => "=".into(),
        Some(Action::Register(r)) => r.name().into(),
        Some(Action::Perform) => "=".into(),
        Some(Action::Nop | Action::Zero) => "0".into(),
    }
}

fn line(cpu: &mut Vcpu, verb: &str, name: &str, encoding: SysEncoding) -> Option<String> {
    let mut text = format!("{verb}{name}:");
    let (mut plain, mut is_known) = (String::new(), false);
    for (setting, hcr) in SETTINGS {
        cpu.set_sys(SysReg::HCR_EL2, hcr);
        let mut levels = String::new();
        for el in 0..3 {
            // TGE leaves no EL1, and NV is about EL1 only.
            if (setting.contains("TGE") && el == 1) || (setting.starts_with("NV") && el != 1) {
                continue;
            }
            at_el(cpu, el);
            let action =
                if verb == "MRS " { cpu.rules.read(cpu, encoding) } else { cpu.rules.write(cpu, encoding) };
            let _ = write!(levels, " {}", outcome(action, encoding, name));
        }
        is_known |= levels.split(' ').any(|o| !matches!(o, "" | "-"));
        if setting.is_empty() {
            plain.clone_from(&levels);
            text += &levels;
            continue;
        }
        let all: Vec<&str> = plain.split(' ').skip(1).collect();
        let same = match setting {
            s if s.contains("TGE") => format!(" {} {}", all[0], all[2]),
            s if s.starts_with("NV") => format!(" {}", all[1]),
            _ => plain.clone(),
        };
        if levels != same {
            let _ = write!(text, "; {setting}{levels}");
        }
    }
    is_known.then_some(text + "\n")
}

#[test]
fn accesses_of_max_are_those_of_the_table() {
    let mut cpu = cpu("max");
    // Traps that are there unless software says otherwise would hide everything.
    cpu.set_sys(SysReg::CPACR_EL1, 3 << 20);
    cpu.set_sys(SysReg::CPTR_EL2, 3 << 20);
    cpu.set_sys(SysReg::ICC_SRE_EL1, 7);
    cpu.set_sys(SysReg::ICC_SRE_EL2, 0xf);
    cpu.set_sys(SysReg::CNTHCTL_EL2, 0xc03);
    for r in [SysReg::HFGRTR_EL2, SysReg::HFGWTR_EL2] {
        cpu.set_sys(r, 0xffff_0000_0000_0000 | 3 << 54);
    }
    cpu.set_sys(SysReg::HCRX_EL2, u64::MAX);
    let mut text = String::new();
    for r in SysReg::all().filter(|r| !r.name().starts_with("ICV_")) {
        let readable = r.is_readable().then(|| line(&mut cpu, "MRS ", r.name(), r.encoding())).flatten();
        let writable = r.is_writable().then(|| line(&mut cpu, "MSR ", r.name(), r.encoding())).flatten();
        text.extend(readable.into_iter().chain(writable));
    }
    for i in SysInsn::all().filter(|i| i.kind() != SysInsnKind::Tlbip) {
        text.extend(line(&mut cpu, "", i.name(), i.encoding()));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sysreg/tests/matrix.txt");
    if std::env::var_os("DROSTE_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    for (i, (new, old)) in text.lines().zip(old.lines()).enumerate() {
        assert_eq!(new, old, "line {}", i + 1);
    }
    assert_eq!(text.lines().count(), old.lines().count());
}
