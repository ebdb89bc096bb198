//! PrimeCell real-time clock (PL031): seconds since 1970 and one alarm.

use std::sync::Mutex;

use super::{lock, primecell};
use crate::bus::Device;
use crate::irq::IrqLine;

const DR: u64 = 0x00;
const MR: u64 = 0x04;
const LR: u64 = 0x08;
const CR: u64 = 0x0c;
const IMSC: u64 = 0x10;
const RIS: u64 = 0x14;
const MIS: u64 = 0x18;
const ICR: u64 = 0x1c;
const ID: [u8; 8] = primecell::id(0x031, 0);

/// Tells the guest's time in seconds since 1970. It is the machine's to decide whether that is the host's
/// time or a reproducible one.
pub type TimeOfDay = Box<dyn Fn() -> u64 + Send + Sync>;

/// A real-time clock.
pub struct Pl031 {
    state: Mutex<State>,
    irq: IrqLine,
    time: TimeOfDay,
}

#[derive(Debug, Default)]
struct State {
    /// What the guest has set the clock forward.
    offset: u32,
    load: u32,
    /// The alarm, which rings when the clock shows exactly this.
    alarm: u32,
    armed: bool,
    raw_interrupt: bool,
    interrupt_mask: bool,
}

impl Pl031 {
    /// Makes a clock that starts with `time`.
    pub fn new(irq: IrqLine, time: TimeOfDay) -> Self {
        Self { state: Mutex::default(), irq, time }
    }

    /// Rings the alarm if it is due. To be called now and then.
    pub fn poll(&self) {
        self.update(&mut lock(&self.state));
    }

    /// In how many seconds the alarm rings, if it is set; 0 if it is due.
    pub fn alarm_in(&self) -> Option<u32> {
        let state = lock(&self.state);
        let ahead = state.alarm.wrapping_sub(self.now(&state));
        state.armed.then_some(if ahead < 1 << 31 { ahead } else { 0 })
    }

    fn now(&self, state: &State) -> u32 {
        // The register wraps in 2106.
        ((self.time)() as u32).wrapping_add(state.offset)
    }

    fn update(&self, state: &mut State) {
        // The alarm may have passed between two looks: half of the range counts as past.
        if state.armed && self.now(state).wrapping_sub(state.alarm) < 1 << 31 {
            state.armed = false;
            state.raw_interrupt = true;
        }
        self.irq.set(state.raw_interrupt && state.interrupt_mask);
    }

    /// Waits for the clock to reach the alarm, which rings at once only if it is equal.
    fn arm(&self, state: &mut State) {
        state.armed = state.alarm.wrapping_sub(self.now(state)) < 1 << 31;
    }
}

impl Device for Pl031 {
    fn read(&self, offset: u64, _size: u8) -> u64 {
        let mut state = lock(&self.state);
        self.update(&mut state);
        let value = match offset {
            DR => self.now(&state),
            MR => state.alarm,
            LR => state.load,
            CR => 1,
            IMSC => state.interrupt_mask.into(),
            RIS => state.raw_interrupt.into(),
            MIS => (state.raw_interrupt && state.interrupt_mask).into(),
            _ => primecell::read_id(&ID, offset),
        };
        value.into()
    }

    fn write(&self, offset: u64, _size: u8, value: u64) {
        let mut state = lock(&self.state);
        let value = value as u32;
        match offset {
            MR => {
                state.alarm = value;
                self.arm(&mut state);
            }
            LR => {
                state.load = value;
                state.offset = value.wrapping_sub((self.time)() as u32);
                self.arm(&mut state);
            }
            IMSC => state.interrupt_mask = value & 1 != 0,
            ICR if value & 1 != 0 => state.raw_interrupt = false,
            // The clock of a PL031 cannot be stopped once it runs.
            _ => {}
        }
        self.update(&mut state);
    }

    /// The counter goes on: it has a power supply of its own.
    fn reset(&self) {
        let mut state = lock(&self.state);
        *state = State { offset: state.offset, load: state.load, ..State::default() };
        self.update(&mut state);
    }

    fn name(&self) -> &str {
        "pl031"
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::LineProbe;
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn clock(start: u64) -> (Pl031, Arc<LineProbe>, Arc<AtomicU64>) {
        let (line, irq) = LineProbe::new();
        let time = Arc::new(AtomicU64::new(start));
        let source = time.clone();
        (Pl031::new(irq, Box::new(move || source.load(Ordering::Relaxed))), line, time)
    }

    #[test]
    fn clock_shows_the_given_time_and_can_be_set() {
        let (rtc, _, time) = clock(1_700_000_000);
        assert_eq!(rtc.read(DR, 4), 1_700_000_000);
        rtc.write(LR, 4, 100);
        time.fetch_add(5, Ordering::Relaxed);
        assert_eq!((rtc.read(DR, 4), rtc.read(LR, 4)), (105, 100));
    }

    #[test]
    fn alarm_rings_once_when_it_is_due() {
        let (rtc, line, time) = clock(1000);
        rtc.write(IMSC, 4, 1);
        rtc.write(MR, 4, 1002);
        rtc.poll();
        assert!(!line.level());
        assert_eq!(rtc.alarm_in(), Some(2));
        time.store(1005, Ordering::Relaxed);
        rtc.poll();
        assert!(line.level());
        rtc.write(ICR, 4, 1);
        assert!(!line.level());
        rtc.poll();
        assert!(!line.level(), "it does not ring again");
        assert_eq!(rtc.alarm_in(), None);
    }

    #[test]
    fn alarm_in_the_past_does_not_ring() {
        let (rtc, line, _) = clock(1000);
        rtc.write(IMSC, 4, 1);
        rtc.write(MR, 4, 999);
        rtc.poll();
        assert!(!line.level());
    }

    #[test]
    fn masked_alarm_is_only_seen_in_the_raw_status() {
        let (rtc, line, time) = clock(1000);
        rtc.write(MR, 4, 1001);
        time.store(1001, Ordering::Relaxed);
        assert_eq!((rtc.read(RIS, 4), rtc.read(MIS, 4), line.level()), (1, 0, false));
    }
}
