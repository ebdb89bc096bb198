//! What an access to a system register, or a system instruction, does.
//!
//! The rules are those of a machine with EL0 to EL2 in AArch64 state, without EL3 and without an
//! external debugger. Registers of units that neither half of the project knows have no rules.

use crate::expr::Expr;
use crate::sysreg::{SysInsn, SysReg};

#[rustfmt::skip]
mod generated;

use generated::{EXECUTE, PERFORM, READ, WRITE};

/// One rule: in a list of rules, the first whose condition holds decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// When the rule applies.
    pub when: &'static Expr,
    /// What happens then.
    pub action: Action,
}

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The instruction is UNDEFINED.
    Undefined,
    /// It is trapped.
    Trap {
        /// The Exception level that takes the exception.
        el: u8,
        /// The exception class.
        ec: u8,
    },
    /// It accesses memory at this offset from VNCR_EL2.BADDR.
    Memory(u16),
    /// It accesses this register.
    Register(SysReg),
    /// It does nothing.
    Nop,
    /// It reads as zero, and a write is ignored.
    Zero,
    /// The system instruction does its work.
    Perform,
}

/// The rules of an MRS of the register, at EL0, EL1 or EL2.
#[must_use]
pub fn read(register: SysReg, el: u8) -> &'static [Rule] {
    READ[register.index()][usize::from(el)]
}

/// The rules of an MSR of the register, at EL0, EL1 or EL2.
#[must_use]
pub fn write(register: SysReg, el: u8) -> &'static [Rule] {
    WRITE[register.index()][usize::from(el)]
}

/// The rules of a system instruction, at EL0, EL1 or EL2.
#[must_use]
pub fn perform(insn: SysInsn, el: u8) -> &'static [Rule] {
    PERFORM[insn.index()][usize::from(el)]
}

/// Instructions that are not accesses to a named system register and yet are subject to traps.
///
/// In the order of the table that the rules are generated from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// ERET.
    Eret,
    /// ERETAA.
    Eretaa,
    /// ERETAB.
    Eretab,
    /// SVC.
    Svc,
    /// HVC.
    Hvc,
    /// SMC, by the rules of a machine without EL3 and without firmware that answers it.
    Smc,
    /// WFI where it would wait.
    Wfi,
    /// WFE where it would wait.
    Wfe,
    /// An encoding reserved for implementations (op0 1 or 3, CRn 11 or 15) that nobody defines.
    ImplementationDefined,
    /// An ID register without name: op1 = 0, CRn = 0, CRm = 1 to 7.
    ReservedId,
    /// Any other reserved encoding among the ID registers.
    ReservedIdGroup,
}

