//! The TLB of a CPU as a whole: which contexts are current, and how a miss is filled.

use super::context::{Contexts, Exhausted, Ids};
use super::fault::Fault;
use super::fetch_ids::FetchIds;
use super::inline::{Comparison, InlineTable, Page};
use super::selection::{Accessor, Selection};
use super::stage2_cache::{Stage2Cache, WithStage2Cache};
use super::tlb::{Entries, Entry, NEVER, NORMAL, RamAddress, Range, Removed, salt};
use super::walk::{
    self, Attributes, Kind, MmuFeatures, Permissions, PhysMem, Privilege, Regime, Registers, Request, Tables,
    WalkConfig,
};
use crate::cpu::Level;

/// Guest physical memory as a TLB fill sees it.
pub(crate) trait Memory: PhysMem {
    /// The host address of the RAM page at `pa`; null when it is not RAM.
    fn host_page(&self, pa: u64) -> *mut u8;
}

/// The register values that one regime's translations depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RegimeRegisters {
    pub(crate) control: Registers,
    pub(crate) tables: Tables,
    /// The current ASID, 0 without ASIDs.
    pub(crate) asid: u16,
    /// The current VMID, 0 outside of EL1&0.
    pub(crate) vmid: u16,
}

/// What is resolved for one regime.
#[derive(Debug, Clone, Copy)]
struct Resolved {
    /// Whether the rest holds for `registers`.
    valid: bool,
    /// Whether `registers` are known to be the CPU's.
    fresh: bool,
    registers: RegimeRegisters,
    config: u16,
    ids: Ids,
    data: [Range; 2],
    fetch: [Range; 2],
}

/// The software TLB of one CPU.
#[derive(Debug)]
pub struct Tlb {
    entries: Entries,
    pub(super) inline: InlineTable,
    contexts: Contexts,
    stage2: Stage2Cache,
    features: MmuFeatures,
    regimes: [Resolved; 3],
    /// What is in use.
    pub(super) now: Selection,
    /// Recent selections, direct-mapped: exceptions and their returns go back and forth between a few.
    selections: [Selection; 16],
    /// Incremented when a regime is resolved anew: old selections are void.
    epoch: u64,
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
    unsynchronised: bool,
}

/// Where generated code finds the selections of its table, and the id of fetches.
pub(crate) mod layout {
    use super::{FetchIds, Tlb};
    use std::mem::offset_of;

    pub(crate) const COMPARISONS: usize = offset_of!(Tlb, comparisons);
    pub(crate) const WINDOW: usize = offset_of!(Tlb, window);
    pub(crate) const NV2_WINDOW: usize = offset_of!(Tlb, nv2_window);
    pub(crate) const UNSYNCHRONISED: usize = offset_of!(Tlb, unsynchronised);
    /// The id of the high half; that of the low half follows.
    pub(crate) const FETCH_IDS: usize = offset_of!(Tlb, fetch_ids) + FetchIds::CURRENT;
}

/// What generated code makes an access as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Route {
    /// An ordinary load or store.
    Ordinary,
    /// LDTR, STTR and relatives.
    Unprivileged,
    /// A register access that FEAT_NV2 transforms.
    Nv2,
}

impl Route {
    pub(super) const COUNT: usize = 3;

    /// What a number that generated code passes stands for.
    pub(crate) fn of_number(number: u32) -> Route {
        match number {
            0 => Route::Ordinary,
            1 => Route::Unprivileged,
            _ => Route::Nv2,
        }
    }
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

    /// Resolves what is selected anew, for the same registers.
    fn renew_selection(&mut self) {
        let Selection { regime, epoch, .. } = self.now;
        if epoch == Selection::NONE.epoch {
            return self.select_fetch();
        }
        for regime in [Some(regime), self.nv2].into_iter().flatten() {
            let Resolved { valid, fresh, registers, .. } = self.regimes[regime as usize];
            if !valid {
                self.resolve_changed(regime, registers);
                self.regimes[regime as usize].fresh = fresh;
            }
        }
        self.select_again();
    }

