//! Every function and every immediate.

use super::{IMAGE, IMAGE_END, LEDGER, LEDGER_END, Random, check, smc};
use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering};
use guest_support::{instruction, println, psci};

const NOT_SUPPORTED: i64 = -1;
const INVALID_PARAMETERS: i64 = -2;
const INVALID_ADDRESS: i64 = -9;

pub(super) fn run() {
    refused();
    targets_and_entries();
    psci_functions();
    owners();
    immediates();
}

/// Named functions, with the code that each gets.
fn refused() {
    check("upper half", 0, smc(1 << 32 | psci::VERSION, 0, 0), NOT_SUPPORTED);
    for function in [
        0x8400_0063,
        0xc400_0066,
        0x8200_0000,
        0xc300_0000,
        0xb200_0001,
        0x8600_ff01,
        0x8400_0013,
        0x8100_0000,
        0xc400_0024,
        0xbf00_ff01,
        0x8400_0005,
        0x8400_000b,
    ] {
        check("function", function, smc(function, 0, 0), NOT_SUPPORTED);
        check("FEATURES of", function, smc(psci::FEATURES, function, 0), NOT_SUPPORTED);
    }
    check("PSCI version", 0, i64::from(smc(psci::VERSION, 0, 0) >= 2), 1);
    check("hint bit", 0, i64::from(smc(psci::VERSION | 1 << 16, 0, 0) >= 2), 1);
}

/// CPU_ON of cores that are not there, and of one that is at places that are not the host's.
fn targets_and_entries() {
    let (on, entry) = (psci::CPU_ON, IMAGE_END);
    check("CPU_ON of this core", 0, smc(on, 0, entry), -4);
    let mut random = Random(0x1234_5678_9abc_def1);
    let bogus = [0x77, 0x100, 0x1_0000, 0x8000_0000, 0x8000_0001, 1 << 40, u64::MAX];
    for target in bogus.into_iter().chain((0..200).map(|_| random.next() | 0x100)) {
        check("CPU_ON of", target, smc(on, target, entry), INVALID_PARAMETERS);
        check("AFFINITY_INFO of", target, smc(psci::AFFINITY_INFO, target, 0), INVALID_PARAMETERS);
    }
    let inside = (0..200).map(|_| IMAGE + (random.next() & 0x1f_fffc)).collect_array();
    for entry in inside.into_iter().chain([IMAGE, IMAGE_END - 4, IMAGE_END + 2, LEDGER, LEDGER_END - 4, 1, 3])
    {
        for target in [0, 1] {
            check("CPU_ON at", entry, smc(on, target, entry), INVALID_ADDRESS);
        }
    }
    check("core 1 is off", 0, smc(psci::AFFINITY_INFO, 1, 0), 1);
}

trait Collect {
    fn collect_array(self) -> [u64; 200];
}

impl<I: Iterator<Item = u64>> Collect for I {
    fn collect_array(mut self) -> [u64; 200] {
        core::array::from_fn(|_| self.next().unwrap_or(IMAGE))
    }
}

/// Every number of PSCI's range, both widths, with random arguments; what would end the run or stop this core gets no call.
fn psci_functions() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let ends = |n: u64| matches!(n, 0x01 | 0x02 | 0x08 | 0x09 | 0x0c | 0x0e | 0x12 | 0x15);
    for function in (0..0x20).filter(|n| !ends(*n)) {
        for base in [0x8400_0000, 0xc400_0000, 0x8401_0000, 0xc401_0000] {
            for _ in 0..50 {
                let answer = smc(base | function, random.next(), random.next());
                // A value or an error, and always a PSCI one.
                if (answer as i32) < -9 {
                    check("answer of", base | function, answer, 0);
                }
            }
        }
    }
    check("core 1 is still off", 0, smc(psci::AFFINITY_INFO, 1, 0), 1);
}

/// Every owner, fast and yielding, both widths: the first and last functions, and random ones.
fn owners() {
    let mut random = Random(0xfeed_beef_0bad_cafe);
    for owner in (0..64_u64).filter(|o| *o != 4) {
        for kind in [0, 1 << 30, 1 << 31, 3 << 30] {
            let numbers = [0, 1, 2, 0x1f, 0x60, 0x7fff, 0x8000, 0xff00, 0xff01, 0xff03, 0xffff];
            let random_number = random.next() & 0xffff;
            for number in numbers.into_iter().chain([random_number]) {
                let answer = smc(kind | owner << 24 | number, random.next(), random.next());
                // The architecture's own calls and those of hypervisors that are not there may answer; others are denied.
                if owner != 0 || kind < 1 << 31 {
                    check("owner", kind | owner << 24 | number, answer, NOT_SUPPORTED);
                }
            }
        }
    }
}

static CODE: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

/// HVC and SMC with every immediate: instructions are written and called.
fn immediates() {
    const HVC: u32 = 0xd400_0002;
    const SMC: u32 = 0xd400_0003;
    const RET: u32 = 0xd65f_03c0;
    CODE[1].store(RET, Ordering::Relaxed);
    for (name, instruction) in [("HVC #", HVC), ("SMC #", SMC)] {
        let mut wrong = 0;
        for immediate in 0..=0xffff_u32 {
            CODE[0].store(instruction | immediate << 5, Ordering::Relaxed);
            instruction!("dsb sy", "ic iallu", "dsb sy", "isb");
            // SMC #0 would be a call that is answered; X0 is no stub call's number.
            let function = if immediate == 0 { 0x8400_0063_u64 } else { u64::from(psci::VERSION as u32) };
            let answer: i64;
            // SAFETY: the two instructions above; the calling convention is SMCCC's.
            unsafe {
                asm!("blr {}", in(reg) CODE.as_ptr(), inlateout("x0") function => answer, clobber_abi("C"));
            }
            wrong += i64::from(answer != NOT_SUPPORTED);
        }
        check(name, 0, wrong, 0);
    }
    println!("hostile-host: every immediate was tried");
    // What Linux would ask vectors at EL2 for: EL2 is not given.
    for (call, expected) in [(0_i64, 0xbad_ca11), (2, 0), (3, 0xbad_ca11), (4, NOT_SUPPORTED)] {
        let answer: i64;
        // SAFETY: a call that returns.
        unsafe {
            asm!("hvc #0", inlateout("x0") call => answer, inlateout("x1") IMAGE => _, clobber_abi("C"));
        }
        check("stub call", call as u64, answer, expected);
    }
}
