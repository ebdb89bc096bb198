//! What the host's stage 2 says about an IPA that is not mapped yet.

use crate::address::{PaRange, Ranges};
use crate::ownership::{Ledger, Party};
use crate::tables::{Stage2Kind, entry_bytes};

/// The most ranges of RAM that are kept.
pub const RAM_COUNT: usize = 16;
/// The most ranges that the hypervisor has for itself.
pub const OWN_COUNT: usize = 4;

/// RAM, by the ledger; everything else is devices.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostMap {
    ram: Ranges<RAM_COUNT>,
    own: Ranges<OWN_COUNT>,
    input_end: u64,
}

/// The answer to a stage 2 fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Maps this range identically.
    Map(PaRange, Stage2Kind),
    /// Refuses: the address is not the host's, or beyond the input size.
    Refuse,
}

impl HostMap {
    /// A map of RAM with the hypervisor's own ranges, for IPAs below `input_end`.
    #[must_use]
    pub const fn new(ram: Ranges<RAM_COUNT>, own: Ranges<OWN_COUNT>, input_end: u64) -> HostMap {
        HostMap { ram, own, input_end }
    }

    /// The hypervisor's own ranges.
    pub fn own(&self) -> impl Iterator<Item = PaRange> + '_ {
        self.own.iter()
    }

    /// Plans for the largest block around an IPA that is of one kind and all the host's.
    #[must_use]
    pub fn plan(&self, ledger: &Ledger<'_>, ipa: u64) -> Plan {
        if ipa >= self.input_end {
            return Plan::Refuse;
        }
        for level in 1..=3 {
            let bytes = entry_bytes(level);
            let start = ipa & !(bytes - 1);
            let Some(block) = PaRange::sized(start, bytes) else { continue };
            // The second check of the hypervisor's memory: whatever the ledger says, this is never mapped.
            if block.end > self.input_end || self.own.overlap(block).is_some() {
                continue;
            }
            if self.ram.covers(block) {
                if ledger.allows(block, Party::Host) {
                    return Plan::Map(block, Stage2Kind::Memory);
                }
            } else if level == 3 || self.ram.overlap(block).is_none() {
                // A page that is only partly RAM is treated as a device.
                return Plan::Map(block, Stage2Kind::Device);
            }
        }
        Plan::Refuse
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::PAGE_BYTES;
    use crate::ownership::{Page, page_count};
    use Stage2Kind::{Device, Memory};

    const RAM: PaRange = PaRange { start: 0x4000_0000, end: 0xb000_0000 };
    const OWN: PaRange = PaRange { start: 0x4020_0000, end: 0x4040_0000 };

    /// A board whose ledger gives one more page to a guest.
    fn plan(ipa: u64) -> Plan {
        let ram: Ranges<RAM_COUNT> = [RAM].into_iter().collect();
        let mut pages = std::vec![Page::default(); page_count(&ram) as usize];
        let mut ledger = Ledger::new(ram, &mut pages);
        let count = OWN.bytes() / PAGE_BYTES;
        ledger.donate(OWN.start / PAGE_BYTES, count, Party::Host, Party::Hypervisor).unwrap();
        ledger.donate(GUESTS / PAGE_BYTES, 1, Party::Host, Party::Guest(0)).unwrap();
        HostMap::new(ram, [OWN].into_iter().collect(), 1 << 40).plan(&ledger, ipa)
    }

    const GUESTS: u64 = 0x9000_1000;

    fn mapped(start: u64, bytes: u64, kind: Stage2Kind) -> Plan {
        Plan::Map(PaRange { start, end: start + bytes }, kind)
    }

    #[test]
    fn hypervisors_memory_is_refused_to_the_byte() {
        for ipa in [0x4020_0000, 0x4030_1234, 0x403f_ffff] {
            assert_eq!(plan(ipa), Plan::Refuse);
        }
        assert_eq!(plan(0x401f_ffff), mapped(0x4000_0000, 2 << 20, Memory));
        assert_eq!(plan(0x4040_0000), mapped(0x4040_0000, 2 << 20, Memory));
    }

    #[test]
    fn blocks_are_as_large_as_their_kind_allows() {
        assert_eq!(plan(0x0900_0000), mapped(0, 1 << 30, Device));
        assert_eq!(plan(0x8123_4567), mapped(0x8120_0000, 2 << 20, Memory), "RAM ends in that GiB");
        assert_eq!(plan(0xb000_0000), mapped(0xb000_0000, 2 << 20, Device));
        assert_eq!(plan(0x40_1000_0000), mapped(0x40_0000_0000, 1 << 30, Device));
    }

    #[test]
    fn ipa_beyond_the_input_size_is_refused() {
        assert_eq!(plan(1 << 40), Plan::Refuse);
        assert_eq!(plan(u64::MAX), Plan::Refuse);
    }

    #[test]
    fn page_that_is_partly_ram_is_a_device() {
        let ram = [PaRange { start: 0x4000_0000, end: 0x4000_0800 }].into_iter().collect();
        let map = HostMap::new(ram, Ranges::new(), 1 << 40);
        assert_eq!(map.plan(&Ledger::new(ram, &mut []), 0x4000_0000), mapped(0x4000_0000, 4096, Device));
    }

    #[test]
    fn page_of_a_guest_is_refused_and_its_neighbours_are_pages() {
        assert_eq!(plan(GUESTS), Plan::Refuse);
        assert_eq!(plan(GUESTS + 4096), mapped(GUESTS + 4096, 4096, Memory));
        assert_eq!(plan(GUESTS + (2 << 20)), mapped(0x9020_0000, 2 << 20, Memory));
    }

    #[test]
    fn hypervisors_memory_is_refused_even_if_the_ledger_says_otherwise() {
        let ram: Ranges<RAM_COUNT> = [OWN].into_iter().collect();
        let mut pages = std::vec![Page::default(); 512];
        let map = HostMap::new(ram, ram.iter().collect(), 1 << 40);
        assert_eq!(map.plan(&Ledger::new(ram, &mut pages), OWN.start), Plan::Refuse);
    }
}
