//! `droste completions` and `droste man`: from the same definition as the command line itself.

use crate::args::Args;
use crate::error::CliError;
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::{Write, stdout};
use std::path::Path;
use std::process::ExitCode;

/// Prints the completions of a shell.
pub(crate) fn completions(shell: Shell) -> Result<ExitCode, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "droste", &mut script);
    // A reader that has seen enough is no fault.
    let _ = stdout().write_all(&script);
    Ok(ExitCode::SUCCESS)
}

/// Writes a page for each command into a directory.
pub(crate) fn pages(directory: &Path) -> Result<ExitCode, CliError> {
    let cannot = |e: std::io::Error| {
        CliError::usage(format!("cannot write manual pages to {}: {e}", directory.display()))
            .hint("name a directory that you may write to")
    };
    std::fs::create_dir_all(directory).map_err(cannot)?;
    clap_mangen::generate_to(Args::command(), directory).map_err(cannot)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use crate::args::Args;
    use clap::CommandFactory;

    #[test]
    fn definition_of_the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_option_of_run_has_a_description_and_a_group() {
        let command = Args::command();
        let run = command.find_subcommand("run").expect("the command exists");
        for option in run.get_arguments().filter(|a| a.get_id() != "help") {
            assert!(option.get_help().is_some(), "{}", option.get_id());
            assert!(option.get_help_heading().is_some(), "{}", option.get_id());
        }
    }
}
