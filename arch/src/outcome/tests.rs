extern crate std;

use super::*;
use crate::expr::Quantity;
use crate::feature::FeatureSet;
use crate::fields::Field;
use crate::sysreg::access::Instruction;
use std::string::ToString;
use std::vec::Vec;

/// HCR_EL2 and HFGITR_EL2; every feature but those of the mask registers, GCS, and what comes after FEAT_NV2.
struct Cpu {
    hcr: u64,
    hfgitr: u64,
}

impl Facts for Cpu {
    fn feature(&self, f: Feature) -> bool {
        use Feature as F;
        !matches!(f, F::FEAT_SRMASK | F::FEAT_GCS | F::NV2_ONLY | F::FEAT_NV2p1 | F::FEAT_NV3)
    }

    fn register(&self, r: SysReg) -> u64 {
        match r {
            SysReg::HCR_EL2 => self.hcr,
            SysReg::HFGITR_EL2 => self.hfgitr,
            _ => 0,
        }
    }

    fn quantity(&self, _: Quantity) -> u64 {
        6
    }
}

const NV: u64 = hcr_el2::NV.mask();
const NV2: u64 = hcr_el2::NV2.mask();
const TGE: u64 = hcr_el2::TGE.mask();

fn outcome(word: u32, el: u8, hcr: u64) -> Outcome {
    decide(word, el, &Cpu { hcr, hfgitr: 0 }).expect("rules").outcome
}

fn iss(word: u32, el: u8, hcr: u64) -> Option<(u8, u8, u32)> {
    match outcome(word, el, hcr) {
        Outcome::Exception { el, esr } => Some((el, esr.class().0, esr.iss())),
        _ => None,
    }
}

#[test]
fn msr_hcr_el2_at_el1_goes_through_all_outcomes() {
    // MSR HCR_EL2, X3
    let word = 0xd51c_1103;
    assert_eq!(outcome(word, 1, 0), Outcome::Undefined { el: 1 });
    assert_eq!(outcome(word, 1, NV), Outcome::Exception { el: 2, esr: Esr::sysreg(word) });
    assert_eq!(outcome(word, 1, NV | NV2), Outcome::Memory(0x78));
    assert_eq!(outcome(word, 2, 0), Outcome::Register(SysReg::HCR_EL2));
    assert_eq!(outcome(word, 0, TGE), Outcome::Undefined { el: 2 });
}

#[test]
fn eret_traps_with_its_form_and_beats_pointer_authentication() {
    for (word, form) in [(0xd69f_03e0, 0), (0xd69f_0bff, 2), (0xd69f_0fff, 3)] {
        assert_eq!(iss(word, 1, NV), Some((2, 0x1a, form)));
        assert_eq!(outcome(word, 1, hcr_el2::API.mask()), Outcome::Executes);
        let fgt = Cpu { hcr: 0, hfgitr: crate::fields::hfgitr_el2::ERET.mask() };
        assert!(matches!(decide(word, 1, &fgt), Some(Decision { outcome: Outcome::Exception { .. }, .. })));
        assert_eq!(outcome(word, 0, 0), Outcome::Undefined { el: 1 });
    }
}

#[test]
fn calls_and_waits_have_their_syndromes() {
    assert_eq!(iss(0xd400_0aa2, 1, 0), Some((2, 0x16, 0x55)));
    assert_eq!(outcome(0xd400_0aa2, 1, hcr_el2::HCD.mask()), Outcome::Undefined { el: 1 });
    assert_eq!(iss(0xd400_0aa1, 0, 0), Some((1, 0x15, 0x55)));
    assert_eq!(iss(0xd400_0aa1, 0, TGE), Some((2, 0x15, 0x55)));
    assert_eq!(iss(0xd400_0003, 1, hcr_el2::TSC.mask()), Some((2, 0x17, 0)));
    assert_eq!(iss(0xd503_207f, 1, hcr_el2::TWI.mask()), Some((2, 0x01, 0x1e0_0000)));
    assert_eq!(iss(0xd503_205f, 1, hcr_el2::TWE.mask()), Some((2, 0x01, 0x1e0_0001)));
}

