//! The UART's registers and receive FIFO.

use std::collections::VecDeque;

use super::super::primecell;
use super::registers::*;

/// The depth of the receive FIFO from revision r1p5 on.
const FIFO_DEPTH: usize = 32;
/// Input from the host that waits for room in the FIFO; more is refused.
const PENDING_LIMIT: usize = 4096;
const ID: [u8; 8] = primecell::id(0x011, 3);

/// Everything that the guest can see of the port.
#[derive(Debug)]
pub(super) struct State {
    fifo: VecDeque<u8>,
    pending: VecDeque<u8>,
    /// UARTRIS.
    raw_interrupts: u32,
    /// UARTIMSC.
    interrupt_mask: u32,
    irda_divisor: u32,
    integer_divisor: u32,
    fraction_divisor: u32,
    line_control: u32,
    control: u32,
    fifo_levels: u32,
    dma_control: u32,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            fifo: VecDeque::with_capacity(FIFO_DEPTH),
            pending: VecDeque::new(),
            raw_interrupts: 0,
            interrupt_mask: 0,
            irda_divisor: 0,
            integer_divisor: 0,
            fraction_divisor: 0,
            line_control: 0,
            control: CR_RESET,
            fifo_levels: IFLS_RESET,
            dma_control: 0,
        }
    }

    /// Resets the registers. Input that waits outside of the FIFO stays.
    pub(super) fn reset(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        *self = Self { pending, ..Self::new() };
    }

    /// The level of the combined interrupt output, UARTINTR.
    pub(super) fn interrupt(&self) -> bool {
        self.raw_interrupts & self.interrupt_mask != 0
    }

    pub(super) fn push_input(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(PENDING_LIMIT - self.pending.len());
        self.pending.extend(&bytes[..taken]);
        self.receive();
        taken
    }

    pub(super) fn read(&mut self, offset: u64) -> u32 {
        match offset {
            DR => self.read_data(),
            // There are no reception errors.
            RSR => 0,
            FR => self.flags(),
            ILPR => self.irda_divisor,
            IBRD => self.integer_divisor,
            FBRD => self.fraction_divisor,
            LCR_H => self.line_control,
            CR => self.control,
            IFLS => self.fifo_levels,
            IMSC => self.interrupt_mask,
            RIS => self.raw_interrupts,
            MIS => self.raw_interrupts & self.interrupt_mask,
            DMACR => self.dma_control,
            _ => primecell::read_id(&ID, offset),
        }
    }

    /// Writes a register and returns the byte to send, if that is what the write was.
    pub(super) fn write(&mut self, offset: u64, value: u32) -> Option<u8> {
        match offset {
            DR => return self.write_data(value as u8),
            ILPR => self.irda_divisor = value & 0xff,
            IBRD => self.integer_divisor = value & 0xffff,
            FBRD => self.fraction_divisor = value & 0x3f,
            LCR_H => {
                if (self.line_control ^ value) & LCR_H_FEN != 0 {
                    // Switching the FIFOs empties them.
                    self.fifo.clear();
                    self.raw_interrupts &= !(INT_RX | INT_RT);
                }
                self.line_control = value & 0xff;
                self.receive();
            }
            CR => {
                self.control = value & 0xffff;
                self.receive();
            }
            IFLS => {
                self.fifo_levels = value & 0x3f;
                self.receive();
            }
            IMSC => self.interrupt_mask = value & INT_ALL,
            ICR => self.raw_interrupts &= !value,
            DMACR => self.dma_control = value & 7,
            _ => {}
        }
        None
    }

    fn flags(&self) -> u32 {
        let mut flags = FR_TXFE | FR_CTS | FR_DSR | FR_DCD;
        if self.fifo.is_empty() {
            flags |= FR_RXFE;
        }
        if self.fifo.len() >= self.depth() {
            flags |= FR_RXFF;
        }
        flags
    }

    fn read_data(&mut self) -> u32 {
        let byte = self.fifo.pop_front().unwrap_or(0);
        if self.fifo.len() < self.trigger() {
            self.raw_interrupts &= !INT_RX;
        }
        if self.fifo.is_empty() {
            self.raw_interrupts &= !INT_RT;
        }
        self.receive();
        byte.into()
    }

    fn write_data(&mut self, byte: u8) -> Option<u8> {
        // The FIFO drains at once, through its trigger level.
        self.raw_interrupts |= INT_TX;
        if self.control & CR_LBE == 0 {
            return Some(byte);
        }
        self.push_input(&[byte]);
        None
    }

    /// Moves waiting input to the FIFO as far as there is room.
    fn receive(&mut self) {
        let enabled = CR_UARTEN | CR_RXE;
        if self.control & enabled != enabled {
            return;
        }
        let mut moved = false;
        while self.fifo.len() < self.depth() {
            let Some(byte) = self.pending.pop_front() else { break };
            self.fifo.push_back(byte);
            moved = true;
        }
        if moved {
            self.raw_interrupts |= INT_RT;
            if self.fifo.len() >= self.trigger() {
                self.raw_interrupts |= INT_RX;
            }
        }
    }

    fn depth(&self) -> usize {
        if self.line_control & LCR_H_FEN != 0 { FIFO_DEPTH } else { 1 }
    }

    /// The number of received bytes that raises the receive interrupt (UARTIFLS.RXIFLSEL).
    fn trigger(&self) -> usize {
        if self.line_control & LCR_H_FEN == 0 {
            return 1;
        }
        match self.fifo_levels >> 3 & 7 {
            0 => FIFO_DEPTH / 8,
            1 => FIFO_DEPTH / 4,
            2 => FIFO_DEPTH / 2,
            3 => FIFO_DEPTH * 3 / 4,
            // 5 to 7 are reserved.
            _ => FIFO_DEPTH * 7 / 8,
        }
    }
}
