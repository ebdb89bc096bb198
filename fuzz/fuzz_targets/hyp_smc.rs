//! The hypervisor's whole SMC surface: filter, then relay, over a firmware that answers as the fuzzer likes.
#![no_main]

use droste_hyp_core::address::PaRange;
use droste_hyp_core::psci::{Cpus, EntryPoints, Firmware, Relay, Request, Version};
use droste_hyp_core::smc::{Filter, Verdict};
use libfuzzer_sys::fuzz_target;

const START: u64 = 0x4020_2000;
const RESUME: u64 = 0x4020_3000;

struct Fake(u64);

impl Firmware for Fake {
    fn call(&mut self, number: u32, [a, b, _]: [u64; 3]) -> u64 {
        let entry = match number & 0xbfff_ffff {
            0x8400_0001 | 0x8400_0003 => b,
            0x8400_000c | 0x8400_000e => a,
            _ => START,
        };
        assert!(entry == START || entry == RESUME, "{number:#x} with the host's entry point");
        self.0
    }
    fn start_entry(&self) -> u64 {
        START
    }
    fn resume_entry(&self) -> u64 {
        RESUME
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut cpus = Cpus::default();
    cpus.add(0);
    cpus.add(1);
    let own = [PaRange { start: 0x4020_0000, end: 0x4040_0000 }].into_iter().collect();
    let ram = [PaRange { start: 0x4000_0000, end: 0x8000_0000 }].into_iter().collect();
    let relay = Relay::new(Version::Standard, cpus, EntryPoints { ram, own }, bytes.len() % 2 == 1);
    let filter = Filter::new(true, 0x1_0002, Version::Standard);
    for call in bytes.chunks_exact(40) {
        let x = |n: usize| u64::from_le_bytes(call[n * 8..n * 8 + 8].try_into().unwrap());
        if let Verdict::Psci(number) = filter.judge((x(4) & 1) as u16, x(0), x(1)) {
            // The core itself must not be asked to wait for a claim that nobody will take back.
            relay.call(&mut Fake(x(4) >> 1), 0, Request { number, arguments: [x(1), x(2), x(3)] });
        }
    }
});
