//! The active priorities registers, AP0R and AP1R, of a physical or a virtual CPU interface.

/// The running priority when nothing is active.
pub(crate) const IDLE_PRIORITY: u8 = 0xff;

/// Which of the 32 group priorities are active, by group. Priority p is bit p >> 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ActivePriorities(pub(crate) [u32; 2]);

impl ActivePriorities {
    /// The highest active group priority, or [`IDLE_PRIORITY`].
    pub(crate) fn running(self) -> u8 {
        match (self.0[0] | self.0[1]).trailing_zeros() {
            32 => IDLE_PRIORITY,
            bit => (bit << 3) as u8,
        }
    }

    /// The group of the highest active priority; Group 0 between equals.
    pub(crate) fn running_group(self) -> Option<u8> {
        match (self.0[0].trailing_zeros(), self.0[1].trailing_zeros()) {
            (32, 32) => None,
            (group_0, group_1) => Some(u8::from(group_1 < group_0)),
        }
    }

    /// Makes group priority `priority` active.
    pub(crate) fn activate(&mut self, group: u8, priority: u8) {
        self.0[usize::from(group)] |= 1 << (priority >> 3);
    }

    /// Drops the highest active priority and returns it; `None` when nothing is active.
    pub(crate) fn drop_running(&mut self) -> Option<u8> {
        let group = usize::from(self.running_group()?);
        let priority = self.running();
        self.0[group] &= self.0[group] - 1;
        Some(priority)
    }
}

/// The bits of a priority that decide preemption, for a binary point of Group 0.
pub(crate) fn group_priority_mask(binary_point: u8) -> u8 {
    ((0xff00_u16 << (binary_point + 1)) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_priority_is_the_highest_of_both_groups() {
        let mut active = ActivePriorities::default();
        assert_eq!(active.running(), IDLE_PRIORITY);
        active.activate(1, 0xa0);
        active.activate(0, 0x40);
        assert_eq!((active.running(), active.running_group()), (0x40, Some(0)));
        assert_eq!(active.drop_running(), Some(0x40));
        assert_eq!((active.running(), active.running_group()), (0xa0, Some(1)));
        assert_eq!(active.drop_running(), Some(0xa0));
        assert_eq!(active.drop_running(), None);
    }

    #[test]
    fn binary_point_splits_group_priority_from_subpriority() {
        assert_eq!(group_priority_mask(0), 0xfe);
        assert_eq!(group_priority_mask(2), 0xf8);
        assert_eq!(group_priority_mask(6), 0x80);
        assert_eq!(group_priority_mask(7), 0);
    }
}
