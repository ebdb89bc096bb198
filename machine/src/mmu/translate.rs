//! The TLB of a CPU as a whole: which contexts are current, and how a miss is filled.

use super::context::{Contexts, Ids};
use super::fault::Fault;
use super::fetch::FetchPage;
use super::fetch_ids::{Concern, FetchIds};
use super::inline::{Comparison, InlineTable};
use super::ram_address::RamAddress;
use super::resolve::{RegimeRegisters, Resolved};
use super::route::Route;
use super::selection::{Accessor, Selection};
use super::stage2_cache::{Stage2Cache, WithStage2Cache};
use super::tlb::{Entries, Entry, NEVER, NORMAL, Range};
use super::walk::{
    self, Attributes, Kind, MmuFeatures, PhysMem, Privilege, Regime, Request, Tables, WalkConfig,
};
use crate::cpu::Level;

/// Guest physical memory as a TLB fill sees it.
pub(crate) trait Memory: PhysMem {
    /// The host address of the RAM page at `pa`; null when it is not RAM.
    fn host_page(&self, pa: u64) -> *mut u8;
}

/// The software TLB of one CPU.
#[derive(Debug)]
pub struct Tlb {
    pub(super) entries: Entries,
    pub(super) inline: InlineTable,
    pub(super) contexts: Contexts,
    pub(super) stage2: Stage2Cache,
    pub(super) features: MmuFeatures,
    pub(super) regimes: [Resolved; 3],
    /// What is in use.
    pub(super) now: Selection,
    /// Recent selections, direct-mapped: exceptions and their returns go back and forth between a few.
    pub(super) selections: [Selection; 16],
    /// Incremented when a regime is resolved anew: old selections are void.
    pub(super) epoch: u64,
    /// How often each regime was resolved anew, or is to be: its views are void.
    pub(super) generations: [u64; 3],
    /// What generated code compares, by [`Route`].
    pub(super) comparisons: [Comparison; Route::COUNT],
    /// Address of the part of the inline table that serves the current address space.
    pub(super) window: u64,
    /// The regime of register accesses that FEAT_NV2 transforms, if they may be inlined, and where it is served.
    pub(super) nv2: Option<Regime>,
    pub(super) nv2_window: u64,
    pub(super) fetch_ids: FetchIds,
    /// Whether other CPUs may still have to perform this one's TLB maintenance.
    pub(super) unsynchronised: bool,
}

/// Index of the read-modify-write row in `need`.
pub(super) const READ_WRITE: usize = 2;

impl Tlb {
    /// An empty TLB.
    #[must_use]
    pub fn new(features: MmuFeatures) -> Self {
        let ids = Ids { space: 0, asid: 0, global: 0, upper_per_asid: false };
        let none = Resolved {
            valid: false,
            fresh: false,
            registers: RegimeRegisters::default(),
            config: 0,
            ids,
            data: [Range::default(); 2],
            fetch: [Range::default(); 2],
        };
        Self {
            entries: Entries::default(),
            inline: InlineTable::default(),
            contexts: Contexts::default(),
            stage2: Stage2Cache::default(),
            features,
            regimes: [none; 3],
            now: Selection::NONE,
            selections: [Selection::NONE; 16],
            epoch: 0,
            generations: [0; 3],
            comparisons: [Comparison::NEVER; Route::COUNT],
            window: 0,
            nv2: None,
            nv2_window: 0,
            fetch_ids: FetchIds::default(),
            unsynchronised: false,
        }
    }

    /// The features that translation has.
    pub(crate) fn features(&self) -> &MmuFeatures {
        &self.features
    }

    /// Makes the TLB a new one, but for ids of fetches: those of before never come back.
    pub(crate) fn reset(&mut self, features: MmuFeatures) {
        let ids = std::mem::take(&mut self.fetch_ids);
        *self = Self::new(features);
        self.fetch_ids = ids;
        self.fetch_ids.forget();
    }

    /// The pages that every access has to look at out of line, as first and last page.
    pub(crate) fn set_watched(&mut self, pages: Vec<(u64, u64)>) {
        if self.entries.set_watched(pages) {
            self.inline.clear();
            self.compare();
        }
    }

    /// Whether any page is watched.
    #[inline]
    pub(super) fn is_watching(&self) -> bool {
        self.entries.is_watching()
    }

    /// Drops every entry and every id. What is selected gets new ids at once: the old ones will be those of others.
    pub(crate) fn wipe(&mut self) {
        self.drop_all();
        self.renew_selection();
    }

    pub(super) fn drop_all(&mut self) {
        self.fetch_ids.forget();
        self.entries.clear();
        self.inline.clear();
        self.contexts.clear();
        self.stage2.clear();
        self.invalidate_resolved();
    }

