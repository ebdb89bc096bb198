//! Values of all system registers: a state to ask questions about.

use crate::expr::{Facts, Quantity};
use crate::feature::{Feature, FeatureSet};
use crate::fields::{
    self, Field, hcr_el2, ich_vtr_el2, id_aa64dfr0_el1, id_aa64pfr0_el1, mdcr_el2, pmcr_el0,
};
use crate::sysreg::reserved::{self, Masks};
use crate::sysreg::{COUNT, SysReg};

/// Values of all system registers of a CPU.
#[derive(Clone)]
pub struct State {
    features: FeatureSet,
    registers: [u64; COUNT],
}

/// Fields that let an access through when they are not zero, other than those whose names say so.
const ENABLES: [(SysReg, &[&str]); 14] = [
    (SysReg::HCR_EL2, &["RW", "API", "APK", "ATA", "FIEN", "EnSCXT"]),
    (SysReg::CPACR_EL1, &["FPEN", "ZEN", "SMEN", "E0POE"]),
    (SysReg::CPTR_EL2, &["FPEN", "ZEN", "SMEN", "E0POE"]),
    (SysReg::CNTHCTL_EL2, CNTHCTL),
    (SysReg::CNTKCTL_EL1, CNTHCTL),
    (SysReg::PMUSERENR_EL0, &["EN", "SW", "CR", "ER"]),
    (SysReg::MDCR_EL2, &["E2PB", "E2TB", "EnSPM", "HPMN"]),
    (SysReg::MDSCR_EL1, &["EnSPM"]),
    (SysReg::ICC_SRE_EL1, &["SRE", "DFB", "DIB"]),
    (SysReg::ICC_SRE_EL2, &["SRE", "DFB", "DIB", "Enable"]),
    (SysReg::SCTLR_EL1, SCTLR),
    (SysReg::SCTLR_EL2, SCTLR),
    (SysReg::SCTLR2_EL1, &["EnIDCP128"]),
    (SysReg::SCTLR2_EL2, &["EnIDCP128"]),
];
const CNTHCTL: &[&str] = &["EL0PCTEN", "EL0VCTEN", "EL0VTEN", "EL0PTEN", "EL1PCTEN", "EL1PCEN", "EL1PTEN"];
const SCTLR: &[&str] = &[
    "UMA", "UCI", "UCT", "DZE", "nTWI", "nTWE", "EnTP2", "EnRCTX", "EnFPM", "MSCEn", "EnALS", "EnASR",
    "EnAS0",
];

impl State {
    /// The state after a reset of a CPU with these ID registers; a register that it does not have reads
    /// as zero.
    #[must_use]
    pub fn reset(id: impl Fn(SysReg) -> u64) -> Self {
        let mut features = FeatureSet::from_id_registers(&id);
        // The table leaves out how the GIC's CPU interface is announced.
        if id_aa64pfr0_el1::GIC.is_set(id(SysReg::ID_AA64PFR0_EL1)) {
            features.insert(Feature::FEAT_GICv3);
            if ich_vtr_el2::TDS.is_set(id(SysReg::ICH_VTR_EL2)) {
                features.insert(Feature::FEAT_GICv3_TDIR);
            }
        }
        let mut state = Self { features, registers: [0; COUNT] };
        for r in SysReg::all() {
            state.registers[r.index()] = if r.is_writable() { state.masks(r).ones } else { id(r) };
        }
        // Writable, and yet it has numbers that the implementation chose.
        state.registers[SysReg::PMCR_EL0.index()] = id(SysReg::PMCR_EL0);
        state
    }

    /// The features.
    #[must_use]
    pub fn features(&self) -> &FeatureSet {
        &self.features
    }

    /// Which bits of a register hold what is written.
    #[must_use]
    pub fn masks(&self, register: SysReg) -> Masks {
        reserved::masks(register, &Only(&self.features))
    }

    /// The value of a register.
    #[must_use]
    pub fn get(&self, register: SysReg) -> u64 {
        self.registers[register.index()]
    }

    /// Sets a register; bits that hold nothing keep their fixed values.
    pub fn set(&mut self, register: SysReg, value: u64) {
        self.registers[register.index()] = self.masks(register).apply(value);
    }

    /// Sets a register to a value that was read from it.
    pub fn put(&mut self, register: SysReg, value: u64) {
        self.registers[register.index()] = value;
    }

    /// Whether HCR_EL2.E2H is 1, which gives some registers another layout.
    #[must_use]
    pub fn e2h(&self) -> bool {
        hcr_el2::E2H.is_set(self.get(SysReg::HCR_EL2))
    }

