//! Who owns each page of RAM, and who else may use it.
//!
//! One owner at all times; a page may be lent to one other party, who may not pass it on. Everything that the host's stage 2
//! maps as memory is asked for here first, so a page that changes hands leaves the host's map with its ledger entry.

use crate::address::{PAGE_BYTES, PaRange, Ranges};
use crate::host_map::RAM_COUNT;

/// Someone who can own or borrow pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// The host.
    #[default]
    Host,
    /// The hypervisor.
    Hypervisor,
    /// A guest, by number, at most [`MAX_GUEST`].
    Guest(u8),
}

/// The largest number of a guest.
pub const MAX_GUEST: u8 = 250;

impl Party {
    /// Zero is the host, so that a ledger of zeros says that everything is the host's.
    const fn code(self) -> Option<u8> {
        match self {
            Party::Host => Some(0),
            Party::Hypervisor => Some(1),
            Party::Guest(n) if n <= MAX_GUEST => Some(n + 2),
            Party::Guest(_) => None,
        }
    }

    const fn of(code: u8) -> Party {
        match code {
            0 => Party::Host,
            1 => Party::Hypervisor,
            n => Party::Guest(n - 2),
        }
    }
}

/// The state of one page, in two bytes. All zero, it is the host's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Page {
    owner: u8,
    /// 0 for nobody, else one more than the party's code.
    borrower: u8,
}

impl Page {
    /// Its owner.
    #[must_use]
    pub const fn owner(self) -> Party {
        Party::of(self.owner)
    }

    /// Who has borrowed it.
    #[must_use]
    pub const fn borrower(self) -> Option<Party> {
        match self.borrower {
            0 => None,
            n => Some(Party::of(n - 1)),
        }
    }

    /// Whether a party may have it mapped.
    #[must_use]
    pub fn is_accessible_to(self, party: Party) -> bool {
        self.owner() == party || self.borrower() == Some(party)
    }

    fn new(owner: Party, borrower: Option<Party>) -> Option<Page> {
        let borrower = match borrower {
            Some(party) => party.code()? + 1,
            None => 0,
        };
        Some(Page { owner: owner.code()?, borrower })
    }
}

/// Why a transition is refused. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not all of the range is RAM that the ledger knows.
    OutOfRange,
    /// A page does not belong to the one who would give it.
    NotOwner,
    /// A page is lent out.
    Lent,
    /// A page is not lent to the one named.
    NotLent,
    /// The giver and the taker are the same.
    SameParty,
    /// There can be no such guest.
    NoSuchGuest,
}

/// The state of every page of RAM, in memory that the caller supplies.
#[derive(Debug)]
pub struct Ledger<'a> {
    ram: Ranges<RAM_COUNT>,
    pages: &'a mut [Page],
}

/// The whole pages of a range of RAM: number of the first, and how many.
const fn whole_pages(ram: PaRange) -> (u64, u64) {
    let first = ram.start.div_ceil(PAGE_BYTES);
    (first, (ram.end / PAGE_BYTES).saturating_sub(first))
}

/// How many entries a ledger over this RAM has.
#[must_use]
pub fn page_count(ram: &Ranges<RAM_COUNT>) -> u64 {
    ram.iter().map(|r| whole_pages(r).1).sum()
}

