//! Our register layouts against those of the `arm-sysregs` crates, which were made from Arm's
//! machine-readable specification by other people.

use arm_sysregs_el1::registers as el1;
use arm_sysregs_el2::registers as el2;
use bitflags::Flags;
use droste_arch::expr::{Facts, Quantity};
use droste_arch::feature::Feature;
use droste_arch::sysreg::{SysReg, reserved};

/// A CPU with every feature.
struct Everything;

impl Facts for Everything {
    fn feature(&self, feature: Feature) -> bool {
        // RW and the AArch32 fields are writable with AArch32; nothing else excludes anything.
        !matches!(feature, Feature::FEAT_AA64EL3 | Feature::FEAT_EL3)
    }

    fn register(&self, _: SysReg) -> u64 {
        0
    }

    fn quantity(&self, _: Quantity) -> u64 {
        0
    }
}

/// Bits of flags that no write to our register can set; `newer` are those younger than our table.
fn unknown<F: Flags<Bits = u64>>(register: SysReg, newer: u64) -> Vec<String> {
    let writable = reserved::masks(register, &Everything).writable | newer;
    let flags = F::FLAGS.iter().filter(|f| !f.name().is_empty() && f.name() != "RES1");
    let missing = flags.filter(|f| f.value().bits() & !writable != 0);
    missing.map(|f| format!("{register}.{}", f.name())).collect()
}

#[test]
fn every_flag_is_a_writable_bit_of_our_register() {
    let missing = [
        unknown::<el1::CpacrEl1>(SysReg::CPACR_EL1, 0x3 << 32),
        unknown::<el1::CntkctlEl1>(SysReg::CNTKCTL_EL1, 0),
        unknown::<el1::DisrEl1>(SysReg::DISR_EL1, 0),
        unknown::<el1::EsrEl1>(SysReg::ESR_EL1, 0),
        // SC2 exists with FEAT_PCSRv8 only, which excludes others.
        unknown::<el1::MdscrEl1>(SysReg::MDSCR_EL1, 1 << 19),
        // FDIT, BTD, EnTP3 and others of 2025.
        unknown::<el1::Sctlr2El1>(SysReg::SCTLR2_EL1, 0x17fb_c000),
        unknown::<el1::SctlrEl1>(SysReg::SCTLR_EL1, 0),
        unknown::<el1::SpsrEl1>(SysReg::SPSR_EL1, 0),
        // FEAT_S1POE2 and FEAT_TEV.
        unknown::<el1::Tcr2El1>(SysReg::TCR2_EL1, 0x1f_ffc8_0000),
        unknown::<el1::TcrEl1>(SysReg::TCR_EL1, 0),
        unknown::<el2::CnthctlEl2>(SysReg::CNTHCTL_EL2, 0),
        unknown::<el2::CptrEl2>(SysReg::CPTR_EL2, 0x3 << 32),
        unknown::<el2::EsrEl2>(SysReg::ESR_EL2, 0),
        unknown::<el2::HcrEl2>(SysReg::HCR_EL2, 0),
        // VTLBIDEN, NVTGE and all above are of 2025.
        unknown::<el2::HcrxEl2>(SysReg::HCRX_EL2, 1 << 25 | u64::MAX << 27),
        unknown::<el2::HdfgrtrEl2>(SysReg::HDFGRTR_EL2, 0),
        unknown::<el2::HdfgwtrEl2>(SysReg::HDFGWTR_EL2, 0),
        unknown::<el2::HfgitrEl2>(SysReg::HFGITR_EL2, 0),
        unknown::<el2::HfgrtrEl2>(SysReg::HFGRTR_EL2, 0),
        unknown::<el2::HfgwtrEl2>(SysReg::HFGWTR_EL2, 0),
        unknown::<el2::IchHcrEl2>(SysReg::ICH_HCR_EL2, 0),
        unknown::<el2::IchVmcrEl2>(SysReg::ICH_VMCR_EL2, 0),
        unknown::<el2::MdcrEl2>(SysReg::MDCR_EL2, 0),
        // UMA is a bit of SCTLR_EL1 in the access rules too.
        unknown::<el2::SctlrEl2>(SysReg::SCTLR_EL2, 1 << 9),
        unknown::<el2::SpsrEl2>(SysReg::SPSR_EL2, 0),
        unknown::<el2::TcrEl2>(SysReg::TCR_EL2, 0),
        unknown::<el2::VtcrEl2>(SysReg::VTCR_EL2, 0),
    ];
    assert_eq!(missing.concat(), Vec::<String>::new());
}
