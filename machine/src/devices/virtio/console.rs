//! Console device (section 5.3) with one port: `hvc0` of a Linux guest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::super::{Console as Sink, lock};
use super::queue::RingError;
use super::{Rings, VirtioDevice};

const RECEIVE: usize = 0;
const TRANSMIT: usize = 1;
/// Input that waits for the guest; more is refused.
const PENDING_LIMIT: usize = 4096;
/// Output is passed on in pieces of at most this size.
const PIECE_BYTES: usize = 4096;

/// A console that sends to a host-side sink.
pub struct Console {
    sink: Arc<dyn Sink>,
    input: Input,
}

/// Where the host puts a console's input. The device takes it when it is polled.
#[derive(Clone, Debug, Default)]
pub struct Input(Arc<Mutex<VecDeque<u8>>>);

impl Input {
    /// Queues input and returns how many of `bytes` were taken. The rest is to be offered again later.
    pub fn push(&self, bytes: &[u8]) -> usize {
        let mut pending = lock(&self.0);
        let taken = bytes.len().min(PENDING_LIMIT.saturating_sub(pending.len()));
        pending.extend(&bytes[..taken]);
        taken
    }
}

impl Console {
    /// Makes a console that sends to `sink` and reads `input`.
    pub fn new(sink: Arc<dyn Sink>, input: Input) -> Self {
        Self { sink, input }
    }

    fn receive(&mut self, rings: &mut Rings<'_>) -> Result<(), RingError> {
        let mut pending = lock(&self.input.0);
        while !pending.is_empty() {
            let Some(chain) = rings.pop(RECEIVE)? else { break };
            let length = chain.writable_bytes().min(pending.len() as u64) as u32;
            let bytes: Vec<u8> = pending.drain(..length as usize).collect();
            chain.write_at(0, &bytes, rings.ram())?;
            rings.push(RECEIVE, &chain, length)?;
        }
        Ok(())
    }

    fn transmit(&mut self, rings: &mut Rings<'_>) -> Result<(), RingError> {
        let mut buffer = [0; PIECE_BYTES];
        while let Some(chain) = rings.pop(TRANSMIT)? {
            let mut offset = 0;
            // What lies outside RAM ends this with an error, so that it is no longer than RAM.
            while offset < chain.readable_bytes() {
                let length = (chain.readable_bytes() - offset).min(PIECE_BYTES as u64);
                let piece = &mut buffer[..length as usize];
                chain.read_at(offset, piece, rings.ram())?;
                self.sink.output(piece);
                offset += length;
            }
            rings.push(TRANSMIT, &chain, 0)?;
        }
        Ok(())
    }
}

impl VirtioDevice for Console {
    fn device_id(&self) -> u32 {
        3
    }

    fn name(&self) -> &'static str {
        "virtio-console"
    }

    fn queue_sizes(&self) -> &'static [u16] {
        &[64, 64]
    }

    fn notify(&mut self, index: usize, rings: &mut Rings<'_>) -> Result<(), RingError> {
        match index {
            RECEIVE => self.receive(rings),
            TRANSMIT => self.transmit(rings),
            _ => Ok(()),
        }
    }

    fn poll(&mut self, rings: &mut Rings<'_>) -> Result<(), RingError> {
        self.receive(rings)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::ConsoleProbe;
    use super::super::testing::*;
    use super::*;

    fn bench() -> (Bench, Arc<ConsoleProbe>, Input) {
        let probe = Arc::new(ConsoleProbe::default());
        let input = Input::default();
        (Bench::new(Box::new(Console::new(probe.clone(), input.clone()))), probe, input)
    }

    #[test]
    fn output_of_any_length_reaches_the_sink() {
        let (mut bench, probe, _) = bench();
        bench.ram.copy_in(DATA, &[b'x'; 5000]).unwrap();
        bench.queues[1].offer(&[(DATA, 4999, 0), (DATA, 2, 0)]);
        bench.notify(1);
        assert_eq!(bench.queues[1].take_used(), [(0, 0)]);
        assert_eq!(probe.text(), "x".repeat(5001));
    }

    #[test]
    fn input_waits_for_a_buffer_and_fills_it() {
        let (mut bench, _, input) = bench();
        assert_eq!(input.push(b"hello"), 5);
        bench.transport.poll();
        bench.queues[0].offer(&[(DATA, 3, WRITE)]);
        bench.notify(0);
        assert_eq!(bench.queues[0].take_used(), [(0, 3)]);
        bench.queues[0].offer(&[(DATA + 3, 100, WRITE)]);
        bench.transport.poll();
        assert_eq!(bench.queues[0].take_used(), [(1, 2)]);
        assert_eq!(bench.bytes(DATA, 6), b"hello\0");
        assert!(bench.line.level());
    }

    #[test]
    fn input_that_nobody_reads_is_refused() {
        let (_bench, _, input) = bench();
        assert_eq!(input.push(&[0; 5000]), 4096);
        assert_eq!(input.push(&[0; 1]), 0);
    }

    #[test]
    fn buffer_without_room_does_not_lose_input() {
        let (mut bench, _, input) = bench();
        bench.queues[0].offer(&[(DATA, 8, 0)]);
        bench.queues[0].offer(&[(DATA, 8, WRITE)]);
        input.push(b"kept");
        bench.transport.poll();
        assert_eq!(bench.queues[0].take_used(), [(0, 0), (1, 4)]);
    }
}
