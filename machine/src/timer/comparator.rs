//! One timer: a compare value against a counter with an offset.

/// CNT*_CTL.ENABLE.
pub(super) const ENABLE: u64 = 1 << 0;
/// CNT*_CTL.IMASK.
pub(super) const IMASK: u64 = 1 << 1;
/// CNT*_CTL.ISTATUS.
pub(super) const ISTATUS: u64 = 1 << 2;

/// A timer's registers. All arithmetic is modulo 2^64, on the count of the timer's own view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Comparator {
    /// CNT*_CTL without ISTATUS.
    pub(super) control: u64,
    /// CNT*_CVAL.
    pub(super) compare: u64,
    /// What the view is behind the physical count.
    pub(super) offset: u64,
}

impl Comparator {
    /// The timer condition: the count has reached the compare value, both unsigned.
    fn is_met(self, now: u64) -> bool {
        now.wrapping_sub(self.offset) >= self.compare
    }

    /// CNT*_CTL as read at physical count `now`. ISTATUS of a disabled timer is zero.
    pub(super) fn read_control(self, now: u64) -> u64 {
        let met = self.control & ENABLE != 0 && self.is_met(now);
        self.control | if met { ISTATUS } else { 0 }
    }

    /// The level of the interrupt at physical count `now`.
    pub(super) fn level(self, now: u64) -> bool {
        self.control & (ENABLE | IMASK) == ENABLE && self.is_met(now)
    }

    /// The first physical count after `now` at which the level changes; `u64::MAX` for never.
    pub(super) fn next_change(self, now: u64) -> u64 {
        if self.control & (ENABLE | IMASK) != ENABLE {
            return u64::MAX;
        }
        if self.is_met(now) {
            // Met until the view wraps to zero, which can only be ahead while the view is below zero.
            return if self.offset > now && self.compare != 0 { self.offset } else { u64::MAX };
        }
        // Not met, so the count of the view is below the compare value and reaches it without wrapping.
        let ahead = self.compare - now.wrapping_sub(self.offset);
        now.saturating_add(ahead)
    }

    /// CNT*_TVAL as read: the low half of what is left.
    pub(super) fn read_value(self, now: u64) -> u64 {
        self.compare.wrapping_sub(now.wrapping_sub(self.offset)) & 0xffff_ffff
    }

    /// The compare value that a write of `value` to CNT*_TVAL gives: its low half is a signed distance.
    pub(super) fn compare_for(self, now: u64, value: u64) -> u64 {
        let distance = i64::from(value as u32 as i32);
        now.wrapping_sub(self.offset).wrapping_add_signed(distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(control: u64, compare: u64, offset: u64) -> Comparator {
        Comparator { control, compare, offset }
    }

    #[test]
    fn enabled_timer_fires_at_its_compare_value() {
        let timer = timer(ENABLE, 100, 0);
        assert!(!timer.level(99));
        assert_eq!(timer.next_change(99), 100);
        assert!(timer.level(100));
        assert_eq!(timer.read_control(100), ENABLE | ISTATUS);
        assert_eq!(timer.next_change(100), u64::MAX);
    }

    #[test]
    fn masked_timer_shows_its_status_without_an_interrupt() {
        let timer = timer(ENABLE | IMASK, 100, 0);
        assert_eq!(timer.read_control(100), ENABLE | IMASK | ISTATUS);
        assert!(!timer.level(100));
        assert_eq!(timer.next_change(0), u64::MAX);
    }

    #[test]
    fn disabled_timer_has_no_status() {
        assert_eq!(timer(0, 100, 0).read_control(200), 0);
        assert!(!timer(0, 100, 0).level(200));
    }

    #[test]
    fn offset_delays_the_view() {
        let timer = timer(ENABLE, 100, 1000);
        assert_eq!(timer.next_change(1000), 1100);
        assert!(!timer.level(1099));
        assert!(timer.level(1100));
    }

    #[test]
    fn view_below_zero_is_a_large_count_until_it_wraps() {
        let timer = timer(ENABLE, 100, 1000);
        assert!(timer.level(500));
        assert_eq!(timer.next_change(500), 1000);
    }

    #[test]
    fn timer_value_is_a_signed_32_bit_distance() {
        let timer = timer(ENABLE, 0, 50);
        assert_eq!(timer.compare_for(150, 10), 110);
        assert_eq!(timer.compare_for(150, 0xffff_fff6), 90);
        assert_eq!(timer.compare_for(150, 0xdead_0000_8000_0000), 100_u64.wrapping_sub(1 << 31));
        let late = Comparator { compare: 90, ..timer };
        assert_eq!(late.read_value(150), 0xffff_fff6);
    }

    #[test]
    fn deadline_beyond_the_counter_never_comes() {
        assert_eq!(timer(ENABLE, u64::MAX, 10).next_change(100), u64::MAX);
    }
}
