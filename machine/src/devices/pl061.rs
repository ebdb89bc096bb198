//! PrimeCell GPIO (PL061): eight pins, one of which is the power button.

use std::sync::Mutex;

use super::{lock, primecell};
use crate::bus::Device;
use crate::irq::IrqLine;

/// The end of the data register's window, where address bits 9:2 select pins.
const DATA_END: u64 = 0x400;
const DIR: u64 = 0x400;
const IS: u64 = 0x404;
const IBE: u64 = 0x408;
const IEV: u64 = 0x40c;
const IE: u64 = 0x410;
const RIS: u64 = 0x414;
const MIS: u64 = 0x418;
const IC: u64 = 0x41c;
const AFSEL: u64 = 0x420;
const ID: [u8; 8] = primecell::id(0x061, 0);

/// A GPIO controller.
pub struct Pl061 {
    state: Mutex<State>,
    irq: IrqLine,
}

#[derive(Debug, Default)]
struct State {
    /// Levels that the guest drives, where it drives.
    output: u8,
    /// Levels at the pins from outside.
    input: u8,
    /// GPIODIR: 1 is output.
    direction: u8,
    /// GPIOIS: 1 is level sensitive.
    level_sense: u8,
    both_edges: u8,
    /// GPIOIEV: rising edge or high level.
    rising: u8,
    interrupt_mask: u8,
    /// Edges that were seen.
    edges: u8,
    alternate: u8,
}

impl State {
    /// The level of every pin.
    fn pins(&self) -> u8 {
        self.output & self.direction | self.input & !self.direction
    }

    /// GPIORIS.
    fn raw(&self) -> u8 {
        let at_level = !(self.pins() ^ self.rising);
        self.level_sense & at_level | !self.level_sense & self.edges
    }

    /// Makes a change and notes the edges that come of it.
    fn change(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.pins();
        change(self);
        let changed = before ^ self.pins();
        self.edges |= changed & !self.level_sense & (self.both_edges | !(self.pins() ^ self.rising));
    }
}

impl Pl061 {
    /// Makes a controller whose pins are all inputs and low.
    pub fn new(irq: IrqLine) -> Self {
        Self { state: Mutex::default(), irq }
    }

    /// Sets the level of pin 0 to 7 from outside.
    ///
    /// The power button is [`POWER_BUTTON_PIN`](crate::board::memory_map::POWER_BUTTON_PIN); to be noticed
    /// it has to stay pressed for a tenth of a second of guest time.
    pub fn set_input(&self, pin: u32, level: bool) {
        let bit = 1_u8.checked_shl(pin).unwrap_or(0);
        let mut state = lock(&self.state);
        state.change(|state| state.input = if level { state.input | bit } else { state.input & !bit });
        self.update(&state);
    }

    fn update(&self, state: &State) {
        self.irq.set(state.raw() & state.interrupt_mask != 0);
    }
}

impl Device for Pl061 {
    fn read(&self, offset: u64, _size: u8) -> u64 {
        let state = lock(&self.state);
        let value = match offset {
            // A pin is seen where its address bit is set.
            0..DATA_END => state.pins() & (offset >> 2) as u8,
            DIR => state.direction,
            IS => state.level_sense,
            IBE => state.both_edges,
            IEV => state.rising,
            IE => state.interrupt_mask,
            RIS => state.raw(),
            MIS => state.raw() & state.interrupt_mask,
            AFSEL => state.alternate,
            _ => return primecell::read_id(&ID, offset).into(),
        };
        value.into()
    }

    fn write(&self, offset: u64, _size: u8, value: u64) {
        let mut state = lock(&self.state);
        let value = value as u8;
        match offset {
            0..DATA_END => {
                let mask = (offset >> 2) as u8;
                state.change(|state| state.output = state.output & !mask | value & mask);
            }
            DIR => state.change(|state| state.direction = value),
            IS => state.level_sense = value,
            IBE => state.both_edges = value,
            IEV => state.rising = value,
            IE => state.interrupt_mask = value,
            IC => state.edges &= !value,
            AFSEL => state.alternate = value,
            _ => {}
        }
        self.update(&state);
    }

    fn reset(&self) {
        let mut state = lock(&self.state);
        *state = State { input: state.input, ..State::default() };
        self.update(&state);
    }

    fn name(&self) -> &str {
        "pl061"
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::LineProbe;
    use super::*;

    #[test]
    fn button_raises_the_interrupt_on_both_edges() {
        let (line, irq) = LineProbe::new();
        let gpio = Pl061::new(irq);
        gpio.write(IBE, 4, 8);
        gpio.write(IE, 4, 8);
        gpio.set_input(3, true);
        assert!(line.level());
        assert_eq!((gpio.read(RIS, 4), gpio.read(8 << 2, 4)), (8, 8));
        gpio.write(IC, 4, 8);
        assert!(!line.level());
        gpio.set_input(3, false);
        assert!(line.level());
        assert_eq!(gpio.read(0xff << 2, 4), 0);
    }

    #[test]
    fn single_edge_is_the_one_that_was_chosen() {
        let gpio = Pl061::new(IrqLine::unconnected());
        gpio.write(IEV, 4, 1);
        gpio.set_input(0, true);
        gpio.set_input(1, true);
        assert_eq!(gpio.read(RIS, 4), 1, "pin 1 wants a falling edge");
        gpio.write(IC, 4, 0xff);
        gpio.set_input(0, false);
        gpio.set_input(1, false);
        assert_eq!(gpio.read(RIS, 4), 2);
    }

    #[test]
    fn level_interrupt_lasts_as_long_as_the_level() {
        let (line, irq) = LineProbe::new();
        let gpio = Pl061::new(irq);
        gpio.write(IS, 4, 1);
        gpio.write(IEV, 4, 1);
        gpio.write(IE, 4, 1);
        assert!(!line.level());
        gpio.set_input(0, true);
        gpio.write(IC, 4, 1);
        assert!(line.level(), "clearing does not help against a level");
        gpio.set_input(0, false);
        assert!(!line.level());
    }

    #[test]
    fn data_writes_touch_only_addressed_output_pins() {
        let gpio = Pl061::new(IrqLine::unconnected());
        gpio.write(DIR, 4, 0x0f);
        gpio.write(0x05 << 2, 4, 0xff);
        assert_eq!(gpio.read(0xff << 2, 4), 0x05);
        gpio.set_input(0, false);
        gpio.set_input(7, true);
        assert_eq!(gpio.read(0xff << 2, 4), 0x85);
        gpio.set_input(99, true);
    }
}
