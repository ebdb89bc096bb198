//! What the TLB shows to generated code: comparisons and windows of the inline table, for each kind of access.

use super::fetch_ids::FetchIds;
use super::inline::{Comparison, Page};
use super::ram_address::RamAddress;
use super::selection::Selection;
use super::tlb::{NEVER, NORMAL, Range};
use super::translate::Tlb;
use super::walk::{Kind, Permissions, Privilege, Regime};

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

impl Tlb {
    /// Says in which regime register accesses that FEAT_NV2 transforms are made, from the next [`Tlb::select`] on;
    /// `None` where they are not, or are big-endian. The regime must be resolved by then.
    pub(crate) fn set_nv2(&mut self, regime: Option<Regime>) {
        self.nv2 = regime;
    }

    /// Makes generated code look for what is selected.
    pub(super) fn compare(&mut self) {
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

    /// The host address that generated code would access for the page of `va`, if it would.
    #[cfg(test)]
    pub(crate) fn inlined(&self, va: u64, route: Route, write: bool) -> Option<u64> {
        let (regime, ..) = self.route(route)?;
        let space = self.regimes[regime as usize].ids.space;
        self.inline.find(self.comparisons[route as usize], space, va, write)
    }
}
