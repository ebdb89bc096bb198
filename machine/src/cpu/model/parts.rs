//! The ID registers of the models.

use super::Model;
use droste_arch::feature::FeatureSet;
use droste_arch::sysreg::SysReg;

/// ID registers as the real part has them.
struct Part {
    name: &'static str,
    compatible: &'static str,
    midr: u64,
    /// ID_AA64PFR0_EL1 and ID_AA64PFR1_EL1.
    pfr: [u64; 2],
    /// ID_AA64DFR0_EL1.
    dfr0: u64,
    /// ID_AA64ISAR0_EL1 and following.
    isar: [u64; 3],
    /// ID_AA64MMFR0_EL1 and following.
    mmfr: [u64; 4],
    ctr: u64,
    clidr: u64,
    /// CCSIDR_EL1 of the L1 data, L1 instruction and L2 caches.
    ccsidr: [u64; 3],
    dczid: u64,
    /// PMCR_EL0 without the number of counters: implementer and identification.
    pmcr: u64,
}

const PARTS: [Part; 11] = [
    Part {
        name: "max",
        compatible: "arm,armv8",
        midr: 0x000f_0510,
        pfr: [0x1301_0000_2111_0111, 0x21],
        dfr0: 0x1000_0000_1030_560a,
        // BFloat16 without its extended behaviours; no RPRES.
        isar: [0x1221_1111_1021_2120, 0x0111_1111_1021_1502, 0x0011_0002],
        // No alternate FP behaviour, no traps of cache maintenance by SCTLR_ELx.CMOW.
        mmfr: [0x2100_0323_1020_1126, 0x0010_0120_1031_2122, 0x1221_0111_1201_1011, 0x1000_0000_0000_0000],
        ctr: 0xb444_c004,
        clidr: 0x0a20_0023,
        ccsidr: [0x701f_e00a, 0x201f_e012, 0x70ff_e07a],
        dczid: 4,
        pmcr: 0x4100_0000,
    },
    Part {
        name: "cortex-a53",
        compatible: "arm,cortex-a53",
        midr: 0x410f_d034,
        pfr: [0x222, 0],
        dfr0: 0x1030_5106,
        isar: [0x0001_1120, 0, 0],
        mmfr: [0x1122, 0, 0, 0],
        ctr: 0x0444_8004,
        clidr: 0x0a20_0023,
        ccsidr: [0x700f_e01a, 0x203f_e002, 0x707f_e07a],
        dczid: 4,
        pmcr: 0x4103_0000,
    },
    Part {
        name: "cortex-a55",
        compatible: "arm,cortex-a55",
        midr: 0x412f_d050,
        pfr: [0x1011_0222, 0x10],
        dfr0: 0x1030_5408,
        isar: [0x1000_1021_1120, 0x0010_0001, 0],
        mmfr: [0x0010_1122, 0x1021_2122, 0x1011, 0],
        ctr: 0x0444_8004,
        clidr: 0x8200_0023,
        ccsidr: [0x700f_e01a, 0x200f_e01a, 0x703f_e07a],
        dczid: 4,
        pmcr: 0x410b_0000,
    },
    Part {
        name: "cortex-a57",
        compatible: "arm,cortex-a57",
        midr: 0x411f_d070,
        pfr: [0x2222, 0],
        dfr0: 0x1030_5106,
        isar: [0x0001_1120, 0, 0],
        mmfr: [0x1124, 0, 0, 0],
        ctr: 0x8444_c004,
        clidr: 0x0a20_0023,
        ccsidr: [0x701f_e00a, 0x201f_e012, 0x70ff_e07a],
        dczid: 4,
        pmcr: 0x4101_0000,
    },
    Part {
        name: "cortex-a72",
        compatible: "arm,cortex-a72",
        midr: 0x410f_d083,
        pfr: [0x222, 0],
        dfr0: 0x1030_5106,
        isar: [0x0001_1120, 0, 0],
        mmfr: [0x1124, 0, 0, 0],
        ctr: 0x0444_c004,
        clidr: 0x0a20_0023,
        ccsidr: [0x700f_e01a, 0x201f_e012, 0x707f_e07a],
        dczid: 4,
        pmcr: 0x4102_0000,
    },
    Part {
        name: "cortex-a76",
        compatible: "arm,cortex-a76",
        midr: 0x414f_d0b1,
        pfr: [0x1100_0000_1011_1112, 0x10],
        dfr0: 0x1030_5408,
        isar: [0x0000_1000_1021_1120, 0x0010_0001, 0],
        mmfr: [0x0010_1122, 0x1021_2122, 0x1011, 0],
        ctr: 0x8444_c004,
        clidr: 0x8200_0023,
        ccsidr: [0x701f_e01a, 0x201f_e01a, 0x707f_e03a],
        dczid: 4,
        pmcr: 0x410b_0000,
    },
    Part {
        name: "cortex-a710",
        compatible: "arm,cortex-a710",
        midr: 0x412f_d471,
        pfr: [0x1201_0011_2011_0112, 0x121],
        dfr0: 0x00f0_1030_5609,
        isar: [0x0221_1111_1021_2120, 0x0010_1111_0121_1052, 0],
        mmfr: [0x0222_0010_1122, 0x1021_2122, 0x1221_0111_1010_1011, 0],
        ctr: 0x1444_c004,
        clidr: 0x8200_0023,
        ccsidr: [0x00ff_0000_001a, 0x00ff_0000_001a, 0x03ff_0000_003a],
        dczid: 4,
        pmcr: 0,
    },
    Part {
        name: "neoverse-n1",
        compatible: "arm,neoverse-n1",
        midr: 0x414f_d0c1,
        pfr: [0x1100_0000_1011_0112, 0x20],
        dfr0: 0x1030_5408,
        isar: [0x1000_1021_1120, 0x0010_0001, 0],
        mmfr: [0x0010_1125, 0x1021_2122, 0x1011, 0],
        ctr: 0x0444_c004,
        clidr: 0x8200_0023,
        ccsidr: [0x701f_e01a, 0x201f_e01a, 0x70ff_e03a],
        dczid: 4,
        pmcr: 0x410c_0000,
    },
    Part {
        name: "neoverse-v1",
        compatible: "arm,neoverse-v1",
        midr: 0x411f_d402,
        pfr: [0x1101_1101_2011_1112, 0x20],
        dfr0: 0x0000_01f2_1030_5519,
        isar: [0x1011_1111_1021_2120, 0x0011_1000_0121_1032, 0],
        mmfr: [0x0010_1125, 0x1021_2122, 0x0220_0111_0210_1011, 0],
        ctr: 0xb444_c004,
        clidr: 0x8200_0023,
        ccsidr: [0xff_0000_001a, 0xff_0000_001a, 0x7ff_0000_003a],
        dczid: 4,
        pmcr: 0x4121_0000,
    },
    Part {
        name: "neoverse-n2",
        compatible: "arm,neoverse-n2",
        midr: 0x410f_d493,
        pfr: [0x1201_1111_2011_1112, 0x221],
        dfr0: 0x0000_11f2_1030_5619,
        isar: [0x1221_1111_1021_2120, 0x0011_1110_0121_1052, 0],
        mmfr: [0x0222_0010_1125, 0x1021_2122, 0x1221_0111_1210_1011, 0],
        ctr: 0xb444_c004,
        clidr: 0x8200_0023,
        ccsidr: [0xff_0000_001a, 0xff_0000_001a, 0x7ff_0000_003a],
        dczid: 4,
        pmcr: 0x410f_0000,
    },
    // The ID registers of the N2, of which the V2 is a wider sibling.
    Part {
        name: "neoverse-v2",
        compatible: "arm,neoverse-v2",
        midr: 0x410f_d4f1,
        pfr: [0x1201_1111_2011_1112, 0x221],
        dfr0: 0x0000_11f2_1030_5619,
        isar: [0x1221_1111_1021_2120, 0x0011_1110_0121_1052, 0],
        mmfr: [0x0222_0010_1125, 0x1021_2122, 0x1221_0111_1210_1011, 0],
        ctr: 0xb444_c004,
        clidr: 0x8200_0023,
        ccsidr: [0xff_0000_001a, 0xff_0000_001a, 0x7ff_0000_003a],
        dczid: 4,
        pmcr: 0x410f_0000,
    },
];

