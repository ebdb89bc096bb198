//! Thirty-two interrupts with consecutive INTIDs: the unit in which the register frames show them.

use super::PRIORITY_MASK;

/// State of 32 SPIs, or of the SGIs and PPIs of one CPU. Bit n of a word belongs to interrupt n.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// IGROUPR: Group 1.
    pub(crate) group: u32,
    /// ISENABLER.
    pub(crate) enabled: u32,
    /// Pending by an edge, an SGI or a write to ISPENDR, until acknowledged.
    pub(crate) latched: u32,
    /// The input lines.
    pub(crate) level: u32,
    /// ISACTIVER.
    pub(crate) active: u32,
    /// ICFGR: edge-triggered.
    pub(crate) edge: u32,
    /// IPRIORITYR.
    pub(crate) priority: [u8; 32],
}

/// A register of a block; the offset arithmetic is the same in GICD and in the SGI frame of GICR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockRegister {
    Group,
    SetEnable,
    ClearEnable,
    SetPending,
    ClearPending,
    SetActive,
    ClearActive,
    /// Interrupts 4n to 4n+3.
    Priority(usize),
    /// Interrupts 16n to 16n+15.
    Config(usize),
}

impl BlockRegister {
    /// The register and the block number at a word-aligned `offset` of a frame.
    pub(crate) fn at(offset: u64) -> Option<(Self, usize)> {
        let index = |first: u64| ((offset - first) / 4) as usize;
        Some(match offset {
            0x080..0x100 => (Self::Group, index(0x080)),
            0x100..0x180 => (Self::SetEnable, index(0x100)),
            0x180..0x200 => (Self::ClearEnable, index(0x180)),
            0x200..0x280 => (Self::SetPending, index(0x200)),
            0x280..0x300 => (Self::ClearPending, index(0x280)),
            0x300..0x380 => (Self::SetActive, index(0x300)),
            0x380..0x400 => (Self::ClearActive, index(0x380)),
            0x400..0x800 => (Self::Priority(index(0x400) % 8), index(0x400) / 8),
            0xc00..0xd00 => (Self::Config(index(0xc00) % 2), index(0xc00) / 2),
            _ => return None,
        })
    }
}

impl Block {
    /// The interrupts that are pending: level-sensitive ones follow their line.
    pub(crate) fn pending(&self) -> u32 {
        self.latched | (self.level & !self.edge)
    }

    /// The interrupts that may be signalled when the groups of `groups` (bit 0, bit 1) are enabled.
    pub(crate) fn candidates(&self, groups: u8) -> u32 {
        let of_group_0 = if groups & 1 != 0 { !self.group } else { 0 };
        let of_group_1 = if groups & 2 != 0 { self.group } else { 0 };
        self.pending() & self.enabled & !self.active & (of_group_0 | of_group_1)
    }

    /// The interrupt of highest priority among `candidates`; the lowest number wins between equals.
    pub(crate) fn best(&self, candidates: u32) -> Option<(u8, u32)> {
        let mut rest = candidates;
        let mut best = None;
        while rest != 0 {
            let bit = rest.trailing_zeros();
            rest &= rest - 1;
            let priority = self.priority[bit as usize];
            if best.is_none_or(|(highest, _)| priority < highest) {
                best = Some((priority, bit));
            }
        }
        best
    }

    /// Drives the input line of interrupt `bit`.
    pub(crate) fn set_level(&mut self, bit: u32, level: bool) {
        let mask = 1 << bit;
        if level {
            self.latched |= mask & self.edge & !self.level;
            self.level |= mask;
        } else {
            self.level &= !mask;
        }
    }

    /// Makes a pending interrupt active. A level-sensitive one stays pending while its line is high.
    pub(crate) fn acknowledge(&mut self, bit: u32) {
        self.latched &= !(1 << bit);
        self.active |= 1 << bit;
    }

    /// Makes interrupt `bit` inactive.
    pub(crate) fn deactivate(&mut self, bit: u32) {
        self.active &= !(1 << bit);
    }

