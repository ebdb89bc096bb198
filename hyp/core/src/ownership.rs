//! Who owns each page of RAM, and who else may use it.
//!
//! One owner at all times; a page may be lent to one other party, who may not pass it on. Guests do not exist yet: the image
//! keeps no ledger so far, as the host's map has only one hole.

/// Someone who can own or borrow pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// The host.
    #[default]
    Host,
    /// The hypervisor.
    Hypervisor,
    /// A guest, by number.
    Guest(u8),
}

/// The state of one page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its owner.
    pub owner: Party,
    /// Who has borrowed it.
    pub borrower: Option<Party>,
}

impl Page {
    /// Whether a party may have it mapped.
    #[must_use]
    pub fn is_accessible_to(self, party: Party) -> bool {
        self.owner == party || self.borrower == Some(party)
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
}

/// The state of a range of pages, in memory that the caller supplies.
#[derive(Debug)]
pub struct Ledger<'a> {
    first_page: u64,
    pages: &'a mut [Page],
}

impl<'a> Ledger<'a> {
    /// A ledger over pages as they are in `pages`; the first has number `first_page`.
    #[must_use]
    pub fn new(first_page: u64, pages: &'a mut [Page]) -> Ledger<'a> {
        Ledger { first_page, pages }
    }

    /// The state of a page.
    #[must_use]
    pub fn get(&self, page: u64) -> Option<Page> {
        self.pages.get(usize::try_from(page.checked_sub(self.first_page)?).ok()?).copied()
    }

    /// Gives pages away for good.
    ///
    /// # Errors
    /// [`Refusal`], with nothing changed.
    pub fn donate(&mut self, first: u64, count: u64, from: Party, to: Party) -> Result<(), Refusal> {
        self.transition(first, count, from, to, None, Page { owner: to, borrower: None })
    }

    /// Lends pages.
    ///
    /// # Errors
    /// [`Refusal`], with nothing changed.
    pub fn share(&mut self, first: u64, count: u64, from: Party, with: Party) -> Result<(), Refusal> {
        self.transition(first, count, from, with, None, Page { owner: from, borrower: Some(with) })
    }

    /// Ends a loan.
    ///
    /// # Errors
    /// [`Refusal`], with nothing changed.
    pub fn unshare(&mut self, first: u64, count: u64, from: Party, with: Party) -> Result<(), Refusal> {
        self.transition(first, count, from, with, Some(with), Page { owner: from, borrower: None })
    }

    fn transition(
        &mut self,
        first: u64,
        count: u64,
        from: Party,
        to: Party,
        lent_to: Option<Party>,
        new: Page,
    ) -> Result<(), Refusal> {
        if from == to {
            return Err(Refusal::SameParty);
        }
        let pages = self.slice(first, count).ok_or(Refusal::OutOfRange)?;
        for page in pages.iter() {
            match (page.owner == from, page.borrower, lent_to) {
                (false, ..) => return Err(Refusal::NotOwner),
                (true, Some(_), None) => return Err(Refusal::Lent),
                (true, borrower, Some(_)) if borrower != lent_to => return Err(Refusal::NotLent),
                _ => {}
            }
        }
        pages.fill(new);
        Ok(())
    }

    fn slice(&mut self, first: u64, count: u64) -> Option<&mut [Page]> {
        let start = usize::try_from(first.checked_sub(self.first_page)?).ok()?;
        let end = start.checked_add(usize::try_from(count).ok()?)?;
        self.pages.get_mut(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::collections::BTreeSet;

    const BASE: u64 = 0x40000;

    #[test]
    fn lent_page_cannot_be_given_away_or_lent_again() {
        let mut pages = [Page::default(); 4];
        let mut l = Ledger::new(BASE, &mut pages);
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
        let mut l = Ledger::new(BASE, &mut pages);
        for (first, count) in [(BASE - 1, 1), (BASE, 5), (BASE + 4, 1), (BASE, u64::MAX), (u64::MAX, 2)] {
            assert_eq!(l.share(first, count, Party::Host, Party::Guest(0)), Err(Refusal::OutOfRange));
        }
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
            let mut ledger = Ledger::new(BASE, &mut pages);
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
                    prop_assert_eq!(state.owner, *owner);
                    for p in [Party::Host, Party::Hypervisor, Party::Guest(0), Party::Guest(1)] {
                        prop_assert_eq!(state.is_accessible_to(p), users.contains(&p));
                    }
                }
            }
        }
    }
}
