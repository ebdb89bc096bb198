//! The other read-modify-writes: each CPU has bits, extremes and tokens of its own in words that all of them change.

use super::crew::{self, CPUS};
use super::random::Random;
use super::report;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::sysreg::cpu;

macro_rules! rmw {
    ($text:literal, $at:expr, $value:expr) => {{
        let old: u64;
        // SAFETY: a read-modify-write of a word of the test.
        unsafe {
            asm!(".arch_extension lse", $text, ".arch_extension nolse", v = in(reg) $value, o = out(reg) old,
                 p = in(reg) $at, options(nostack))
        };
        old
    }};
}

/// In lines of their own.
#[repr(align(64))]
struct Word(AtomicU64);

impl Word {
    fn at(&self) -> *mut u64 {
        self.0.as_ptr()
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

const fn word(value: u64) -> Word {
    Word(AtomicU64::new(value))
}

static FLAGS: Word = word(0);
static EXTREMES: [Word; 4] = [word(0), word(u64::MAX), word(1 << 63), word(i64::MAX as u64)];
/// Tokens of one, two, four and eight bytes: one is in each word, the CPUs hold the others.
static SWAPPED: [Word; 4] = [word(0), word(0), word(0), word(0)];
static HELD: [[AtomicU64; 4]; CPUS] = [const { [const { AtomicU64::new(0) }; 4] }; CPUS];
static OWN_EXTREMES: [[AtomicU64; 4]; CPUS] = [const { [const { AtomicU64::new(0) }; 4] }; CPUS];
static TURNS: AtomicU64 = AtomicU64::new(0);

pub(crate) fn run(milliseconds: u64) {
    crew::run(milliseconds, job);
    let turns = TURNS.load(Ordering::Relaxed);
    if FLAGS.value() != 0 {
        report::violation(format_args!("bits are left: {:#x}", FLAGS.value()));
    }
    report::done("ldset, ldclr, ldeor", format_args!("{turns} turns"));
    for n in 0..4 {
        let all = OWN_EXTREMES[..crew::count()].iter().map(|row| row[n].load(Ordering::Relaxed));
        let wanted = all.reduce(|a, b| extreme(n, a, b)).unwrap_or_default();
        if EXTREMES[n].value() != wanted {
            report::violation(format_args!("{:#x} is not {wanted:#x}", EXTREMES[n].value()));
        }
    }
    report::done("ldumax, ldumin, ldsmax, ldsmin", format_args!("{turns} turns"));
    for (n, word) in SWAPPED.iter().enumerate() {
        let held = HELD[..crew::count()].iter().map(|row| row[n].load(Ordering::Relaxed));
        let seen = held.chain([word.value()]).fold(0_u64, |set, token| set | 1 << (token & 63));
        if seen != (1 << (crew::count() + 1)) - 1 {
            report::violation(format_args!("tokens of {} bytes are lost: {seen:#b}", 1 << n));
        }
    }
    report::done("swp", format_args!("{turns} turns"));
}

fn extreme(n: usize, a: u64, b: u64) -> u64 {
    match n {
        0 => a.max(b),
        1 => a.min(b),
        2 => a.cast_signed().max(b.cast_signed()).cast_unsigned(),
        _ => a.cast_signed().min(b.cast_signed()).cast_unsigned(),
    }
}

fn job() {
    let mut random = Random::new(3);
    let me = cpu();
    let mine = 0x0101 << me;
    let mut tokens = [me as u64 + 1; 4];
    let mut extremes = [0, u64::MAX, 1 << 63, i64::MAX as u64];
    let mut turns = 0;
    while !crew::is_over() {
        turns += 1;
        let begins = FLAGS.at();
        for (step, old, wanted) in [
            (1, rmw!("ldsetal {v}, {o}, [{p}]", begins, mine), 0),
            (2, rmw!("ldclra {v}, {o}, [{p}]", begins, mine), mine),
            (3, rmw!("ldeorl {v}, {o}, [{p}]", begins, mine), 0),
            (4, rmw!("ldset {v}, {o}, [{p}]", begins, mine & 0xff), mine),
            (5, rmw!("ldeor {v:w}, {o:w}, [{p}]", begins, mine), mine),
        ] {
            if old & mine != wanted {
                report::violation(format_args!(
                    "step {step}: own bits are {:#x}, not {wanted:#x}",
                    old & mine
                ));
            }
        }
        let value = random.next() << 8;
        for (n, at) in EXTREMES.iter().map(Word::at).enumerate() {
            let old = match n {
                0 => rmw!("ldumaxal {v}, {o}, [{p}]", at, value),
                1 => rmw!("ldumina {v}, {o}, [{p}]", at, value),
                2 => rmw!("ldsmaxl {v}, {o}, [{p}]", at, value),
                _ => rmw!("ldsmin {v}, {o}, [{p}]", at, value),
            };
            // What this CPU has stored can only have become more extreme.
            if extreme(n, old, extremes[n]) != old {
                report::violation(format_args!("{old:#x} is less extreme than {:#x}", extremes[n]));
            }
            extremes[n] = extreme(n, extremes[n], value);
        }
        tokens[0] = rmw!("swpalb {v:w}, {o:w}, [{p}]", SWAPPED[0].at(), tokens[0]);
        tokens[1] = rmw!("swph {v:w}, {o:w}, [{p}]", SWAPPED[1].at(), tokens[1]);
        tokens[2] = rmw!("swpa {v:w}, {o:w}, [{p}]", SWAPPED[2].at(), tokens[2]);
        tokens[3] = rmw!("swpl {v}, {o}, [{p}]", SWAPPED[3].at(), tokens[3]);
    }
    for n in 0..4 {
        HELD[me][n].store(tokens[n], Ordering::Relaxed);
        OWN_EXTREMES[me][n].store(extremes[n], Ordering::Relaxed);
    }
    TURNS.fetch_add(turns, Ordering::Relaxed);
}