    /// A field of a register by its name, in the layout in force.
    #[must_use]
    pub fn field(&self, register: SysReg, name: &str) -> Option<Field> {
        let all = fields::of(register.name(), self.e2h());
        all.iter().find(|f| f.0.eq_ignore_ascii_case(name)).map(|f| f.1)
    }

    /// Gives every control register the value that traps the least, HCR_EL2.E2H being as it is.
    pub fn trap_nothing(&mut self) {
        for r in Self::controls() {
            let old = if r == SysReg::HCR_EL2 { self.get(r) } else { 0 };
            self.set(r, old | self.enables(r));
        }
        // RES1 in the layout for E2H = 0, where clear bits let through what exists.
        if !self.e2h() {
            let clear = [(Feature::FEAT_SVE, 8), (Feature::FEAT_SME, 12)];
            let absent = clear.iter().filter(|(f, _)| !self.features.contains(*f)).map(|(_, bit)| 1 << bit);
            self.put(SysReg::CPTR_EL2, absent.fold(0x22ff, |value, bit| value | bit));
        }
        let counters = self.quantity(Quantity::EventCounters);
        let mdcr = mdcr_el2::HPMN.with(self.get(SysReg::MDCR_EL2), counters);
        self.set(SysReg::MDCR_EL2, mdcr);
    }

    /// The registers that accesses to other registers depend on.
    pub fn controls() -> impl Iterator<Item = SysReg> {
        SysReg::all().filter(|r| controls(*r))
    }

    /// The bits of a register that let accesses through when they are set.
    fn enables(&self, r: SysReg) -> u64 {
        let fields = fields::of(r.name(), self.e2h()).iter();
        let named = ENABLES.iter().find(|e| e.0 == r).map_or(&[][..], |e| e.1);
        let is_fine = is_fine_grained(r);
        let lets = |name: &str| match r {
            // In the fine-grained trap registers a field's name tells its polarity.
            _ if is_fine => name.starts_with('n'),
            SysReg::HCRX_EL2 => name.starts_with("En") || name.ends_with("En"),
            _ => named.contains(&name),
        };
        fields.filter(|(name, _)| lets(name)).fold(0, |all, (_, field)| all | field.mask())
    }
}

/// Whether it is a fine-grained trap register.
fn is_fine_grained(r: SysReg) -> bool {
    let name = r.name();
    r.is_writable() && name.ends_with("_EL2") && (name.starts_with("HFG") || name.starts_with("HDFG"))
}

/// Whether accesses to other registers depend on it.
fn controls(r: SysReg) -> bool {
    is_fine_grained(r) || r == SysReg::HCRX_EL2 || ENABLES.iter().any(|e| e.0 == r)
}

impl Facts for State {
    fn feature(&self, feature: Feature) -> bool {
        self.features.contains(feature)
    }

    fn register(&self, register: SysReg) -> u64 {
        self.get(register)
    }

    fn quantity(&self, quantity: Quantity) -> u64 {
        let (dfr0, vtr) = (self.get(SysReg::ID_AA64DFR0_EL1), self.get(SysReg::ICH_VTR_EL2));
        match quantity {
            Quantity::Breakpoints => id_aa64dfr0_el1::BRPs.get(dfr0) + 1,
            Quantity::Watchpoints => id_aa64dfr0_el1::WRPs.get(dfr0) + 1,
            Quantity::EventCounters => pmcr_el0::N.get(self.get(SysReg::PMCR_EL0)),
            Quantity::EventCountersAccessible if self.features.contains(Feature::FEAT_EL2) => {
                mdcr_el2::HPMN.get(self.get(SysReg::MDCR_EL2))
            }
            Quantity::EventCountersAccessible => pmcr_el0::N.get(self.get(SysReg::PMCR_EL0)),
            Quantity::ListRegisters => ich_vtr_el2::ListRegs.get(vtr) + 1,
            Quantity::PriorityBits | Quantity::PreemptionBits => ich_vtr_el2::PREbits.get(vtr) + 1,
        }
    }
}

/// Features alone.
struct Only<'a>(&'a FeatureSet);

impl Facts for Only<'_> {
    fn feature(&self, feature: Feature) -> bool {
        self.0.contains(feature)
    }

    fn register(&self, _: SysReg) -> u64 {
        0
    }

    fn quantity(&self, _: Quantity) -> u64 {
        0
    }
}
