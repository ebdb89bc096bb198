//! The architectural state of one CPU, as plain data.

use super::{Nzcv, PState};
use crate::machine::CpuOn;
use droste_arch::sysreg;

/// Everything that the architecture calls the state of a PE, and nothing else: it can be copied,
/// compared, hashed and stored.
#[derive(Clone)]
#[repr(C)]
pub struct CpuState {
    /// X0 to X30.
    pub x: [u64; 31],
    /// The stack pointer in use; the bank of the one in use is stale.
    pub sp: u64,
    /// The address of the instruction being executed, or to be executed next.
    pub pc: u64,
    /// The condition flags.
    pub nzcv: Nzcv,
    /// The rest of PSTATE.
    pub pstate: PState,
    /// Instructions retired since reset.
    pub insn_count: u64,
    /// Instructions' worth of counted time that passed while the CPU was idle.
    pub idle_count: u64,
    /// V0 to V31.
    pub v: [u128; 32],
    /// FPCR.
    pub fpcr: u64,
    /// FPSR.
    pub fpsr: u64,
    /// SP_EL0, SP_EL1, SP_EL2.
    pub sp_el: [u64; 3],
    /// The local exclusive monitor.
    pub exclusive: Exclusive,
    /// The event register of WFE.
    pub event: bool,
    /// Whether WFI or WFE has suspended the CPU.
    pub waiting: bool,
    /// Where a CPU that a power-down state of PSCI has suspended goes on when it wakes.
    pub resume: Option<CpuOn>,
    /// Storage of system registers, indexed by [`sysreg::SysReg`].
    pub sys: [u64; sysreg::COUNT],
}

/// The local exclusive monitor: what the last load-exclusive read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exclusive {
    /// Whether the monitor is in the Exclusive Access state.
    pub valid: bool,
    /// Size of the access in bytes.
    pub size: u8,
    /// Physical address of the access.
    pub pa: u64,
    /// The value that was read, zero-extended.
    pub value: u128,
}
