//! Entropy device (section 5.4): reproducible numbers for the guest.

use super::queue::RingError;
use super::{Rings, VirtioDevice};
use crate::entropy::SplitMix64;

/// The most that one request gets; a driver asks again for more.
const REQUEST_LIMIT_BYTES: u64 = 4096;
const QUEUE: usize = 0;

/// A source of numbers that depend on the seed only.
#[derive(Debug)]
pub struct Rng(SplitMix64);

impl Rng {
    /// Makes a source.
    pub fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }
}

impl VirtioDevice for Rng {
    fn device_id(&self) -> u32 {
        4
    }

    fn name(&self) -> &'static str {
        "virtio-rng"
    }

    fn queue_sizes(&self) -> &'static [u16] {
        &[8]
    }

    fn notify(&mut self, index: usize, rings: &mut Rings<'_>) -> Result<(), RingError> {
        while let Some(chain) = rings.pop(index)? {
            let length = chain.writable_bytes().min(REQUEST_LIMIT_BYTES) as u32;
            let mut bytes = vec![0; length as usize];
            self.0.fill(&mut bytes);
            chain.write_at(0, &bytes, rings.ram())?;
            rings.push(QUEUE, &chain, length)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn request_is_filled_from_the_seed() {
        let mut bench = Bench::new(Box::new(Rng::new(7)));
        bench.queues[0].offer(&[(DATA, 5, WRITE), (DATA + 0x100, 3, WRITE)]);
        bench.notify(0);
        assert_eq!(bench.queues[0].take_used(), [(0, 8)]);
        let bytes = [bench.bytes(DATA, 6), bench.bytes(DATA + 0x100, 4)].concat();
        let word = SplitMix64::new(7).next_u64().to_le_bytes();
        assert_eq!(bytes, [&word[..5], &[0], &word[5..], &[0]].concat());
    }

    #[test]
    fn huge_request_is_cut() {
        let mut bench = Bench::new(Box::new(Rng::new(7)));
        bench.queues[0].offer(&[(DATA, 0x1_0000, WRITE)]);
        bench.queues[0].offer(&[(DATA, u32::MAX, WRITE)]);
        bench.queues[0].offer(&[(DATA, 8, 0)]);
        bench.notify(0);
        assert_eq!(bench.queues[0].take_used(), [(0, 4096), (1, 4096), (2, 0)]);
    }
}
