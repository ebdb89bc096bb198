//! `droste hyp`: makes a bootable file of the hypervisor and a host.

use crate::args::{HypCommand, PackArgs};
use crate::error::CliError;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

const IMAGE: &str = "droste-hyp.img";

/// Runs a command.
pub(crate) fn run(command: &HypCommand) -> Result<ExitCode, CliError> {
    match command {
        HypCommand::Pack(args) => pack(args),
    }
}

fn pack(args: &PackArgs) -> Result<ExitCode, CliError> {
    let image = read(&image(args)?)?;
    let kernel = read(&args.host_kernel)?;
    let initrd = args.host_initrd.as_deref().map(read).transpose()?.unwrap_or_default();
    let packed = droste_hyp_pack::pack(image, &kernel, &initrd, &args.host_append)
        .map_err(|why| CliError::usage(format!("cannot pack {}: {why}", args.host_kernel.display())))?;
    fs::write(&args.output, packed)
        .map_err(|e| CliError::usage(format!("cannot write {}: {e}", args.output.display())))?;
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    fs::read(path).map_err(|e| CliError::usage(format!("cannot read {}: {e}", path.display())))
}

/// The image: the one that is named, or one beside the command, or in its `share`.
fn image(args: &PackArgs) -> Result<PathBuf, CliError> {
    if let Some(path) = &args.image {
        return Ok(path.clone());
    }
    let own = env::current_exe().unwrap_or_default();
    let beside = own.parent().unwrap_or(Path::new("")).to_owned();
    let places = [beside.join(IMAGE), beside.join("../share/droste").join(IMAGE)];
    places.into_iter().find(|p| p.is_file()).ok_or_else(|| {
        CliError::usage(format!("there is no {IMAGE} beside the command"))
            .hint(format!("name it with --image; `cargo xtask hyp image -o {IMAGE}` makes it"))
    })
}
