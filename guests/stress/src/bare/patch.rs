//! Single instructions that are replaced while other CPUs execute them, as the architecture allows it for B and NOP: each
//! CPU executes the old or the new one, and the new one after an interrupt.

use super::code::{Page, RET, movz};
use super::crew;
use super::interrupts;
use super::probe::{call_at_once, publish_code};
use super::random::Random;
use super::report;
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::sysreg::cpu;

const NOP: u32 = 0xd503_201f;

fn branch(words: u32) -> u32 {
    0x1400_0000 | words
}

/// A function whose first instruction is NOP, or a branch to one of two places.
struct Site {
    /// Odd while it is being changed; above that, what it returns.
    state: AtomicU64,
}

const SITES: usize = 8;
static PAGE: Page = Page::new();
static STATES: [Site; SITES] = [const { Site { state: AtomicU64::new(0) } }; SITES];
static PATCHED: AtomicU64 = AtomicU64::new(0);
static CALLED: AtomicU64 = AtomicU64::new(0);
static CHANGING: AtomicU64 = AtomicU64::new(0);

/// Bits of a state below the returned number: a count.
const COUNT_BITS: u32 = 40;

fn place(n: usize) -> usize {
    8 + 23 * n
}

pub(crate) fn run(milliseconds: u64) {
    for n in 0..SITES {
        for (word, instruction) in [NOP, movz(0), RET, movz(1), RET, movz(2), RET].into_iter().enumerate() {
            PAGE.write(place(n) + word, instruction);
        }
        publish_code(PAGE.at(place(n)), 28);
    }
    crew::run(milliseconds, job);
    let (patched, called) = (PATCHED.load(Ordering::Relaxed), CALLED.load(Ordering::Relaxed));
    report::done(
        "patched branches",
        format_args!(
            "{patched} patched, {called} calls, {} while it changed",
            CHANGING.load(Ordering::Relaxed)
        ),
    );
}

fn job() {
    let mut random = Random::new(10);
    let (mut patched, mut called, mut changing) = (0, 0, 0);
    while !crew::is_over() {
        let n = random.below(SITES);
        let state = &STATES[n].state;
        if n % crew::count() == cpu() && random.below(200) == 0 {
            let number = random.next() % 3;
            let count = state.load(Ordering::Relaxed) & ((1 << COUNT_BITS) - 1);
            state.store(state.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            fence();
            PAGE.write(place(n), [NOP, branch(3), branch(5)][number as usize]);
            publish_code(PAGE.at(place(n)), 4);
            interrupts::synchronise_others();
            state.store(number << COUNT_BITS | (count + 2), Ordering::Release);
            patched += 1;
        }
        let before = state.load(Ordering::Acquire);
        let got = call_at_once(PAGE.at(place(n)));
        fence();
        let after = state.load(Ordering::Relaxed);
        called += 1;
        if got > 2 {
            report::violation(format_args!("site {n} returned {got:#x}"));
        } else if before != after || before & 1 != 0 {
            changing += 1;
        } else if got != before >> COUNT_BITS {
            report::violation(format_args!("site {n} returned {got}, not {}", before >> COUNT_BITS));
        }
    }
    PATCHED.fetch_add(patched, Ordering::Relaxed);
    CALLED.fetch_add(called, Ordering::Relaxed);
    CHANGING.fetch_add(changing, Ordering::Relaxed);
}

fn fence() {
    core::sync::atomic::fence(Ordering::SeqCst);
}
