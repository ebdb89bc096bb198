//! What kind of access an instruction makes: everything about it but address, size and direction.

/// The syndrome of a single-register load or store, reported for stage 2 faults (ESR_EL2.ISS with ISV = 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Iss {
    /// log2 of the access size in bytes.
    pub sas: u8,
    /// Sign-extending load.
    pub sse: bool,
    /// The register.
    pub srt: u8,
    /// 64-bit register.
    pub sf: bool,
    /// Acquire or release.
    pub ar: bool,
}

/// The properties of an access (AccessDescriptor).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// ISS bits 24:14, or 0.
    iss: u32,
    pub(super) flags: u8,
}

/// LDTR, STTR and relatives.
pub(super) const UNPRIV: u8 = 1;
/// Acquire or release: SCTLR_ELx.nAA applies.
pub(super) const ORDERED: u8 = 2;
/// Read-modify-write.
pub(super) const ATOMIC: u8 = 4;
/// Exclusive.
pub(super) const EXCLUSIVE: u8 = 8;
/// System register access that FEAT_NV2 made a memory access.
pub(super) const NV2: u8 = 16;
/// Cache maintenance or address translation: ESR_ELx.CM.
pub(super) const MAINTENANCE: u8 = 32;

impl Access {
    /// An ordinary load or store.
    pub const NORMAL: Self = Self { iss: 0, flags: 0 };
    /// LDTR, STTR: checked as EL0's access where the architecture says so.
    pub const UNPRIV: Self = Self { iss: 0, flags: UNPRIV };
    /// LDAR, STLR, LDAPR and relatives.
    pub const ORDERED: Self = Self { iss: 0, flags: ORDERED };
    /// Atomic read-modify-write.
    pub const ATOMIC: Self = Self { iss: 0, flags: ATOMIC };
    /// Load-exclusive and store-exclusive.
    pub const EXCLUSIVE: Self = Self { iss: 0, flags: EXCLUSIVE };
    /// A register access transformed by FEAT_NV2: made in EL2's regime.
    pub const NV2: Self = Self { iss: 0, flags: NV2 };
    /// DC ZVA, which is no cache maintenance to a syndrome.
    pub const DC_ZVA: Self = Self::NORMAL;
    /// Other cache maintenance by address.
    pub const MAINTENANCE: Self = Self { iss: 0, flags: MAINTENANCE };

    /// Adds the syndrome of a single-register load or store without writeback.
    #[inline]
    #[must_use]
    pub const fn with_iss(self, iss: Iss) -> Self {
        let Iss { sas, sse, srt, sf, ar } = iss;
        let iss = 1 << 24
            | (sas as u32 & 3) << 22
            | (sse as u32) << 21
            | (srt as u32 & 31) << 16
            | (sf as u32) << 15
            | (ar as u32) << 14;
        Self { iss, ..self }
    }

    /// ISS bits 24:14.
    pub(super) fn iss(self) -> u64 {
        u64::from(self.iss)
    }

    /// Whether alignment only matters to Device memory and SCTLR_ELx.A.
    pub(super) const fn is_ordinary(self) -> bool {
        self.flags & !UNPRIV == 0
    }

    #[inline(always)]
    pub(super) const fn is(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}
