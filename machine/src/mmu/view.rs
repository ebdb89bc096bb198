//! What the TLB shows of a resolved regime to an Exception level, as one value that can be kept and shown again.

use super::inline::Comparison;
use super::route::Route;
use super::selection::Selection;
use super::translate::Tlb;
use super::walk::Regime;

/// A selection with all that follows from it, and what it is valid for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    stamp: Stamp,
    now: Selection,
    comparisons: [Comparison; Route::COUNT],
    window: u64,
    nv2: Option<Regime>,
    nv2_window: u64,
    fetch_ids: [u64; 2],
}

/// How often that was voided which a view is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    regime: u64,
    /// The regime of register accesses that FEAT_NV2 transforms, or the same again.
    nv2: u64,
    inline: u64,
    fetches: u64,
}

impl View {
    /// Valid for nothing.
    pub(crate) const NONE: View = View {
        stamp: Stamp { regime: u64::MAX, nv2: u64::MAX, inline: u64::MAX, fetches: u64::MAX },
        now: Selection::NONE,
        comparisons: [Comparison::NEVER; Route::COUNT],
        window: 0,
        nv2: None,
        nv2_window: 0,
        fetch_ids: [0; 2],
    };
}

impl Tlb {
    /// What is shown now.
    pub(crate) fn view(&self) -> View {
        View {
            stamp: self.stamp(self.now.regime, self.nv2),
            now: self.now,
            comparisons: self.comparisons,
            window: self.window,
            nv2: self.nv2,
            nv2_window: self.nv2_window,
            fetch_ids: self.fetch_ids.both(),
        }
    }

    /// Shows a view again and answers whether it is still valid, as far as the TLB knows: the registers must be those
    /// that it was made under.
    #[inline]
    pub(crate) fn show(&mut self, view: &View) -> bool {
        if self.stamp(view.now.regime, view.nv2) != view.stamp {
            return false;
        }
        self.now = view.now;
        self.comparisons = view.comparisons;
        self.window = view.window;
        self.nv2 = view.nv2;
        self.nv2_window = view.nv2_window;
        self.fetch_ids.show(view.fetch_ids);
        true
    }

    fn stamp(&self, regime: Regime, nv2: Option<Regime>) -> Stamp {
        let generation = |regime: Regime| self.generations[regime as usize];
        Stamp {
            regime: generation(regime),
            nv2: generation(nv2.unwrap_or(regime)),
            inline: self.inline.clear_count(),
            fetches: self.fetch_ids.forget_count(),
        }
    }
}