impl<'a> Ledger<'a> {
    /// A ledger over RAM whose pages are as `pages` says, [`page_count`] of them in the order of `ram`.
    #[must_use]
    pub fn new(ram: Ranges<RAM_COUNT>, pages: &'a mut [Page]) -> Ledger<'a> {
        Ledger { ram, pages }
    }

    /// The state of a page; nothing if it is not RAM.
    #[must_use]
    pub fn get(&self, page: u64) -> Option<Page> {
        self.pages.get(self.place(page, 1)?.0).copied()
    }

    /// Whether a party may have all of a range of whole pages mapped: it is RAM, and all of it is accessible to the party.
    #[must_use]
    pub fn allows(&self, range: PaRange, party: Party) -> bool {
        let Some(pages) = self.slice(range.start / PAGE_BYTES, range.bytes() / PAGE_BYTES) else {
            return false;
        };
        // The common case costs one comparison for each page: a GiB is asked about at one fault.
        let Some(own) = Page::new(party, None) else { return false };
        pages.iter().all(|page| *page == own) || pages.iter().all(|page| page.is_accessible_to(party))
    }

    /// Gives pages away for good.
    ///
    /// # Errors
    /// [`Refusal`], with nothing changed.
    pub fn donate(&mut self, first: u64, count: u64, from: Party, to: Party) -> Result<(), Refusal> {
        self.transition(first, count, from, to, None, Page::new(to, None))
    }

    /// Lends pages.
    ///
    /// # Errors
    /// [`Refusal`], with nothing changed.
    pub fn share(&mut self, first: u64, count: u64, from: Party, with: Party) -> Result<(), Refusal> {
        self.transition(first, count, from, with, None, Page::new(from, Some(with)))
    }

    /// Ends a loan.
    ///
    /// # Errors
    /// [`Refusal`], with nothing changed.
    pub fn unshare(&mut self, first: u64, count: u64, from: Party, with: Party) -> Result<(), Refusal> {
        self.transition(first, count, from, with, Some(with), Page::new(from, None))
    }

    fn transition(
        &mut self,
        first: u64,
        count: u64,
        from: Party,
        to: Party,
        lent_to: Option<Party>,
        new: Option<Page>,
    ) -> Result<(), Refusal> {
        if from == to {
            return Err(Refusal::SameParty);
        }
        let new = new.ok_or(Refusal::NoSuchGuest)?;
        let (start, end) = self.place(first, count).ok_or(Refusal::OutOfRange)?;
        let pages = self.pages.get_mut(start..end).ok_or(Refusal::OutOfRange)?;
        for page in pages.iter() {
            match (page.owner() == from, page.borrower(), lent_to) {
                (false, ..) => return Err(Refusal::NotOwner),
                (true, Some(_), None) => return Err(Refusal::Lent),
                (true, borrower, Some(_)) if borrower != lent_to => return Err(Refusal::NotLent),
                _ => {}
            }
        }
        pages.fill(new);
        Ok(())
    }

    /// Where pages are in the ledger: they have to be in one range of RAM.
    fn place(&self, first: u64, count: u64) -> Option<(usize, usize)> {
        let end = first.checked_add(count)?;
        let mut before = 0;
        for (start, pages) in self.ram.iter().map(whole_pages) {
            if start <= first && end <= start + pages {
                let at = usize::try_from(before + (first - start)).ok()?;
                return Some((at, at.checked_add(usize::try_from(count).ok()?)?));
            }
            before += pages;
        }
        None
    }

    fn slice(&self, first: u64, count: u64) -> Option<&[Page]> {
        let (start, end) = self.place(first, count)?;
        self.pages.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::collections::BTreeSet;

    const BASE: u64 = 0x40000;

    fn ram(pages: u64) -> Ranges<RAM_COUNT> {
        [PaRange { start: BASE * PAGE_BYTES, end: (BASE + pages) * PAGE_BYTES }].into_iter().collect()
    }

    #[test]
    fn lent_page_cannot_be_given_away_or_lent_again() {
        let mut pages = [Page::default(); 4];
        let mut l = Ledger::new(ram(4), &mut pages);
        l.share(BASE + 1, 2, Party::Host, Party::Guest(1)).unwrap();
        assert_eq!(l.donate(BASE, 4, Party::Host, Party::Hypervisor), Err(Refusal::Lent));
        assert_eq!(l.share(BASE + 2, 1, Party::Host, Party::Guest(2)), Err(Refusal::Lent));
        assert_eq!(l.get(BASE), Some(Page::default()), "nothing changed before the page that was refused");
        assert_eq!(l.unshare(BASE, 2, Party::Host, Party::Guest(1)), Err(Refusal::NotLent));
        l.unshare(BASE + 1, 2, Party::Host, Party::Guest(1)).unwrap();
        l.donate(BASE, 4, Party::Host, Party::Hypervisor).unwrap();
        assert!(!l.get(BASE + 3).unwrap().is_accessible_to(Party::Host));
    }

    #[test]
    fn ranges_outside_of_the_ledger_are_refused() {
        let mut pages = [Page::default(); 4];
        let mut l = Ledger::new(ram(4), &mut pages);
        for (first, count) in [(BASE - 1, 1), (BASE, 5), (BASE + 4, 1), (BASE, u64::MAX), (u64::MAX, 2)] {
            assert_eq!(l.share(first, count, Party::Host, Party::Guest(0)), Err(Refusal::OutOfRange));
        }
    }

    #[test]
    fn ranges_of_ram_follow_each_other_in_the_ledger_and_holes_are_nobodys() {
        let both: Ranges<RAM_COUNT> =
            [PaRange { start: 0x800, end: 0x4000 }, PaRange { start: 0x10_0000, end: 0x10_2fff }]
                .into_iter()
                .collect();
        assert_eq!(page_count(&both), 3 + 2, "parts of pages do not count");
        let mut pages = [Page::default(); 5];
        let mut l = Ledger::new(both, &mut pages);
        l.donate(0x101, 1, Party::Host, Party::Hypervisor).unwrap();
        assert_eq!(l.donate(3, 2, Party::Host, Party::Hypervisor), Err(Refusal::OutOfRange));
        assert_eq!((l.get(0), l.get(0x102)), (None, None));
        assert_eq!(l.get(0x101).unwrap().owner(), Party::Hypervisor);
        assert!(l.allows(PaRange { start: 0x1000, end: 0x4000 }, Party::Host));
        assert!(!l.allows(PaRange { start: 0x10_0000, end: 0x10_2000 }, Party::Host));
        assert!(!l.allows(PaRange { start: 0x1000, end: 0x5000 }, Party::Host), "not RAM");
    }

    #[test]
    fn borrower_may_map_and_guest_numbers_have_an_end() {
        let mut pages = [Page::default(); 4];
        let mut l = Ledger::new(ram(4), &mut pages);
        l.share(BASE, 1, Party::Host, Party::Guest(MAX_GUEST)).unwrap();
        let page = PaRange { start: BASE * PAGE_BYTES, end: (BASE + 1) * PAGE_BYTES };
        assert!(l.allows(page, Party::Guest(MAX_GUEST)) && l.allows(page, Party::Host));
        assert_eq!(l.donate(BASE + 1, 1, Party::Host, Party::Guest(251)), Err(Refusal::NoSuchGuest));
    }

    fn party() -> impl Strategy<Value = Party> {
        prop_oneof![Just(Party::Host), Just(Party::Hypervisor), (0..2_u8).prop_map(Party::Guest)]
    }

    /// The reference: for each page an owner and a set of who can reach it, checked one page at a time.
    type Model = BTreeMap<u64, (Party, BTreeSet<Party>)>;

    fn model_step(model: &mut Model, op: u8, first: u64, count: u64, from: Party, to: Party) -> bool {
        let range = first..first + count;
        let fine = |(owner, users): &(Party, BTreeSet<Party>)| {
            let alone = users.len() == 1;
            *owner == from && if op == 2 { !alone && users.contains(&to) } else { alone }
        };
        if from == to || !range.clone().all(|p| model.get(&p).is_some_and(fine)) {
            return false;
        }
        for page in range {
            let (owner, users) = model.get_mut(&page).unwrap();
            match op {
                0 => (*owner, *users) = (to, BTreeSet::from([to])),
                1 => drop(users.insert(to)),
                _ => drop(users.remove(&to)),
            }
        }
        true
    }

    proptest! {
        #[test]
        fn ledger_agrees_with_the_reference_after_random_transitions(
            steps in prop::collection::vec((0..3_u8, BASE..BASE + 12, 0..6_u64, party(), party()), 1..60)
        ) {
            let mut pages = [Page::default(); 12];
            let mut ledger = Ledger::new(ram(12), &mut pages);
            let mut model: Model =
                (BASE..BASE + 12).map(|p| (p, (Party::Host, BTreeSet::from([Party::Host])))).collect();
            for (op, first, count, from, to) in steps {
                let done = match op {
                    0 => ledger.donate(first, count, from, to),
                    1 => ledger.share(first, count, from, to),
                    _ => ledger.unshare(first, count, from, to),
                };
                let fits = first + count <= BASE + 12;
                prop_assert_eq!(done.is_ok(), fits && model_step(&mut model, op, first, count, from, to));
                for (page, (owner, users)) in &model {
                    let state = ledger.get(*page).unwrap();
                    prop_assert_eq!(state.owner(), *owner);
                    for p in [Party::Host, Party::Hypervisor, Party::Guest(0), Party::Guest(1)] {
                        prop_assert_eq!(state.is_accessible_to(p), users.contains(&p));
                    }
                }
            }
        }
    }
}