#[test]
fn reserved_encodings_follow_the_space_that_they_are_in() {
    let idspace = Operation::Execute(Instruction::ReservedId).word(0);
    assert_eq!(outcome(idspace, 1, 0), Outcome::Nothing);
    assert_eq!(iss(idspace, 1, hcr_el2::TID3.mask()).map(|i| i.1), Some(0x18));
    let implementation = Operation::Execute(Instruction::ImplementationDefined).word(0);
    assert_eq!(outcome(implementation, 1, 0), Outcome::Undefined { el: 1 });
    assert_eq!(iss(implementation, 1, hcr_el2::TIDCP.mask()).map(|i| i.0), Some(2));
    assert_eq!(Operation::from_word(0xd503_201f), None);
}

#[test]
fn every_operation_is_found_again_from_its_word() {
    let all: Vec<Operation> = Operation::all().collect();
    assert!(all.len() > 1300, "{}", all.len());
    for operation in all {
        assert_eq!(Operation::from_word(operation.word(0)), Some(operation), "{operation}");
    }
}

#[test]
fn rule_is_told_in_the_names_of_the_manual() {
    let told = |word, el, hcr| {
        let decision = decide(word, el, &Cpu { hcr, hfgitr: 0 }).expect("rules");
        let condition = decision.rule().expect("a rule").when;
        Words { condition, e2h: false }.to_string()
    };
    assert_eq!(told(0xd51c_1103, 1, NV), "HCR_EL2.NV = 1");
    assert_eq!(
        told(0xd51c_1103, 1, NV | NV2),
        "HCR_EL2.NV2 = 1 & HCR_EL2.NV = 1 | (NV2_ONLY & HCR_EL2.NV = 1)"
    );
    assert_eq!(told(0xd518_1003, 1, hcr_el2::TVM.mask()), "FEAT_EL2 & HCR_EL2.TVM = 1");
}

#[test]
fn no_operation_is_left_without_a_last_rule() {
    struct Nothing(FeatureSet);
    impl Facts for Nothing {
        fn feature(&self, f: Feature) -> bool {
            self.0.contains(f)
        }
        fn register(&self, _: SysReg) -> u64 {
            0
        }
        fn quantity(&self, _: Quantity) -> u64 {
            0
        }
    }
    for operation in Operation::all() {
        for el in 0..3 {
            let decision = decide(operation.word(0), el, &Nothing(FeatureSet::EMPTY)).expect("rules");
            assert!(decision.rules.is_empty() || decision.rule().is_some(), "{operation} at EL{el}");
        }
    }
}

#[test]
fn state_that_traps_nothing_lets_el0_and_el1_at_what_is_theirs() {
    // The ID registers of a CPU with EL0 to EL2, VHE, NV2, FGT, and 6 event counters.
    let id = |r| match r {
        SysReg::ID_AA64PFR0_EL1 => 0x1111,
        SysReg::ID_AA64MMFR1_EL1 => 1 << 8,
        SysReg::ID_AA64MMFR2_EL1 => 2 << 24,
        SysReg::ID_AA64MMFR0_EL1 => 1 << 56,
        SysReg::ID_AA64DFR0_EL1 => 6 << 8,
        SysReg::PMCR_EL0 => 6 << 11,
        _ => 0,
    };
    let mut state = State::reset(id);
    let mut with = |hcr: u64, word: u32, el: u8| {
        state.set(SysReg::HCR_EL2, hcr);
        state.trap_nothing();
        decide(word, el, &state).expect("rules").outcome
    };
    for hcr in [0, hcr_el2::E2H.mask()] {
        for (r, el) in
            [(SysReg::CNTVCT_EL0, 0), (SysReg::FPCR, 1), (SysReg::SCTLR_EL1, 1), (SysReg::PMCCNTR_EL0, 0)]
        {
            assert_eq!(with(hcr, Operation::Read(r).word(0), el), Outcome::Register(r), "{hcr:x}");
        }
    }
    assert_eq!(with(NV | NV2, Operation::Read(SysReg::HCR_EL2).word(0), 1), Outcome::Memory(0x78));
    assert_eq!(state.field(SysReg::CPTR_EL2, "tfp").map(Field::lsb), Some(10));
}
