//! Plain stores and read-modify-writes of one word: a store-exclusive must not succeed over a store of another CPU.
//!
//! One CPU stores a number to the upper half of a word and reads it back: nobody else changes that half but by writing
//! back what is there. The others increment the lower half, by accesses of the half and of the whole.

use super::crew;
use super::random::Random;
use super::report;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::sysreg::cpu;

#[repr(align(64))]
struct Word(AtomicU64);
static WORD: Word = Word(AtomicU64::new(0));
static INCREMENTS: AtomicU64 = AtomicU64::new(0);
static STORES: AtomicU64 = AtomicU64::new(0);
static FAILURES: AtomicU64 = AtomicU64::new(0);

pub(crate) fn run(milliseconds: u64) {
    crew::run(milliseconds, job);
    let (made, stores) = (INCREMENTS.load(Ordering::Relaxed), STORES.load(Ordering::Relaxed));
    let value = WORD.0.load(Ordering::Relaxed);
    if value & 0xffff_ffff != made & 0xffff_ffff {
        report::violation(format_args!("{made} increments give {:#x}", value & 0xffff_ffff));
    }
    let failures = FAILURES.load(Ordering::Relaxed);
    report::done(
        "stores and read-modify-writes",
        format_args!("{stores} stores, {made} increments, {failures} store-exclusives failed"),
    );
}

fn job() {
    if cpu() == 0 { store() } else { increment() }
}

fn store() {
    let high = WORD.0.as_ptr().cast::<u32>().wrapping_add(1);
    let mut random = Random::new(4);
    let mut number = 0_u32;
    while !crew::is_over() {
        number = number.wrapping_add(1);
        // SAFETY: the upper half of the word.
        unsafe { asm!("str {0:w}, [{1}]", in(reg) number, in(reg) high, options(nostack)) };
        for _ in 0..1 + random.below(3) {
            let found = (WORD.0.load(Ordering::Relaxed) >> 32) as u32;
            if found != number {
                report::violation(format_args!("{number:#x} was stored, {found:#x} is there"));
            }
            random.pause(16);
        }
    }
    STORES.fetch_add(u64::from(number), Ordering::Relaxed);
}

fn increment() {
    let at = WORD.0.as_ptr();
    let mut random = Random::new(5);
    let (mut made, mut failures) = (0, 0);
    while !crew::is_over() {
        made += 1;
        match random.below(6) {
            // SAFETY: read-modify-writes of the word, here and below.
            0 => unsafe {
                asm!(".arch_extension lse", "stadd {0:w}, [{1}]", ".arch_extension nolse", in(reg) 1, in(reg) at,
                     options(nostack))
            },
            // SAFETY: as above.
            1 => unsafe {
                asm!(".arch_extension lse", "ldr {o}, [{p}]", "2: mov {t}, {o}", "add {n}, {o}, #1",
                     "casal {o}, {n}, [{p}]", "cmp {o}, {t}", "b.ne 2b", ".arch_extension nolse",
                     o = out(reg) _, t = out(reg) _, n = out(reg) _, p = in(reg) at, options(nostack))
            },
            // SAFETY: as above.
            2 => unsafe {
                asm!("2: ldxr {v:w}, [{p}]", "add {v:w}, {v:w}, #1", "stxr {s:w}, {v:w}, [{p}]", "cbz {s:w}, 3f",
                     "add {f}, {f}, #1", "b 2b", "3:", v = out(reg) _, s = out(reg) _, p = in(reg) at,
                     f = inout(reg) failures, options(nostack))
            },
            // SAFETY: as above.
            3 => unsafe {
                asm!("2: ldxp {v:w}, {u:w}, [{p}]", "add {v:w}, {v:w}, #1", "stlxp {s:w}, {v:w}, {u:w}, [{p}]",
                     "cbz {s:w}, 3f", "add {f}, {f}, #1", "b 2b", "3:", v = out(reg) _, u = out(reg) _,
                     s = out(reg) _, p = in(reg) at, f = inout(reg) failures, options(nostack))
            },
            // SAFETY: as above.
            _ => unsafe {
                asm!("2: ldaxr {v}, [{p}]", "add {v}, {v}, #1", "nop", "nop", "stxr {s:w}, {v}, [{p}]",
                     "cbz {s:w}, 3f", "add {f}, {f}, #1", "b 2b", "3:", v = out(reg) _, s = out(reg) _,
                     p = in(reg) at, f = inout(reg) failures, options(nostack))
            },
        }
        random.pause(8);
    }
    INCREMENTS.fetch_add(made, Ordering::Relaxed);
    FAILURES.fetch_add(failures, Ordering::Relaxed);
}