/// Fields (register, lowest bit, highest value) of what this machine does not have or has in part.
const LIMITS: [(SysReg, u8, u64); 26] = [
    // EL0, EL1, EL2 in AArch64 state only, no EL3.
    (SysReg::ID_AA64PFR0_EL1, 0, 1),
    (SysReg::ID_AA64PFR0_EL1, 4, 1),
    (SysReg::ID_AA64PFR0_EL1, 8, 1),
    (SysReg::ID_AA64PFR0_EL1, 12, 0),
    // SVE, SEL2, MPAM, AMU, RME.
    (SysReg::ID_AA64PFR0_EL1, 32, 0),
    (SysReg::ID_AA64PFR0_EL1, 36, 0),
    (SysReg::ID_AA64PFR0_EL1, 40, 0),
    (SysReg::ID_AA64PFR0_EL1, 44, 0),
    (SysReg::ID_AA64PFR0_EL1, 52, 0),
    // MTE, MPAM_frac, SME, RNDR_trap, NMI.
    (SysReg::ID_AA64PFR1_EL1, 8, 0),
    (SysReg::ID_AA64PFR1_EL1, 16, 0),
    (SysReg::ID_AA64PFR1_EL1, 24, 0),
    (SysReg::ID_AA64PFR1_EL1, 28, 0),
    (SysReg::ID_AA64PFR1_EL1, 36, 0),
    // Trace, statistical profiling, trace filter, trace buffer.
    (SysReg::ID_AA64DFR0_EL1, 4, 0),
    (SysReg::ID_AA64DFR0_EL1, 32, 0),
    (SysReg::ID_AA64DFR0_EL1, 40, 0),
    (SysReg::ID_AA64DFR0_EL1, 44, 0),
    // BFloat16 without FPCR.EBF, no 64-byte accesses.
    (SysReg::ID_AA64ISAR1_EL1, 44, 1),
    (SysReg::ID_AA64ISAR1_EL1, 60, 0),
    // Secure memory, context synchronization control.
    (SysReg::ID_AA64MMFR0_EL1, 12, 0),
    (SysReg::ID_AA64MMFR0_EL1, 44, 0),
    // SpecSEI, TWED, AFP.
    (SysReg::ID_AA64MMFR1_EL1, 24, 0),
    (SysReg::ID_AA64MMFR1_EL1, 32, 0),
    (SysReg::ID_AA64MMFR1_EL1, 44, 0),
    // LSMAOC.
    (SysReg::ID_AA64MMFR2_EL1, 8, 0),
];

