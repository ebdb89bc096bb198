//! PrimeCell UART (PL011, r1p5): the serial console.
//!
//! Transmission takes no time: the transmit FIFO is always empty. The receive timeout interrupt comes as
//! soon as input has stopped, not 32 bit periods later. Bytes are sent whatever UARTCR says, because
//! early consoles rely on firmware having enabled the port.

mod registers;
mod state;

use std::sync::{Arc, Mutex};

use super::{Console, lock};
use crate::bus::Device;
use crate::irq::IrqLine;
use state::State;

/// A serial port.
pub struct Pl011 {
    state: Mutex<State>,
    irq: IrqLine,
    console: Arc<dyn Console>,
}

impl Pl011 {
    /// Makes a port that sends to `console`.
    pub fn new(irq: IrqLine, console: Arc<dyn Console>) -> Self {
        Self { state: Mutex::new(State::new()), irq, console }
    }

    /// Gives input from the host to the guest and returns how many of `bytes` were taken. The rest is to
    /// be offered again later: the guest has not read what came before.
    pub fn push_input(&self, bytes: &[u8]) -> usize {
        let mut state = lock(&self.state);
        let taken = state.push_input(bytes);
        self.irq.set(state.interrupt());
        taken
    }
}

impl Device for Pl011 {
    fn read(&self, offset: u64, _size: u8) -> u64 {
        let mut state = lock(&self.state);
        let value = state.read(offset);
        self.irq.set(state.interrupt());
        value.into()
    }

    fn write(&self, offset: u64, _size: u8, value: u64) {
        let mut state = lock(&self.state);
        // The registers have at most 16 bits.
        if let Some(byte) = state.write(offset, value as u32) {
            self.console.output(&[byte]);
        }
        self.irq.set(state.interrupt());
    }

    fn reset(&self) {
        let mut state = lock(&self.state);
        state.reset();
        self.irq.set(state.interrupt());
    }

    fn name(&self) -> &str {
        "pl011"
    }
}

#[cfg(test)]
mod tests;