    /// Makes a resolved regime the one of ordinary accesses. Cost of one that was in use lately: a copy.
    pub(crate) fn select(
        &mut self,
        regime: Regime,
        privilege: [Privilege; 2],
        level: Level,
        big_endian: bool,
        check_alignment: bool,
    ) {
        let unaligned = if check_alignment { NEVER } else { NORMAL };
        let by = Accessor { privilege, level, big_endian, unaligned };
        let number = regime as usize ^ (privilege[0] as usize) << 2 ^ (privilege[1] as usize) << 1;
        let known = &mut self.selections[number & 15];
        if known.epoch != self.epoch || known.regime != regime || known.by != by {
            let resolved = &self.regimes[regime as usize];
            *known = Selection::new(regime, resolved.data, resolved.fetch, by, self.epoch);
        }
        self.now = *known;
        self.select_fetch();
        self.compare();
    }

    /// Selects what is selected, whose ids have changed.
    pub(super) fn select_again(&mut self) {
        let Accessor { privilege, level, big_endian, unaligned } = self.now.by;
        self.select(self.now.regime, privilege, level, big_endian, unaligned == NEVER);
    }

    /// Makes the ids of fetches follow what is selected for them.
    pub(super) fn select_fetch(&mut self) {
        self.fetch_ids.select(&self.now.fetch, self.now.by.level);
    }

    /// A number that stays the same as long as every fetch from this half of the address space that was translated
    /// once, and noted, still translates so. A multiple of four.
    pub(crate) fn fetch_id(&self, pc: u64) -> u64 {
        self.fetch_ids.current(pc)
    }

    /// Notes that the translation of a fetch is remembered under its [`Tlb::fetch_id`].
    pub(crate) fn note_fetch(&mut self, pc: u64, page: &FetchPage) {
        if self.fetch_ids.is_full() {
            self.fetch_ids.forget();
            self.select_fetch();
        }
        let range = &self.now.fetch[(pc >> 55 & 1) as usize];
        let space = self.regimes[self.now.regime as usize].ids.space;
        self.fetch_ids.note(space, range.page(pc), page);
    }

    pub(super) fn set_unsynchronised(&mut self, value: bool) {
        self.unsynchronised = value;
    }

    #[inline]
    pub(super) fn is_unsynchronised(&self) -> bool {
        self.unsynchronised
    }

    /// The regime of ordinary accesses.
    pub(crate) fn current(&self) -> Regime {
        self.now.regime
    }

    /// On whose behalf ordinary (0) and unprivileged (1) accesses are made.
    pub(crate) fn privilege(&self, unprivileged: bool) -> Privilege {
        self.now.by.privilege[usize::from(unprivileged)]
    }

    /// Whether data of ordinary accesses is big-endian.
    pub(crate) fn is_big_endian(&self) -> bool {
        self.now.by.big_endian
    }

    /// The inline path of an access: the host address if the TLB has the page, it is RAM, and `kind` (0 read, 1 write,
    /// 2 both) is permitted. The caller checks alignment.
    #[inline(always)]
    pub(super) fn fast(&self, va: u64, unprivileged: bool, kind: usize) -> Option<RamAddress> {
        let range = &self.now.data[(va >> 55 & 1) as usize];
        self.entries.fast(range, va, self.now.need[usize::from(unprivileged)][kind])
    }

    /// The same for an access that is not aligned but within its page: Device memory and SCTLR_ELx.A are left to the
    /// slow path.
    pub(super) fn fast_unaligned(&self, va: u64, unprivileged: bool, kind: usize) -> Option<RamAddress> {
        let range = &self.now.data[(va >> 55 & 1) as usize];
        self.entries.fast(range, va, self.now.need[usize::from(unprivileged)][kind] | self.now.by.unaligned)
    }

    /// The entry behind [`Tlb::fast`].
    pub(super) fn fast_entry(&self, va: u64, unprivileged: bool, kind: usize) -> Option<&Entry> {
        let range = &self.now.data[(va >> 55 & 1) as usize];
        self.entries.fast_entry(range, va, self.now.need[usize::from(unprivileged)][kind])
    }

    /// The inline path of a fetch.
    #[inline(always)]
    pub(super) fn fast_fetch(&self, pc: u64) -> Option<&Entry> {
        let range = &self.now.fetch[(pc >> 55 & 1) as usize];
        let entry = self.entries.first(range, pc)?;
        entry.allows(self.now.by.privilege[0], Kind::Execute).then_some(entry)
    }