/// Number of PMU event counters.
const EVENT_COUNTERS: u64 = 6;

/// The names of all models.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PARTS.iter().map(|p| p.name)
}

/// The model with this name.
pub(super) fn model(name: &str) -> Option<Model> {
    PARTS.iter().find(|p| p.name == name).map(Part::model)
}

/// All features that the machine implements.
pub(super) fn everything() -> FeatureSet {
    let mut max = PARTS[0].model();
    max.set_field(SysReg::ID_AA64MMFR2_EL1, 20, 1);
    // FEAT_NV3 and what it comes with.
    max.set_field(SysReg::ID_AA64MMFR4_EL1, 20, 3);
    // FEAT_FGT2.
    max.set_field(SysReg::ID_AA64MMFR0_EL1, 56, 2);
    // The other algorithms of pointer authentication, and the plainer kinds.
    let mut features = max.features;
    for (register, lsb) in [(SysReg::ID_AA64ISAR1_EL1, 4), (SysReg::ID_AA64ISAR2_EL1, 12)] {
        let mut other = max.clone();
        other.set_field(register, lsb, 5);
        other.set_field(SysReg::ID_AA64ISAR1_EL1, if lsb == 4 { 24 } else { 28 }, 1);
        other.update();
        other.features.iter().for_each(|f| features.insert(f));
    }
    max.update();
    max.features.iter().for_each(|f| features.insert(f));
    features
}

impl Part {
    fn model(&self) -> Model {
        let mut registers = vec![
            (SysReg::MIDR_EL1, self.midr),
            (SysReg::ID_AA64PFR0_EL1, self.pfr[0] | 1 << 24),
            (SysReg::ID_AA64PFR1_EL1, self.pfr[1]),
            (SysReg::ID_AA64DFR0_EL1, self.dfr0),
            (SysReg::CTR_EL0, 1 << 31 | self.ctr),
            (SysReg::CLIDR_EL1, self.clidr),
            (SysReg::CCSIDR_EL1, self.ccsidr[0]),
            (SysReg::DCZID_EL0, self.dczid),
            (SysReg::PMCR_EL0, self.pmcr | EVENT_COUNTERS << 11),
        ];
        let isar = [SysReg::ID_AA64ISAR0_EL1, SysReg::ID_AA64ISAR1_EL1, SysReg::ID_AA64ISAR2_EL1];
        registers.extend(isar.into_iter().zip(self.isar));
        let mmfr = [
            SysReg::ID_AA64MMFR0_EL1,
            SysReg::ID_AA64MMFR1_EL1,
            SysReg::ID_AA64MMFR2_EL1,
            SysReg::ID_AA64MMFR3_EL1,
        ];
        registers.extend(mmfr.into_iter().zip(self.mmfr));
        let mut model = Model::new(self.name, self.compatible, &registers);
        for (register, lsb, highest) in LIMITS {
            let value = model.id(register) >> lsb & 0xf;
            model.set_field(register, lsb, value.min(highest));
        }
        model.caches = self.ccsidr;
        model.update();
        model
    }
}
