//! Why an access failed, in the manual's terms, and how that is encoded in a syndrome.

/// The cause of a fault; table walks add the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// No valid descriptor, or the address is outside of the translated ranges.
    Translation,
    /// An address in a descriptor, a table base or an untranslated address is too wide.
    AddressSize,
    /// Access flag clear and not managed by hardware.
    AccessFlag,
    /// The descriptors forbid the access.
    Permission,
    /// Unaligned access where alignment is required.
    Alignment,
    /// Nothing answers at the physical address of the access.
    External,
    /// Nothing answers at the physical address of a descriptor.
    ExternalOnWalk,
    /// Exclusive or atomic access to memory that supports none.
    UnsupportedAtomic,
}

impl FaultKind {
    /// Tells whether this is a synchronous External abort (IsExternalAbort).
    #[must_use]
    pub fn is_external(self) -> bool {
        matches!(self, FaultKind::External | FaultKind::ExternalOnWalk)
    }
}

/// What only faults of stage 2 have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage2Fault {
    /// The intermediate physical address that stage 2 could not translate.
    pub ipa: u64,
    /// Whether it is the address of a stage 1 descriptor (ESR_ELx.S1PTW).
    pub table_walk: bool,
}

/// A failed access (FaultRecord).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The cause.
    pub kind: FaultKind,
    /// Level of the table walk, -1 to 3; 0 where there was none.
    pub level: i8,
    /// Set when stage 2 found the fault.
    pub stage2: Option<Stage2Fault>,
    /// Whether writing failed.
    pub write: bool,
    /// Permission failed only because the page is clean and hardware does not manage dirty state (FEAT_S1PIE, FEAT_S2PIE).
    pub dirty_bit: bool,
}

impl Fault {
    /// A stage 1 fault, or one without a stage.
    #[must_use]
    pub fn stage1(kind: FaultKind, level: i8, write: bool) -> Self {
        Self { kind, level, stage2: None, write, dirty_bit: false }
    }

    /// The fault status code for ESR_ELx.{DFSC,IFSC} and PAR_EL1.FST (EncodeLDFSC).
    #[must_use]
    pub fn status_code(&self) -> u64 {
        let level = u64::from(self.level.unsigned_abs());
        match (self.kind, self.level) {
            (FaultKind::AddressSize, -1) => 0b10_1001,
            (FaultKind::AddressSize, _) => level,
            (FaultKind::Translation, -1) => 0b10_1011,
            (FaultKind::Translation, _) => 0b00_0100 | level,
            (FaultKind::AccessFlag, _) => 0b00_1000 | level,
            (FaultKind::Permission, _) => 0b00_1100 | level,
            (FaultKind::External, _) => 0b01_0000,
            (FaultKind::ExternalOnWalk, -1) => 0b01_0011,
            (FaultKind::ExternalOnWalk, _) => 0b01_0100 | level,
            (FaultKind::Alignment, _) => 0b10_0001,
            (FaultKind::UnsupportedAtomic, _) => 0b11_0101,
        }
    }
}
