//! What the host's stage 2 says about an IPA that is not mapped yet.

use crate::address::{PAGE_BYTES, PaRange};
use crate::tables::{Stage2Kind, entry_bytes};

/// The most ranges of RAM that are kept.
pub const RAM_COUNT: usize = 16;

/// RAM, and the part of it that is the hypervisor's. Everything else is devices.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostMap {
    ram: [PaRange; RAM_COUNT],
    protected: PaRange,
    input_end: u64,
}

/// The answer to a stage 2 fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Maps this range identically.
    Map(PaRange, Stage2Kind),
    /// Refuses: the address is the hypervisor's, or beyond the input size.
    Refuse,
}

impl HostMap {
    /// A map of RAM (empty ranges are ignored) with one protected range, for IPAs below `input_end`.
    #[must_use]
    pub const fn new(ram: [PaRange; RAM_COUNT], protected: PaRange, input_end: u64) -> HostMap {
        HostMap { ram, protected, input_end }
    }

    /// The hypervisor's own memory.
    #[must_use]
    pub const fn protected(&self) -> PaRange {
        self.protected
    }

    /// Plans for the largest block around an IPA that is of one kind.
    #[must_use]
    pub fn plan(&self, ipa: u64) -> Plan {
        if ipa >= self.input_end || self.page_is_protected(ipa) {
            return Plan::Refuse;
        }
        for level in 1..=3 {
            let bytes = entry_bytes(level);
            let start = ipa & !(bytes - 1);
            let Some(block) = PaRange::sized(start, bytes) else { continue };
            if block.end > self.input_end || block.overlaps(self.protected) {
                continue;
            }
            if self.ram.iter().any(|r| r.covers(block)) {
                return Plan::Map(block, Stage2Kind::Memory);
            }
            // A page that is only partly RAM is treated as a device, which is always safe for the hypervisor.
            if level == 3 || !self.ram.iter().any(|r| r.overlaps(block)) {
                return Plan::Map(block, Stage2Kind::Device);
            }
        }
        Plan::Refuse
    }

    fn page_is_protected(&self, ipa: u64) -> bool {
        let start = ipa & !(PAGE_BYTES - 1);
        PaRange::sized(start, PAGE_BYTES).is_none_or(|page| page.overlaps(self.protected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Stage2Kind::{Device, Memory};

    fn board() -> HostMap {
        let mut ram = [PaRange::default(); RAM_COUNT];
        ram[0] = PaRange { start: 0x4000_0000, end: 0xb000_0000 };
        HostMap::new(ram, PaRange { start: 0x4020_0000, end: 0x4040_0000 }, 1 << 40)
    }

    fn mapped(start: u64, bytes: u64, kind: Stage2Kind) -> Plan {
        Plan::Map(PaRange { start, end: start + bytes }, kind)
    }

    #[test]
    fn hypervisors_memory_is_refused_to_the_byte() {
        for ipa in [0x4020_0000, 0x4030_1234, 0x403f_ffff] {
            assert_eq!(board().plan(ipa), Plan::Refuse);
        }
        assert_eq!(board().plan(0x401f_ffff), mapped(0x4000_0000, 2 << 20, Memory));
        assert_eq!(board().plan(0x4040_0000), mapped(0x4040_0000, 2 << 20, Memory));
    }

    #[test]
    fn blocks_are_as_large_as_their_kind_allows() {
        assert_eq!(board().plan(0x0900_0000), mapped(0, 1 << 30, Device));
        assert_eq!(board().plan(0x8123_4567), mapped(0x8120_0000, 2 << 20, Memory), "RAM ends in that GiB");
        assert_eq!(board().plan(0xb000_0000), mapped(0xb000_0000, 2 << 20, Device));
        assert_eq!(board().plan(0x40_1000_0000), mapped(0x40_0000_0000, 1 << 30, Device));
    }

    #[test]
    fn ipa_beyond_the_input_size_is_refused() {
        assert_eq!(board().plan(1 << 40), Plan::Refuse);
        assert_eq!(board().plan(u64::MAX), Plan::Refuse);
    }

    #[test]
    fn page_that_is_partly_ram_is_a_device() {
        let mut ram = [PaRange::default(); RAM_COUNT];
        ram[0] = PaRange { start: 0x4000_0000, end: 0x4000_0800 };
        let map = HostMap::new(ram, PaRange::default(), 1 << 40);
        assert_eq!(map.plan(0x4000_0000), mapped(0x4000_0000, 4096, Device));
    }
}
