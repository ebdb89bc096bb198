//! `droste cpu`: what models there are, and what they are.

use crate::args::CpuCommand;
use crate::error::CliError;
use crate::run::machine::wrong_cpu;
use droste_arch::sysreg::SysReg;
use droste_machine::cpu::model::Model;
use std::fmt::Write;
use std::process::ExitCode;

/// Columns of a line of features.
const WIDTH: usize = 100;

/// Executes a command about models.
pub(crate) fn show(command: &CpuCommand) -> Result<ExitCode, CliError> {
    let text = match command {
        CpuCommand::List => list()?,
        CpuCommand::Show { model } => describe(&parse(model)?),
    };
    print!("{text}");
    Ok(ExitCode::SUCCESS)
}

fn parse(name: &str) -> Result<Model, CliError> {
    Model::parse(name).map_err(|e| wrong_cpu(name, &e))
}

fn list() -> Result<String, CliError> {
    let mut text = String::new();
    for name in Model::names() {
        let model = parse(name)?;
        let midr = model.id(SysReg::MIDR_EL1);
        let has = |feature: &str| model.features().iter().any(|f| f.name() == feature);
        let nested = match () {
            () if has("FEAT_NV2") => "FEAT_NV2",
            () if has("FEAT_NV") => "FEAT_NV",
            () if has("FEAT_VHE") => "FEAT_VHE",
            () => "no FEAT_VHE",
        };
        let count = model.features().iter().count();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:12} MIDR_EL1 {midr:#010x}, {count} features, {nested}");
    }
    Ok(text)
}

fn describe(model: &Model) -> String {
    let mut text = format!("{}: device tree compatible {}\n\nFeatures\n", model.name(), model.compatible());
    let mut line = String::new();
    for feature in model.features().iter() {
        if line.len() + 1 + feature.name().len() > WIDTH {
            let _ = writeln!(text, " {line}");
            line.clear();
        }
        let _ = write!(line, " {}", feature.name());
    }
    let _ = writeln!(text, " {line}\n\nID registers that are not zero");
    for (register, value) in model.registers().filter(|(_, value)| *value != 0) {
        let _ = writeln!(text, "  {:18} {value:#018x}", register.name());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_is_listed_and_can_be_shown() {
        let text = list().unwrap();
        for name in Model::names() {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name}");
            let shown = describe(&parse(name).unwrap());
            assert!(shown.contains("MIDR_EL1") && shown.contains("FEAT_"), "{shown}");
            assert!(shown.lines().all(|line| line.len() <= WIDTH + 2));
        }
    }

    #[test]
    fn changes_are_shown() {
        let shown = describe(&parse("max,-nv2").unwrap());
        assert!(shown.contains("FEAT_NV ") && !shown.contains("FEAT_NV2 "));
        assert!(parse("max,-vhe,+nv").is_err());
    }
}
