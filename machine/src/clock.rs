//! The system counter: what time it is for the guest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const NS_PER_SECOND: u64 = 1_000_000_000;

/// Where guest time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// The host's monotonic clock.
    Real,
    /// The host's monotonic clock, and [`Clock::skip_to`] when every CPU is idle.
    Skip,
    /// Retired instructions: each takes `ps_per_instruction` picoseconds of guest time. Idle CPUs use
    /// [`Clock::skip_to`]. The same program sees the same times on every host.
    Counted {
        /// Guest picoseconds per instruction.
        ps_per_instruction: u32,
    },
}

/// What the machine's real-time clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeOfDay {
    /// The host's time.
    Host,
    /// These seconds since 1970 at the start, and from then on what the system counter has counted.
    From(u64),
}

impl TimeOfDay {
    /// Tells the time in seconds since 1970, of a machine with this counter.
    pub(crate) fn source(self, clock: Arc<Clock>) -> Box<dyn Fn() -> u64 + Send + Sync> {
        match self {
            TimeOfDay::Host => {
                Box::new(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()))
            }
            TimeOfDay::From(start) => Box::new(move || start.saturating_add(clock.seconds())),
        }
    }
}

/// The system counter of a machine, CNTPCT_EL0 of all its CPUs.
#[derive(Debug)]
pub struct Clock {
    mode: ClockMode,
    frequency_hz: u32,
    started: Instant,
    /// Ticks that were skipped or are due to a restored snapshot.
    offset: AtomicU64,
    /// In counted mode, the count of instructions that all CPUs have reached: the time of what belongs to no CPU.
    common: AtomicU64,
    /// In counted mode, the ticks before the last restart of the machine, where its CPUs' counts begin anew.
    past: AtomicU64,
    /// Ticks per nanosecond (or per 2^20 instructions in counted mode) as 32.32 fixed point.
    scale: u64,
}

/// Counted mode scales blocks of 2^20 instructions, so that the fixed point loses nothing that matters.
const COUNTED_SHIFT: u32 = 20;

/// Counted time never comes further than this, so that sums of counts do not overflow: a century or more.
const COUNTED_LIMIT: u64 = 1 << 62;

impl Clock {
    /// The frequency that Armv8.6 and later CPUs must report.
    pub const FREQUENCY_1_GHZ: u32 = 1_000_000_000;
    /// The frequency that older CPU models of the `virt` board report.
    pub const FREQUENCY_62_5_MHZ: u32 = 62_500_000;

    /// Starts a counter of `frequency_hz` at zero.
    ///
    /// # Panics
    ///
    /// When the frequency is zero: there is no such machine.
    pub fn new(mode: ClockMode, frequency_hz: u32) -> Self {
        assert_ne!(frequency_hz, 0, "a system counter counts");
        let frequency = u128::from(frequency_hz);
        let ns_per_second = u128::from(NS_PER_SECOND);
        let scale = match mode {
            ClockMode::Real | ClockMode::Skip => (frequency << 32) / ns_per_second,
            ClockMode::Counted { ps_per_instruction } => {
                ((frequency * u128::from(ps_per_instruction)) << (32 + COUNTED_SHIFT))
                    / (ns_per_second * 1000)
            }
        };
        let scale = u64::try_from(scale).expect("less than 2^12 ticks per instruction");
        Self {
            mode,
            frequency_hz,
            started: Instant::now(),
            offset: AtomicU64::new(0),
            common: AtomicU64::new(0),
            past: AtomicU64::new(0),
            scale,
        }
    }

    /// In counted mode, goes on from where the machine stopped when its CPUs count from zero again.
    pub(crate) fn restart(&self) {
        let reached = self.now(self.common.swap(0, Ordering::Relaxed));
        self.past.fetch_add(reached, Ordering::Relaxed);
    }

    /// Tells the count of instructions that all CPUs have reached in counted mode.
    pub(crate) fn reach(&self, retired: u64) {
        self.common.store(retired, Ordering::Relaxed);
    }

    /// Whole seconds of guest time since the start. In counted mode they come with turns, the same in every run.
    pub fn seconds(&self) -> u64 {
        let ticks = self.now(self.common.load(Ordering::Relaxed)) + self.past.load(Ordering::Relaxed);
        ticks / u64::from(self.frequency_hz)
    }

    /// The count at which [`Clock::seconds`] reaches a value.
    pub fn count_at(&self, seconds: u64) -> u64 {
        seconds.saturating_mul(self.frequency_hz.into()).saturating_sub(self.past.load(Ordering::Relaxed))
    }

    /// CNTFRQ_EL0: ticks per second.
    pub fn frequency_hz(&self) -> u32 {
        self.frequency_hz
    }

    /// Where time comes from.
    pub fn mode(&self) -> ClockMode {
        self.mode
    }

    /// The count now, in ticks. `retired` is the number of instructions that the asking CPU has retired;
    /// only counted mode looks at it.
    #[inline]
    pub fn now(&self, retired: u64) -> u64 {
        let (input, shift) = match self.mode {
            // 2^64 ns are 584 years of host time.
            ClockMode::Real | ClockMode::Skip => (self.started.elapsed().as_nanos() as u64, 32),
            ClockMode::Counted { .. } => (retired, 32 + COUNTED_SHIFT),
        };
        let ticks = ((u128::from(input) * u128::from(self.scale)) >> shift) as u64;
        ticks.wrapping_add(self.offset.load(Ordering::Relaxed))
    }

