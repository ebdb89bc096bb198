//! TLB maintenance instructions: what each names, and how it reaches the other CPUs.

use droste_arch::fields::{hcr_el2, tcr_el1, tcr_el2};
use droste_arch::sysreg::{SysInsn, SysReg};

use super::Tlb;
use super::walk::Regime;
use crate::cpu::Vcpu;

/// One TLB maintenance operation, with everything that the issuing CPU's registers say filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TlbiOp {
    pub(super) regime: Regime,
    /// `None`: all VMIDs.
    pub(super) vmid: Option<u16>,
    pub(super) scope: Scope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything of stage 1 of the regime and VMID.
    All,
    /// The same, and stage 2.
    BothStages,
    /// Non-global entries of an ASID.
    Asid(u16),
    /// Entries for these virtual addresses, of an ASID and global, or of all ASIDs.
    Range { first: u64, last: u64, asid: Option<u16> },
    /// Stage 2 translations of intermediate physical addresses; whose they are is not looked at.
    Stage2,
    /// The mailbox ran over.
    Everything,
}

/// Which CPUs an instruction concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Domain {
    Local,
    Broadcast,
}

impl TlbiOp {
    /// Drops all translations of all regimes.
    pub(super) const EVERYTHING: Self = Self { regime: Regime::El2, vmid: None, scope: Scope::Everything };
}

impl Tlb {
    /// Performs a maintenance operation.
    pub(super) fn maintain(&mut self, op: TlbiOp) {
        let vmid = op.vmid.unwrap_or(0);
        match op.scope {
            Scope::All => self.retire_spaces(op.regime, op.vmid),
            Scope::Asid(asid) => self.retire_asid(op.regime, vmid, asid),
            Scope::Range { first, last, asid } => self.remove_range(op.regime, vmid, first, last, asid),
            Scope::BothStages => {
                self.forget_stage2();
                self.retire_spaces(op.regime, op.vmid);
            }
            // Combined entries stay: software invalidates them by stage 1 scope after this.
            Scope::Stage2 => self.forget_stage2(),
            Scope::Everything => self.wipe(),
        }
    }
}

/// Executes a TLBI instruction.
pub(crate) fn tlbi(cpu: &mut Vcpu, insn: SysInsn, xt: u64) {
    let Some((op, domain)) = decode(cpu, insn, xt) else {
        return;
    };
    cpu.apply_tlbi(op);
    let forced = cpu.el() == 1 && hcr_el2::FB.is_set(cpu.hcr());
    if domain == Domain::Broadcast || forced {
        cpu.broadcast_tlbi(op);
    }
}

/// What an instruction does with this operand now; `None` for the EL3 ones, which do not exist here.
fn decode(cpu: &Vcpu, insn: SysInsn, xt: u64) -> Option<(TlbiOp, Domain)> {
    let encoding = insn.encoding();
    let (crm, op2) = (encoding.crm(), encoding.op2());
    match encoding.op1() {
        0 => {
            let domain = if matches!(crm, 6 | 7) { Domain::Local } else { Domain::Broadcast };
            let regime =
                if cpu.el() == 2 && cpu.mode.e2h && cpu.mode.tge { Regime::El20 } else { Regime::El10 };
            let asid = Some((xt >> 48) as u16);
            let ranged = matches!(crm, 2 | 5 | 6);
            let scope = match op2 {
                0 => Scope::All,
                1 | 5 => address(cpu, regime, xt, ranged, asid),
                2 => Scope::Asid((xt >> 48) as u16),
                3 | 7 => address(cpu, regime, xt, ranged, None),
                _ => return None,
            };
            Some((TlbiOp { regime, vmid: Some(vmid_of(cpu, regime)), scope }, domain))
        }
        4 if matches!(crm, 0 | 4) => {
            let domain =
                if crm == 4 && matches!(op2, 1 | 2 | 5 | 6) { Domain::Local } else { Domain::Broadcast };
            Some((TlbiOp { regime: Regime::El10, vmid: Some(cpu.vmid()), scope: Scope::Stage2 }, domain))
        }
        4 => {
            let domain = if matches!(crm, 6 | 7) { Domain::Local } else { Domain::Broadcast };
            let ranged = matches!(crm, 2 | 5 | 6);
            let el2 = cpu.el2_regime();
            let asid = (el2 == Regime::El20).then_some((xt >> 48) as u16);
            let both_stages = |vmid| TlbiOp { regime: Regime::El10, vmid, scope: Scope::BothStages };
            let op = match op2 {
                0 => TlbiOp { regime: el2, vmid: None, scope: Scope::All },
                1 | 5 => TlbiOp { regime: el2, vmid: Some(0), scope: address(cpu, el2, xt, ranged, asid) },
                4 => both_stages(None),
                2 | 6 => both_stages(Some(cpu.vmid())),
                _ => return None,
            };
            Some((op, domain))
        }
        _ => None,
    }
}

fn vmid_of(cpu: &Vcpu, regime: Regime) -> u16 {
    if regime == Regime::El10 { cpu.vmid() } else { 0 }
}

fn page(first: u64) -> (u64, u64) {
    (first, first | 0xfff)
}

/// The addresses of a TLBI by VA. Level hints (TTL) are not needed.
fn address(cpu: &Vcpu, regime: Regime, xt: u64, ranged: bool, asid: Option<u16>) -> Scope {
    if !ranged {
        let (first, last) = page(sign_extend(xt << 12, 56));
        return Scope::Range { first, last, asid: asid.map(|asid| effective_asid(cpu, regime, asid)) };
    }
    let ds = match regime {
        Regime::El10 => tcr_el1::DS.is_set(cpu.sys(SysReg::TCR_EL1)),
        Regime::El20 => tcr_el1::DS.is_set(cpu.sys(SysReg::TCR_EL2)),
        Regime::El2 => tcr_el2::DS.is_set(cpu.sys(SysReg::TCR_EL2)),
    };
    let (base, shift, size) = range(xt, ds);
    let first = sign_extend(base << shift, 37 + shift);
    let asid = asid.map(|asid| effective_asid(cpu, regime, asid));
    Scope::Range { first, last: first.saturating_add(size - 1), asid }
}

/// The fields of a range operand: BaseADDR, its unit as a shift, and the size in bytes (TLBIRange).
fn range(xt: u64, ds: bool) -> (u64, u8, u64) {
    let base = xt & 0x1f_ffff_ffff;
    let (num, scale) = (xt >> 39 & 0x1f, xt >> 44 & 3);
    let page_log2 = match xt >> 46 & 3 {
        0b10 => 14,
        0b11 => 16,
        _ => 12,
    };
    let shift = if ds { 16 } else { page_log2 };
    (base, shift, (num + 1) << (5 * scale + 1 + u64::from(page_log2)))
}

fn sign_extend(value: u64, bits: u8) -> u64 {
    ((value << (64 - bits)).cast_signed() >> (64 - bits)).cast_unsigned()
}

/// With 8-bit ASIDs the upper half of the field is ignored.
fn effective_asid(cpu: &Vcpu, regime: Regime, asid: u16) -> u16 {
    let tcr = cpu.sys(if regime == Regime::El10 { SysReg::TCR_EL1 } else { SysReg::TCR_EL2 });
    if cpu.tlb.features().asid16 && tcr_el1::AS.is_set(tcr) { asid } else { asid & 0xff }
}

impl Vcpu {
    /// Performs an operation on this CPU.
    pub(super) fn apply_tlbi(&mut self, op: TlbiOp) {
        self.tlb.maintain(op);
        self.mmu_pstate_changed();
    }
}