    fn drop_all(&mut self) {
        self.fetch_ids.forget();
        self.entries.clear();
        self.inline.clear();
        self.contexts.clear();
        self.stage2.clear();
        self.invalidate_resolved();
    }

    /// Makes every regime look its ids up again.
    pub(super) fn invalidate_resolved(&mut self) {
        for (resolved, generation) in self.regimes.iter_mut().zip(&mut self.generations) {
            resolved.valid = false;
            *generation += 1;
        }
    }

    /// Registers may have changed: every regime compares them before it is used again.
    pub(crate) fn distrust_registers(&mut self) {
        for resolved in &mut self.regimes {
            resolved.fresh = false;
        }
    }

    /// Registers of one regime may have changed, which is not the one in use.
    pub(crate) fn distrust(&mut self, regime: Regime) {
        self.regimes[regime as usize].fresh = false;
    }

    /// Whether a regime can be used as it is.
    #[inline]
    pub(super) fn is_resolved(&self, regime: Regime) -> bool {
        let resolved = &self.regimes[regime as usize];
        resolved.valid && resolved.fresh
    }

    /// Resolves the ids of a regime for these register values.
    pub(crate) fn resolve(&mut self, regime: Regime, registers: RegimeRegisters) {
        let resolved = &mut self.regimes[regime as usize];
        resolved.fresh = true;
        if !resolved.valid || resolved.registers != registers {
            self.resolve_changed(regime, registers);
        }
    }

    #[cold]
    fn resolve_changed(&mut self, regime: Regime, registers: RegimeRegisters) {
        let mut exhausted = false;
        let fresh = self.intern(regime, &registers).unwrap_or_else(|Exhausted| {
            exhausted = true;
            self.drop_all();
            self.intern(regime, &registers).unwrap_or_else(|Exhausted| unreachable!("empty tables have room"))
        });
        let (config, ids) = fresh;
        let stage1 = &self.contexts.walk_config(config).stage1;
        let range = |upper: bool, tbi: bool| {
            let cid = if upper && !ids.upper_per_asid { ids.global } else { ids.asid };
            let top = 0xff << 56;
            let sign = upper && regime.has_unprivileged();
            Range {
                mask: !0xfff & if tbi { !top } else { u64::MAX },
                or: u64::from(cid) | if tbi && sign { top } else { 0 },
                salt: salt(ids.space),
            }
        };
        let [low, high] = &stage1.halves;
        let data = [range(false, low.tbi_data), range(true, high.tbi_data)];
        let fetch = [range(false, low.tbi_instruction), range(true, high.tbi_instruction)];
        self.epoch += 1;
        self.generations[regime as usize] += 1;
        self.regimes[regime as usize] =
            Resolved { valid: true, fresh: true, registers, config, ids, data, fetch };
        if exhausted {
            // Another regime may be in use, whose ids are void now too.
            self.renew_selection();
        }
    }

