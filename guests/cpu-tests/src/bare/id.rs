//! Prints the ID registers: what the models of two machines are compared by.

use guest_support::{mrs, msr, println};

macro_rules! show {
    ($($name:literal = $encoding:literal),* $(,)?) => {
        $(println!("{:16} {:#018x}", $name, mrs!($encoding));)*
    };
}

pub(crate) fn run() {
    show! {
        "MIDR_EL1" = "midr_el1",
        "REVIDR_EL1" = "revidr_el1",
        "ID_AA64PFR0_EL1" = "id_aa64pfr0_el1",
        "ID_AA64PFR1_EL1" = "id_aa64pfr1_el1",
        "ID_AA64PFR2_EL1" = "S3_0_C0_C4_2",
        "ID_AA64ZFR0_EL1" = "S3_0_C0_C4_4",
        "ID_AA64SMFR0_EL1" = "S3_0_C0_C4_5",
        "ID_AA64DFR0_EL1" = "id_aa64dfr0_el1",
        "ID_AA64DFR1_EL1" = "id_aa64dfr1_el1",
        "ID_AA64ISAR0_EL1" = "id_aa64isar0_el1",
        "ID_AA64ISAR1_EL1" = "id_aa64isar1_el1",
        "ID_AA64ISAR2_EL1" = "S3_0_C0_C6_2",
        "ID_AA64MMFR0_EL1" = "id_aa64mmfr0_el1",
        "ID_AA64MMFR1_EL1" = "id_aa64mmfr1_el1",
        "ID_AA64MMFR2_EL1" = "S3_0_C0_C7_2",
        "ID_AA64MMFR3_EL1" = "S3_0_C0_C7_3",
        "ID_AA64MMFR4_EL1" = "S3_0_C0_C7_4",
        "CTR_EL0" = "ctr_el0",
        "CLIDR_EL1" = "clidr_el1",
        "DCZID_EL0" = "dczid_el0",
        "PMCR_EL0" = "pmcr_el0",
    }
    for (name, selector) in [("data", 0_u64), ("instruction", 1), ("unified", 2)] {
        msr!("csselr_el1", selector);
        println!("CCSIDR_EL1 {name}: {:#018x}", mrs!("ccsidr_el1"));
    }
}