    /// Whether interrupt `bit` is in Group 1.
    pub(crate) fn in_group_1(&self, bit: u32) -> bool {
        self.group >> bit & 1 != 0
    }

    /// Reads a register.
    pub(crate) fn read(&self, register: BlockRegister) -> u32 {
        match register {
            BlockRegister::Group => self.group,
            BlockRegister::SetEnable | BlockRegister::ClearEnable => self.enabled,
            BlockRegister::SetPending | BlockRegister::ClearPending => self.pending(),
            BlockRegister::SetActive | BlockRegister::ClearActive => self.active,
            BlockRegister::Priority(n) => {
                u32::from_le_bytes(std::array::from_fn(|byte| self.priority[n * 4 + byte]))
            }
            BlockRegister::Config(n) => {
                (0..16).map(|bit| (self.edge >> (n * 16 + bit) & 1) << (bit * 2 + 1)).sum()
            }
        }
    }

    /// Writes a register. Which interrupts have a writable configuration is the caller's business.
    pub(crate) fn write(&mut self, register: BlockRegister, value: u32) {
        match register {
            BlockRegister::Group => self.group = value,
            BlockRegister::SetEnable => self.enabled |= value,
            BlockRegister::ClearEnable => self.enabled &= !value,
            BlockRegister::SetPending => self.latched |= value,
            BlockRegister::ClearPending => self.latched &= !value,
            BlockRegister::SetActive => self.active |= value,
            BlockRegister::ClearActive => self.active &= !value,
            BlockRegister::Priority(n) => {
                for (byte, priority) in value.to_le_bytes().into_iter().enumerate() {
                    self.priority[n * 4 + byte] = priority & PRIORITY_MASK;
                }
            }
            BlockRegister::Config(n) => {
                for bit in 0..16 {
                    let mask = 1 << (n * 16 + bit);
                    if value >> (bit * 2 + 1) & 1 != 0 { self.edge |= mask } else { self.edge &= !mask }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_interrupt_is_pending_until_its_line_falls() {
        let mut block = Block { enabled: !0, ..Block::default() };
        block.set_level(5, true);
        block.acknowledge(5);
        assert_eq!(block.pending(), 1 << 5, "active and pending");
        assert_eq!(block.candidates(3), 0, "an active interrupt is not signalled");
        block.write(BlockRegister::ClearPending, !0);
        assert_eq!(block.pending(), 1 << 5, "the line, not the latch, makes it pending");
        block.set_level(5, false);
        assert_eq!(block.pending(), 0);
    }

    #[test]
    fn edge_interrupt_latches_rising_edges_only() {
        let mut block = Block { edge: 1 << 5, ..Block::default() };
        block.set_level(5, true);
        block.acknowledge(5);
        block.set_level(5, true);
        block.set_level(5, false);
        assert_eq!(block.pending(), 0);
        block.set_level(5, true);
        assert_eq!(block.pending(), 1 << 5);
    }

    #[test]
    fn best_prefers_priority_then_the_lowest_number() {
        let mut block = Block { priority: [0xa0; 32], ..Block::default() };
        block.priority[9] = 0x40;
        block.priority[7] = 0x40;
        assert_eq!(block.best(1 << 3 | 1 << 7 | 1 << 9), Some((0x40, 7)));
        assert_eq!(block.best(0), None);
    }

    #[test]
    fn registers_of_a_block_round_trip() {
        let mut block = Block::default();
        let (register, number) = BlockRegister::at(0xc0c).unwrap();
        assert_eq!((register, number), (BlockRegister::Config(1), 1));
        block.write(register, 0xaaaa_0000);
        assert_eq!((block.read(register), block.edge), (0xaaaa_0000, 0xff00_0000));
        let (register, number) = BlockRegister::at(0x424).unwrap();
        assert_eq!((register, number), (BlockRegister::Priority(1), 1));
        block.write(register, 0x07ff_a0f8);
        assert_eq!(block.read(register), 0x00f8_a0f8, "five priority bits");
    }
}