    fn intern(&mut self, regime: Regime, registers: &RegimeRegisters) -> Result<(u16, Ids), Exhausted> {
        let control = registers.control.significant(regime);
        let config = self.contexts.config(regime, &control, &self.features)?;
        let ids = self.contexts.ids(regime, registers.vmid, registers.asid, config)?;
        Ok((config, ids))
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
    fn select_again(&mut self) {
        let Accessor { privilege, level, big_endian, unaligned } = self.now.by;
        self.select(self.now.regime, privilege, level, big_endian, unaligned == NEVER);
    }

    /// Says in which regime register accesses that FEAT_NV2 transforms are made, from the next [`Tlb::select`] on;
    /// `None` where they are not, or are big-endian. The regime must be resolved by then.
    pub(crate) fn set_nv2(&mut self, regime: Option<Regime>) {
        self.nv2 = regime;
    }

    /// Makes generated code look for what is selected.
    fn compare(&mut self) {
        let by = self.now.by;
        self.window = self.inline.window_address(self.regimes[self.now.regime as usize].ids.space);
        self.inline.make_room();
        let [ordinary, unprivileged] = if by.big_endian || by.unaligned == NEVER {
            [Comparison::NEVER; 2]
        } else {
            by.privilege.map(|privilege| self.inline.select(&self.now.data, privilege))
        };
        self.comparisons = [ordinary, unprivileged, self.compare_nv2()];
    }

    fn compare_nv2(&mut self) -> Comparison {
        let Some(regime) = self.nv2.filter(|regime| self.is_resolved(*regime)) else {
            return Comparison::NEVER;
        };
        let resolved = &self.regimes[regime as usize];
        self.nv2_window = self.inline.window_address(resolved.ids.space);
        self.inline.select(&resolved.data, Privilege::Privileged)
    }

    /// The regime of a kind of access, its permissions to load and to store, and the address ranges.
    fn route(&self, route: Route) -> Option<(Regime, [u16; 2], [Range; 2])> {
        let row = match route {
            Route::Ordinary => 0,
            Route::Unprivileged => 1,
            Route::Nv2 => {
                let regime = self.nv2?;
                let one = |kind| Permissions::only(Privilege::Privileged, kind).bits() | NORMAL;
                let data = self.regimes[regime as usize].data;
                return Some((regime, [one(Kind::Read), one(Kind::Write)], data));
            }
        };
        let Selection { regime, need, by, data, .. } = self.now;
        Some((regime, [need[row][0] | by.unaligned, need[row][1] | by.unaligned], data))
    }

    /// Lets generated code access the page of `va` as a kind of access may now, if the first level has it and it needs
    /// no further tests. `code_mark` gives the address of the mark of a host page.
    pub(crate) fn inline(&mut self, va: u64, route: Route, code_mark: impl Fn(RamAddress) -> u64) {
        let comparison = self.comparisons[route as usize];
        let Some((regime, need, data)) = self.route(route) else { return };
        let Some(entry) = self.entries.first(&data[(va >> 55 & 1) as usize], va) else { return };
        let Some(host) = entry.host(0) else { return };
        if comparison == Comparison::NEVER {
            return;
        }
        let allowed = |kind: Kind| entry.lets(need[kind as usize]);
        let page = Page {
            read: allowed(Kind::Read),
            write: allowed(Kind::Write),
            host: host.pointer().addr() as u64,
            code: code_mark(host),
        };
        let space = self.regimes[regime as usize].ids.space;
        self.inline.insert(comparison, space, va, page);
    }

    /// Makes the ids of fetches follow what is selected for them.
    fn select_fetch(&mut self) {
        self.fetch_ids.select(&self.now.fetch, self.now.by.level);
    }

    /// Retires the ids of all selections of fetches: translations have been removed.
    fn forget_fetches(&mut self) {
        self.fetch_ids.forget();
        self.select_fetch();
    }

    /// A number that stays the same as long as every fetch from this half of the address space that was translated
    /// once, and noted, still translates so. A multiple of four.
    pub(crate) fn fetch_id(&self, pc: u64) -> u64 {
        self.fetch_ids.current(pc)
    }

    /// Notes that the translation of a fetch is remembered under its [`Tlb::fetch_id`].
    pub(crate) fn note_fetch(&mut self, pc: u64) {
        let range = &self.now.fetch[(pc >> 55 & 1) as usize];
        let space = self.regimes[self.now.regime as usize].ids.space;
        self.fetch_ids.note(space, range.page(pc));
    }

    /// The host address that generated code would access for the page of `va`, if it would.
    #[cfg(test)]
    pub(crate) fn inlined(&self, va: u64, route: Route, write: bool) -> Option<u64> {
        let (regime, ..) = self.route(route)?;
        let space = self.regimes[regime as usize].ids.space;
        self.inline.find(self.comparisons[route as usize], space, va, write)
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
            let blocks = |page| self.entries.may_be_block(space, page);
            if self.fetch_ids.concerns(space, first, last, blocks) {
                self.forget_fetches();
            }
            let (contexts, inline) = (&self.contexts, &mut self.inline);
            match self.entries.remove_range(contexts, space, first, last, asid) {
                Removed::Pages(pages) => pages.for_each(|page| inline.forget(space, page)),
                Removed::Blocks => inline.forget_contexts(space, |cid| contexts.owner(cid).space == space),
            }
        }
    }
}