/// The rules of an instruction, at EL0, EL1 or EL2. [`Action::Trap`] is every exception that it takes.
#[must_use]
pub fn execute(instruction: Instruction, el: u8) -> &'static [Rule] {
    EXECUTE[instruction as usize][usize::from(el)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::{Facts, Quantity};
    use crate::feature::Feature;

    /// HCR_EL2 and one more register; every feature but those of the mask registers, GCS, and FEAT_NV2 without its bit.
    struct Cpu(u64, SysReg, u64);

    impl Facts for Cpu {
        fn feature(&self, f: Feature) -> bool {
            !matches!(f, Feature::FEAT_SRMASK | Feature::FEAT_GCS | Feature::FEAT_NV3 | Feature::NV2_ONLY)
        }

        fn register(&self, r: SysReg) -> u64 {
            match r {
                SysReg::HCR_EL2 => self.0,
                r if r == self.1 => self.2,
                _ => 0,
            }
        }

        fn quantity(&self, _: Quantity) -> u64 {
            6
        }
    }

    const NV: u64 = 1 << 42;
    const NV1: u64 = 1 << 43;
    const NV2: u64 = 1 << 45;
    const E2H: u64 = 1 << 34;
    const TGE: u64 = 1 << 27;

    fn decide(rules: &[Rule], hcr: u64) -> Action {
        let cpu = Cpu(hcr, SysReg::MIDR_EL1, 0);
        rules.iter().find(|r| r.when.holds(&cpu)).expect("a rule").action
    }

    const TO_EL2: Action = Action::Trap { el: 2, ec: 0x18 };

    #[test]
    fn hcr_el2_from_el1_follows_nv() {
        let rules = write(SysReg::HCR_EL2, 1);
        assert_eq!(decide(rules, 0), Action::Undefined);
        assert_eq!(decide(rules, NV), TO_EL2);
        assert_eq!(decide(rules, NV | NV2), Action::Memory(0x78));
        assert_eq!(decide(rules, NV2), Action::Undefined);
        assert_eq!(decide(write(SysReg::HCR_EL2, 2), 0), Action::Register(SysReg::HCR_EL2));
        assert_eq!(decide(write(SysReg::HCR_EL2, 0), NV), Action::Undefined);
    }

    #[test]
    fn spsr_el2_from_el1_is_redirected_by_nv2() {
        assert_eq!(decide(read(SysReg::SPSR_EL2, 1), NV | NV2), Action::Register(SysReg::SPSR_EL1));
        assert_eq!(decide(read(SysReg::SPSR_EL2, 1), NV), TO_EL2);
    }

    #[test]
    fn e2h_redirects_el1_names_at_el2() {
        assert_eq!(decide(read(SysReg::SCTLR_EL1, 2), E2H), Action::Register(SysReg::SCTLR_EL2));
        assert_eq!(decide(read(SysReg::SCTLR_EL1, 2), 0), Action::Register(SysReg::SCTLR_EL1));
        assert_eq!(decide(read(SysReg::SCTLR_EL12, 2), E2H), Action::Register(SysReg::SCTLR_EL1));
        assert_eq!(decide(read(SysReg::SCTLR_EL12, 2), 0), Action::Undefined);
        let timer = read(SysReg::CNTP_CTL_EL0, 0);
        let enabled = Cpu(E2H | TGE, SysReg::CNTHCTL_EL2, 1 << 9);
        let action = timer.iter().find(|r| r.when.holds(&enabled)).expect("a rule").action;
        assert_eq!(action, Action::Register(SysReg::CNTHP_CTL_EL2));
    }

    #[test]
    fn tvm_traps_writes_only() {
        let tvm = 1 << 26;
        assert_eq!(decide(write(SysReg::SCTLR_EL1, 1), tvm), TO_EL2);
        assert_eq!(decide(read(SysReg::SCTLR_EL1, 1), tvm), Action::Register(SysReg::SCTLR_EL1));
        // The trap beats the redirection to memory.
        assert_eq!(decide(write(SysReg::SCTLR_EL1, 1), tvm | NV | NV1 | NV2), TO_EL2);
        assert_eq!(decide(write(SysReg::SCTLR_EL1, 1), NV | NV1 | NV2), Action::Memory(0x110));
    }

    #[test]
    fn field_with_two_places_follows_the_layout() {
        // CNTHCTL_EL2.EL1PCTEN is bit 0 with E2H = 0 and bit 10 with E2H = 1.
        let rules = read(SysReg::CNTPCT_EL0, 1);
        let at = |hcr, cnthctl| {
            let cpu = Cpu(hcr, SysReg::CNTHCTL_EL2, cnthctl);
            rules.iter().find(|r| r.when.holds(&cpu)).expect("a rule").action
        };
        assert_eq!(at(0, 1), Action::Register(SysReg::CNTPCT_EL0));
        assert_eq!(at(0, 1 << 10), TO_EL2);
        assert_eq!(at(E2H, 1), TO_EL2);
        assert_eq!(at(E2H, 1 << 10), Action::Register(SysReg::CNTPCT_EL0));
    }

    #[test]
    fn array_registers_stop_at_the_implemented_number() {
        assert_eq!(decide(read(SysReg::PMEVCNTR5_EL0, 2), 0), Action::Register(SysReg::PMEVCNTR5_EL0));
        assert_eq!(decide(read(SysReg::PMEVCNTR6_EL0, 2), 0), Action::Undefined);
        assert_eq!(decide(read(SysReg::ICH_LR15_EL2, 1), NV | NV2), Action::Undefined);
        assert_eq!(decide(read(SysReg::ICH_LR3_EL2, 1), NV | NV2), Action::Memory(0x418));
    }

    #[test]
    fn tlbi_of_el1_follows_ttlb_and_of_el2_follows_nv() {
        let ttlb = 1 << 25;
        assert_eq!(decide(perform(SysInsn::TLBI_VMALLE1, 1), 0), Action::Perform);
        assert_eq!(decide(perform(SysInsn::TLBI_VMALLE1, 1), ttlb), TO_EL2);
        assert_eq!(decide(perform(SysInsn::TLBI_ALLE1, 1), 0), Action::Undefined);
        assert_eq!(decide(perform(SysInsn::TLBI_ALLE1, 1), NV), TO_EL2);
        assert_eq!(decide(perform(SysInsn::TLBI_ALLE1, 2), 0), Action::Perform);
        assert_eq!(decide(perform(SysInsn::AT_S1E1R, 1), 1 << 44), TO_EL2);
    }

    #[test]
    fn registers_of_the_translation_regime_have_rules() {
        for name in ["AMAIR_EL1", "AMAIR_EL12", "AMAIR_EL2", "MAIR_EL1", "SP_EL0", "SPSR_EL1", "TPIDR_EL2"] {
            let r = SysReg::from_name(name).expect(name);
            assert!(!read(r, 2).is_empty(), "{name}");
        }
    }
}