    /// Decoded configuration and tables of a resolved regime.
    pub(crate) fn walk_inputs(&self, regime: Regime) -> (&WalkConfig, &Tables) {
        let resolved = &self.regimes[regime as usize];
        (self.contexts.walk_config(resolved.config), &resolved.registers.tables)
    }

    /// Translates through the TLB in a resolved regime, walking the tables on a miss. A cached entry that forbids the
    /// access is never believed: the walk decides, as permissions may have been extended without a TLBI.
    pub(crate) fn translate<M: Memory>(
        &mut self,
        memory: &M,
        regime: Regime,
        va: u64,
        kind: Kind,
        privilege: Privilege,
    ) -> Result<Entry, Fault> {
        let upper = (va >> 55 & 1) as usize;
        let resolved = &self.regimes[regime as usize];
        let ranges = if kind == Kind::Execute { &resolved.fetch } else { &resolved.data };
        let (range, ids) = (ranges[upper], resolved.ids);
        let host_page = |pa| memory.host_page(pa);
        if let Some(entry) = self.entries.first(&range, va)
            && entry.allows(privilege, kind)
        {
            return Ok(*entry);
        }
        let cids = [ids.asid, ids.global];
        match self.entries.promote(&range, va, cids, host_page) {
            Some(entry) if entry.allows(privilege, kind) => return Ok(*entry),
            Some(_) => {
                self.entries.forget(&range, va, cids);
                self.inline.forget(ids.space, va);
            }
            None => {}
        }
        let config = self.contexts.walk_config(resolved.config);
        let request = Request::new(kind, privilege);
        let key = u32::from(resolved.registers.vmid) << 16 | u32::from(resolved.config);
        let cached = WithStage2Cache { memory, cache: &self.stage2, key };
        let mut found = walk::translate(&cached, config, &resolved.registers.tables, va, request)?;
        if kind == Kind::Execute && !config.stage1.enabled && !config.stage1.default_cacheable {
            // Without stage 1 only fetches are Normal, and nothing asks a fetch's entry for its type but data.
            found.attributes = Attributes::DEVICE;
        }
        let mut range = range;
        if upper == 1 && !found.global && config.stage1.enabled && !ids.upper_per_asid {
            range = self.split_upper_range(regime, kind);
        }
        let ids = self.regimes[regime as usize].ids;
        let cid = if found.global { ids.global } else { ids.asid };
        Ok(*self.entries.insert(&range, va, cid, ids.space, &found, host_page))
    }

    /// From now on the TTBR1 range of this regime and VMID is looked up by ASID: it has non-global pages.
    #[cold]
    fn split_upper_range(&mut self, regime: Regime, kind: Kind) -> Range {
        let resolved = &self.regimes[regime as usize];
        let registers = resolved.registers;
        self.contexts.set_upper_per_asid(resolved.ids.space);
        self.resolve_changed(regime, registers);
        if regime == self.now.regime || self.nv2 == Some(regime) {
            self.select_again();
        }
        let resolved = &self.regimes[regime as usize];
        if kind == Kind::Execute { resolved.fetch[1] } else { resolved.data[1] }
    }

    /// TLBI by VMID or all of a regime.
    pub(super) fn retire_spaces(&mut self, regime: Regime, vmid: Option<u16>) {
        // The next selection has other CIDs, hence other ids of fetches.
        self.contexts.retire_spaces(regime, vmid);
        self.invalidate_resolved();
    }

    /// TLBI of anything that concerns stage 2.
    pub(super) fn forget_stage2(&mut self) {
        self.stage2.clear();
    }

    /// TLBI by ASID.
    pub(super) fn retire_asid(&mut self, regime: Regime, vmid: u16, asid: u16) {
        self.contexts.retire_asid(regime, vmid, asid);
        self.invalidate_resolved();
    }

    /// TLBI by VA.
    pub(super) fn remove_range(
        &mut self,
        regime: Regime,
        vmid: u16,
        first: u64,
        last: u64,
        asid: Option<u16>,
    ) {
        if let Some(space) = self.contexts.space(regime, vmid) {
            let contexts = &self.contexts;
            let concern = self.fetch_ids.concern(space, first, last);
            if concern != Concern::Nothing {
                self.fetch_ids.retire(first, last, |cid| {
                    let owner = contexts.owner(cid);
                    let other = asid.is_some() && owner.asid.is_some() && owner.asid != asid;
                    owner.space == space && !(other && concern == Concern::OneAsid)
                });
                self.fetch_ids.select(&self.now.fetch, self.now.by.level);
            }
            let (first, last) = self.entries.remove_range(contexts, space, first, last, asid);
            self.inline.forget_range(space, first, last, |cid| contexts.owner(cid).space == space);
        }
    }
}
