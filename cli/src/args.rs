//! The command line.

use crate::size;
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

/// Runs hypervisors inside hypervisors on an emulated 64-bit Arm machine.
#[derive(Parser, Debug)]
#[command(version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Boot a kernel or an image on a machine that is compatible with QEMU's `virt`
    Run(Box<RunArgs>),
    /// Tell what an access to a system register or a system instruction does, and the rule that says so
    Explain(ExplainArgs),
    /// Compare what a machine does with the architecture's tables
    Conformance(ConformanceArgs),
    /// Prepare Droste's hypervisor, which sits under a Linux host from boot on
    #[command(subcommand)]
    Hyp(HypCommand),
    /// Show the CPU models of `droste run --cpu`
    #[command(subcommand)]
    Cpu(CpuCommand),
    /// Print the completions of a shell
    Completions {
        /// The shell that reads them
        shell: Shell,
    },
    /// Write the manual pages of all commands into a directory
    Man {
        /// The directory, which is made if there is none
        directory: PathBuf,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum CpuCommand {
    /// List the models
    List,
    /// Print the features and the ID registers of a model
    Show {
        /// A model and changes to it, as --cpu takes them: max, max,-sve, cortex-a76, ...
        model: String,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum HypCommand {
    /// Put the hypervisor and a host into one file that boots like a kernel
    Pack(PackArgs),
}

/// Options of `droste hyp pack`.
#[derive(clap::Args, Debug)]
pub(crate) struct PackArgs {
    /// The host's kernel: a raw arm64 Image
    #[arg(long, value_name = "FILE")]
    pub(crate) host_kernel: PathBuf,
    /// The host's initrd [default: the loader's]
    #[arg(long, value_name = "FILE")]
    pub(crate) host_initrd: Option<PathBuf>,
    /// The host's command line, with droste.mode=protected or off [default: the loader's]
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) host_append: String,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// The hypervisor's image, if it is not beside the command
    #[arg(long, value_name = "FILE")]
    pub(crate) image: Option<PathBuf>,
}

/// Options of `droste conformance`.
#[derive(clap::Args, Debug)]
pub(crate) struct ConformanceArgs {
    /// What to compare: nv, the trap matrix of system registers and instructions
    pub(crate) suite: String,
    /// CPU model and changes to it: max, max,-nv2, neoverse-n2, ... [default: max]
    #[arg(long, value_name = "MODEL", default_value = "max", hide_default_value = true)]
    pub(crate) cpu: String,
    /// The machine that is asked: droste, or qemu [default: droste]
    #[arg(long, value_name = "MACHINE", default_value = "droste", hide_default_value = true)]
    pub(crate) on: String,
    /// QEMU for --on qemu [default: DROSTE_QEMU of the environment, or qemu-system-aarch64 on the PATH]
    #[arg(long, value_name = "FILE")]
    pub(crate) qemu: Option<PathBuf>,
    /// What executes Droste's CPU: jit or interp [default: jit on x86-64 hosts, else interp]
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<String>,
    /// The image, if it is not beside the command
    #[arg(long, value_name = "FILE")]
    pub(crate) image: Option<PathBuf>,
    /// End the run after SECONDS, with exit code 124 [default: 300]
    #[arg(long, value_name = "SECONDS", default_value_t = 300, hide_default_value = true)]
    pub(crate) timeout: u64,
}

/// Options of `droste explain`. What is not set has the value that traps the least.
#[derive(clap::Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The instruction: 'MSR HCR_EL2', 'MRS X0, S3_4_C1_C1_0', 'TLBI VMALLE1', 'ERET', 0xd51c1103
    pub(crate) instruction: String,
    /// Exception level that executes it: 0, 1 or 2
    #[arg(long, value_name = "LEVEL", default_value_t = 1)]
    pub(crate) el: u8,
    /// Fields of HCR_EL2 that are set: nv,nv2,e2h,tvm,...
    #[arg(long, value_name = "FIELD[=VALUE],...", value_delimiter = ',')]
    pub(crate) hcr: Vec<String>,
    /// Any other register or field: HFGRTR_EL2.SCTLR_EL1=1; may be repeated
    #[arg(long, value_name = "REGISTER[.FIELD]=VALUE")]
    pub(crate) set: Vec<String>,
    /// CPU model and changes to it: max, max,-nv2, neoverse-n2, ...
    #[arg(long, value_name = "MODEL", default_value = "max")]
    pub(crate) cpu: String,
}

/// Options of `droste run`. Each but --config and the dumps is also a key of the machine file.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct RunArgs {
    /// Machine file (TOML) with the same keys as these options; options win
    #[arg(long, visible_alias = "machine", value_name = "FILE", help_heading = "Machine")]
    pub(crate) config: Option<PathBuf>,
    /// CPU model and changes to it: max, neoverse-n2, max,-nv2, cortex-a76,ID_AA64MMFR0_EL1.PARange=2, ...
    /// [default: max]
    #[arg(long, value_name = "MODEL", help_heading = "Machine")]
    pub(crate) cpu: Option<String>,
    /// Number of CPUs, 1 to 8 [default: 1]
    #[arg(long, value_name = "N", help_heading = "Machine")]
    pub(crate) cpus: Option<u32>,
    /// RAM, such as 512M or 4G [default: 1G]
    #[arg(long, short, value_name = "SIZE", value_parser = size::parse, help_heading = "Machine")]
    pub(crate) memory: Option<u64>,
    /// Highest Exception level, where the kernel is entered: 1 or 2 [default: 2]
    #[arg(long, value_name = "LEVEL", help_heading = "Machine")]
    pub(crate) el: Option<u8>,
    /// List registers of the virtual GIC interface, 4 or 16 [default: 4]
    #[arg(long, value_name = "N", help_heading = "Machine")]
    pub(crate) list_registers: Option<u8>,

    /// Kernel: arm64 Image, gzip of one, EFI zboot, or ELF
    #[arg(long, short, value_name = "FILE", help_heading = "Guest")]
    pub(crate) kernel: Option<PathBuf>,
    /// Initial RAM disk
    #[arg(long, short, value_name = "FILE", help_heading = "Guest")]
    pub(crate) initrd: Option<PathBuf>,
    /// Kernel command line
    #[arg(long, short, alias = "cmdline", value_name = "TEXT", help_heading = "Guest")]
    pub(crate) append: Option<String>,
    /// Device tree instead of the generated one
    #[arg(long, value_name = "FILE", help_heading = "Guest")]
    pub(crate) dtb: Option<PathBuf>,
    /// Disk (virtio-blk): a raw file, read-only or with writes kept elsewhere; may be repeated
    #[arg(long, value_name = "FILE[,ro][,overlay[=FILE]]", help_heading = "Guest")]
    pub(crate) disk: Vec<String>,
    /// Network (virtio-net) behind the host's own connections; may be repeated
    #[arg(
        long,
        value_name = "user[,restrict][,dns=ADDRESS][,forward=tcp:HOSTPORT:GUESTPORT]",
        help_heading = "Guest"
    )]
    pub(crate) net: Vec<String>,

    /// Execute all CPUs on one thread in counted time: the same input gives the same run
    #[arg(long, help_heading = "Run")]
    pub(crate) deterministic: bool,
    /// What executes the CPUs: jit, interp, or check, which compares the two [default: jit on x86-64 hosts, else interp]
    #[arg(long, value_name = "ENGINE", help_heading = "Run")]
    pub(crate) engine: Option<String>,
    /// Time of day at the start: host, seconds since 1970, or UTC such as 2026-01-01 or 2026-01-01T12:30:00
    /// [default: host, and 2026-01-01 with --deterministic]
    #[arg(long, value_name = "TIME", help_heading = "Run")]
    pub(crate) rtc: Option<String>,
    /// Seed of everything random that the guest sees [default: 0]
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub(crate) seed: Option<u64>,
    /// End the run with exit code 0 when the guest restarts the machine, instead of booting again
    #[arg(long, help_heading = "Run")]
    pub(crate) no_reboot: bool,
    /// End the run after SECONDS, with exit code 124
    #[arg(long, value_name = "SECONDS", help_heading = "Run")]
    pub(crate) timeout: Option<u64>,
    /// End the run with exit code 0 when a console line matches REGEX
    #[arg(long, value_name = "REGEX", help_heading = "Run")]
    pub(crate) exit_on: Option<String>,
    /// Print a hash of the final state, and how many instructions were executed
    #[arg(long, help_heading = "Run")]
    pub(crate) summary: bool,

    /// What to log: int (exceptions and their returns), dev (accesses to devices), psci (calls of the firmware), stat (at
    /// the end, who trapped what, from which nesting level, and the cost)
    #[arg(long, short = 'd', value_name = "LIST", value_delimiter = ',', help_heading = "Run")]
    pub(crate) log: Vec<String>,
    /// Where the log goes [default: standard error]
    #[arg(long, short = 'D', value_name = "FILE", help_heading = "Run")]
    pub(crate) log_file: Option<PathBuf>,

    /// Print the CPUs' registers at the end of the run
    #[arg(long, help_heading = "Information")]
    pub(crate) dump_registers: bool,
    /// Write the device tree to FILE and exit
    #[arg(long, value_name = "FILE", help_heading = "Information")]
    pub(crate) dump_dtb: Option<PathBuf>,
    /// Print the device tree as source and exit
    #[arg(long, help_heading = "Information")]
    pub(crate) dump_dts: bool,
    /// Print the effective machine file and exit
    #[arg(long, help_heading = "Information")]
    pub(crate) dump_config: bool,
}
