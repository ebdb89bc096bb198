//! What may be written where, and which values can be compared: the harness has to survive.

use super::enter;
use droste_arch::outcome::Operation;
use droste_arch::sysreg::{SysInsnKind, SysReg};

/// How the value of a register is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// Any value may be written, and what is read is what was written.
    Any,
    /// Only the value that it has is written; what is read is compared.
    Keep,
    /// This is written; values are not compared: they count, or are those of the level that asks.
    Only(u64),
}

/// Views of PSTATE, with the value that the harness runs with.
const PSTATE: [(SysReg, u64); 10] = [
    (SysReg::DAIF, 0x3c0),
    (SysReg::SPSel, 1),
    (SysReg::NZCV, 0),
    (SysReg::PAN, 0),
    (SysReg::UAO, 0),
    (SysReg::DIT, 0),
    (SysReg::SSBS, 0),
    (SysReg::TCO, 0),
    (SysReg::ALLINT, 0),
    (SysReg::CurrentEL, 0),
];

/// Registers that hold the harness together, start or stop something, or take effect at once.
const KEPT: [&str; 44] = [
    "HCR",
    "SCTLR",
    "VBAR",
    "CPTR_EL2",
    "CPACR",
    "MDCR",
    "MDSCR",
    "CNTHCTL",
    "CNTKCTL",
    "HF",
    "HDFG",
    "PMU",
    "PMCR",
    "PMCNT",
    "PMINT",
    "PMOVS",
    "PMSELR",
    "PMXEV",
    "PMEV",
    "OS",
    "DBGB",
    "DBGW",
    "DBGCLAIM",
    "DBGPRCR",
    "RMR",
    "SVCR",
    "ICC_",
    "ICH_",
    "ICV_",
    "VNCR",
    "TCR2",
    "TRF",
    "SMCR",
    "ZCR",
    "SMPRI",
    "TRB",
    "PMS",
    "PMB",
    "CNTFRQ",
    "CNTHP_CTL",
    "CNTHV_CTL",
    "CNTP_CTL",
    "CNTV_CTL",
    "GCSCR",
];

/// Values that count, are random, or depend on who asks.
const CHANGING: [&str; 13] = [
    "TVAL", "CNTPCT", "CNTVCT", "CNTPCTSS", "CNTVCTSS", "PMCCNTR", "RNDR", "ISR_EL1", "DCZID", "ICV_",
    "DBGDTR", "ICC_", "PMICNTR",
];

/// How the value of a register is treated.
pub(super) fn value(r: SysReg) -> Value {
    let name = r.name();
    if let Some((_, value)) = PSTATE.iter().find(|p| p.0 == r) {
        return Value::Only(*value);
    }
    // Acknowledging, ending and sending interrupts: 1023 is none, and a SGI to no CPU is none.
    if ["EOIR", "DIR_EL1", "SGI"].iter().any(|part| name.contains(part)) && name.starts_with("IC") {
        return Value::Only(if name.contains("SGI") { 0 } else { 1023 });
    }
    if !r.is_readable() || CHANGING.iter().any(|part| name.contains(part)) {
        return Value::Only(0);
    }
    if KEPT.iter().any(|prefix| name.starts_with(prefix)) { Value::Keep } else { Value::Any }
}

/// The value that a test writes where any may be written.
pub(super) fn pattern(r: SysReg) -> u64 {
    0x0015_a5a5_5a5a_a500 ^ (r.index() as u64) << 12
}

/// X0 of a system instruction, or of anything else that is not an access to a register.
pub(super) fn operand(operation: Operation) -> u64 {
    match operation {
        Operation::Perform(i) => match i.kind() {
            // By set and way: the first line of the first cache. By address: a page of the harness.
            SysInsnKind::Dc if i.name().ends_with("SW") => 0,
            SysInsnKind::Dc | SysInsnKind::Ic | SysInsnKind::At => enter::scratch(),
            _ => 0,
        },
        _ => 0,
    }
}
