//! The VMSAv8-64 translation table walk, as a function of plain values.
//!
//! A walk needs a [`WalkConfig`] (what the registers say), the table bases, and a [`PhysMem`] to read
//! descriptors from. It knows no vCPU and no TLB, which is what makes it testable on hand-built tables.
//! Function names in comments are those of the manual's pseudocode.

mod attributes;
mod config;
mod features;
mod granule;
mod permissions;
mod stage1;
mod stage2;

#[cfg(test)]
pub(super) mod tests;

pub use attributes::{Attributes, MAIR_NORMAL_WB};
pub use config::{Half, Registers, Stage1, Stage2, WalkConfig};
pub use features::MmuFeatures;
pub use granule::Granule;
pub use permissions::{Kind, Permissions, Privilege};
pub use stage1::Tables;
pub use stage2::Stage2Page;

use super::fault::Fault;

/// Physical memory as the walker sees it: naturally aligned 8-byte descriptors.
pub trait PhysMem {
    /// Reads a little-endian descriptor; `None` is a synchronous external abort.
    fn read(&self, pa: u64) -> Option<u64>;

    /// Replaces `expected` by `new` atomically and returns what was found; `None` is a synchronous external abort.
    fn compare_exchange(&self, pa: u64, expected: u64, new: u64) -> Option<u64>;

    /// What an earlier walk of the same stage 2 found for the page of `ipa`, if that was kept.
    fn cached_stage2(&self, _ipa: u64) -> Option<Stage2Page> {
        None
    }

    /// Offers what stage 2 gave for the page of an IPA.
    fn cache_stage2(&self, _ipa: u64, _page: Stage2Page) {}
}

/// The translation regimes without EL3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Regime {
    /// EL1 and EL0, with stage 2 when enabled.
    El10 = 0,
    /// EL2 with HCR_EL2.E2H = 0: one range, no ASID.
    El2 = 1,
    /// EL2 with HCR_EL2.E2H = 1, and EL0 when TGE = 1 too.
    El20 = 2,
}

impl Regime {
    /// All regimes, in the order of their numbers.
    pub const ALL: [Regime; 3] = [Regime::El10, Regime::El2, Regime::El20];

    /// Tells whether the regime serves EL0: two ranges, ASIDs, PAN (HasUnprivileged).
    #[must_use]
    pub fn has_unprivileged(self) -> bool {
        self != Regime::El2
    }
}

/// The access that a translation is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Read, write or instruction fetch.
    pub kind: Kind,
    /// On whose behalf.
    pub privilege: Privilege,
    /// Whether the walk may set the Access flag and the dirty state in memory.
    pub update: bool,
    /// Whether permissions are checked (cache maintenance to the point of coherency checks as a read, AT S1E1A does not).
    pub check: bool,
}

impl Request {
    /// An ordinary access.
    #[must_use]
    pub fn new(kind: Kind, privilege: Privilege) -> Self {
        Self { kind, privilege, update: true, check: true }
    }
}

/// The result of a successful walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Translation {
    /// Output physical address of the very byte asked for.
    pub pa: u64,
    /// Intermediate physical address of it; the same when there is no stage 2.
    pub ipa: u64,
    /// log2 of the bytes for which this translation holds: the smaller of both stages.
    pub size_log2: u8,
    /// log2 of the stage 1 block or page, which is what TLBI by VA removes.
    pub stage1_size_log2: u8,
    /// Both stages combined. Write permission that only a dirty-state update would give is left out unless this walk made it.
    pub permissions: Permissions,
    /// Both stages combined.
    pub attributes: Attributes,
    /// Whether the stage 1 entry is valid for all ASIDs.
    pub global: bool,
    /// The stage 1 guarded-page bit (FEAT_BTI).
    pub guarded: bool,
}

/// Both stages: AArch64.FullTranslate.
pub fn translate<M: PhysMem>(
    memory: &M,
    config: &WalkConfig,
    tables: &Tables,
    va: u64,
    request: Request,
) -> Result<Translation, Fault> {
    let s1 = stage1::translate(memory, config, tables, va, request)?;
    let Some(stage2) = &config.stage2 else {
        return Ok(s1);
    };
    let s2 = stage2::translate(memory, stage2, tables.vttbr, s1.pa, stage2::Access::from(request))?;
    Ok(Translation {
        pa: s2.pa,
        ipa: s1.pa,
        size_log2: s1.size_log2.min(s2.size_log2),
        permissions: s1.permissions & s2.permissions,
        attributes: s1.attributes.combine(s2.attributes, stage2, request.kind),
        ..s1
    })
}

/// Stage 1 only: what the address translation instructions AT S1E* report.
pub fn translate_stage1<M: PhysMem>(
    memory: &M,
    config: &WalkConfig,
    tables: &Tables,
    va: u64,
    request: Request,
) -> Result<Translation, Fault> {
    stage1::translate(memory, config, tables, va, request)
}