    /// Moves time forward to `deadline` ticks if that is in the future of `retired`. The caller knows that
    /// all CPUs are idle until then.
    pub fn skip_to(&self, deadline: u64, retired: u64) {
        debug_assert_ne!(self.mode, ClockMode::Real, "real time cannot be skipped");
        let now = self.now(retired);
        if deadline > now {
            self.offset.fetch_add(deadline - now, Ordering::Relaxed);
        }
    }

    /// Sets the count, as a restored snapshot does.
    pub fn set_now(&self, ticks: u64, retired: u64) {
        self.offset.fetch_add(ticks.wrapping_sub(self.now(retired)), Ordering::Relaxed);
    }

    /// The host time from now until `deadline` ticks, zero if that is past: how long an idle CPU may
    /// sleep. In counted mode it is the guest's time until then.
    pub fn time_until(&self, deadline: u64, retired: u64) -> Duration {
        let ticks = deadline.saturating_sub(self.now(retired));
        let ns = (u128::from(ticks) * u128::from(NS_PER_SECOND)).div_ceil(u128::from(self.frequency_hz));
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    /// The number of retired instructions at which the count reaches `deadline`, in counted mode; `None`
    /// when time does not depend on instructions, or never comes that far.
    pub fn retired_at(&self, deadline: u64) -> Option<u64> {
        if !matches!(self.mode, ClockMode::Counted { .. }) || self.scale == 0 {
            return None;
        }
        let ticks = u128::from(deadline.saturating_sub(self.offset.load(Ordering::Relaxed)));
        u64::try_from((ticks << (32 + COUNTED_SHIFT)).div_ceil(u128::from(self.scale)))
            .ok()
            .filter(|&retired| retired <= COUNTED_LIMIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(ps_per_instruction: u32, frequency_hz: u32) -> Clock {
        Clock::new(ClockMode::Counted { ps_per_instruction }, frequency_hz)
    }

    #[test]
    fn counted_time_is_a_function_of_instructions() {
        let clock = counted(500, Clock::FREQUENCY_1_GHZ);
        assert_eq!(clock.now(0), 0);
        assert_eq!(clock.now(2_000_000_000), 1_000_000_000);
        let slow = counted(1000, Clock::FREQUENCY_62_5_MHZ);
        assert_eq!(slow.now(1600), 100);
    }

    #[test]
    fn counted_deadline_is_met_exactly_at_its_instruction() {
        for clock in [counted(333, Clock::FREQUENCY_1_GHZ), counted(1000, Clock::FREQUENCY_62_5_MHZ)] {
            for deadline in [1, 7, 1000, 123_456_789_012] {
                let retired = clock.retired_at(deadline).unwrap();
                assert!(clock.now(retired) >= deadline);
                assert!(clock.now(retired - 1) < deadline);
            }
        }
    }

    #[test]
    fn deadline_beyond_the_end_of_counted_time_never_comes() {
        let clock = counted(1000, Clock::FREQUENCY_1_GHZ);
        assert_eq!(clock.retired_at(u64::MAX - 1), None);
        assert_eq!(clock.retired_at(1 << 60), Some(1 << 60));
    }

    #[test]
    fn skip_moves_time_forward_and_never_back() {
        let clock = counted(1000, Clock::FREQUENCY_1_GHZ);
        clock.skip_to(5000, 10);
        assert_eq!(clock.now(10), 5000);
        clock.skip_to(100, 10);
        assert_eq!(clock.now(11), 5001);
        assert_eq!(clock.retired_at(5002), Some(12));
    }

    #[test]
    fn real_time_advances_with_the_host() {
        let clock = Clock::new(ClockMode::Real, Clock::FREQUENCY_62_5_MHZ);
        let before = clock.now(0);
        std::thread::sleep(Duration::from_millis(2));
        let ticks = clock.now(0) - before;
        assert!(ticks >= 125_000, "{ticks} ticks in 2 ms or more");
        assert_eq!(clock.retired_at(ticks), None);
        assert!(clock.time_until(clock.now(0) + 62_500, 0) <= Duration::from_millis(1));
        assert_eq!(clock.time_until(0, 0), Duration::ZERO);
    }

    #[test]
    fn time_of_day_goes_with_counted_time() {
        let clock = Arc::new(counted(1000, Clock::FREQUENCY_62_5_MHZ));
        let time = TimeOfDay::From(1_000_000).source(clock.clone());
        assert_eq!(time(), 1_000_000);
        clock.reach(2_999_999_999);
        assert_eq!(time(), 1_000_002);
        clock.reach(3_000_000_000);
        assert_eq!(time(), 1_000_003);
        clock.restart();
        clock.reach(1_000_000_000);
        assert_eq!(time(), 1_000_004);
        assert_eq!(clock.count_at(5), 2 * 62_500_000);
        clock.past.store(0, Ordering::Relaxed);
        assert_eq!(clock.now(clock.retired_at(clock.count_at(3)).unwrap()), 3 * 62_500_000);
    }

    #[test]
    fn restored_count_continues_from_its_value() {
        let clock = counted(1000, Clock::FREQUENCY_1_GHZ);
        clock.set_now(7, 1_000_000);
        assert_eq!(clock.now(1_000_001), 8);
    }
}
