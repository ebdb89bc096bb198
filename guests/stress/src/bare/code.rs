//! Code that changes: written by one CPU for all, patched while others execute it, beside data that is stored to.

use super::crew::{self, CPUS};
use super::patch;
use super::probe::{call, call_at_once, publish_code};
use super::random::Random;
use super::report;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::sysreg::cpu;

/// Words of a page.
const WORDS: usize = 1024;

/// A page of code and data.
#[repr(C, align(4096))]
pub(crate) struct Page(UnsafeCell<[u32; WORDS]>);
// SAFETY: accessed by volatile accesses of words, as memory is.
unsafe impl Sync for Page {}

impl Page {
    pub(crate) const fn new() -> Page {
        Page(UnsafeCell::new([0; WORDS]))
    }

    pub(crate) fn at(&self, word: usize) -> u64 {
        self.0.get() as u64 + 4 * word as u64
    }

    pub(crate) fn write(&self, word: usize, value: u32) {
        // SAFETY: a word of the page.
        unsafe { (self.at(word) as *mut u32).write_volatile(value) };
    }

    pub(crate) fn read(&self, word: usize) -> u32 {
        // SAFETY: a word of the page.
        unsafe { (self.at(word) as *const u32).read_volatile() }
    }
}

/// `movz w0, #value`, and `movk w0, #value, lsl #16`.
pub(crate) fn movz(value: u32) -> u32 {
    0x5280_0000 | (value & 0xffff) << 5
}

pub(crate) fn movk_high(value: u32) -> u32 {
    0x72a0_0000 | (value >> 16) << 5
}

pub(crate) const RET: u32 = 0xd65f_03c0;

/// Words of a function that returns a number.
const FUNCTION: usize = 3;

/// Writes a function that returns a number.
pub(crate) fn write_function(page: &Page, word: usize, number: u32) {
    page.write(word, movz(number));
    page.write(word + 1, movk_high(number));
    page.write(word + 2, RET);
}

/// A function that one CPU writes again and again, while nobody executes it.
struct Function {
    /// What it returns.
    number: AtomicU64,
    /// Whether it may be called, and by how many it is called.
    ready: AtomicU64,
    callers: AtomicU64,
}

const FUNCTIONS: usize = 16;
static SHARED: Page = Page::new();
static TABLE: [Function; FUNCTIONS] =
    [const { Function { number: AtomicU64::new(0), ready: AtomicU64::new(0), callers: AtomicU64::new(0) } };
        FUNCTIONS];
static OWN: Page = Page::new();
static WRITTEN: AtomicU64 = AtomicU64::new(0);
static CALLED: AtomicU64 = AtomicU64::new(0);

pub(crate) fn run(milliseconds: u64) {
    let tests: [(&str, fn(), u64); 3] =
        [("code for others", hand_over, 3), ("code of one's own", own, 2), ("data beside code", beside, 2)];
    for (name, job, tenths) in tests {
        WRITTEN.store(0, Ordering::Relaxed);
        CALLED.store(0, Ordering::Relaxed);
        crew::run(milliseconds * tenths / 10, job);
        let (written, called) = (WRITTEN.load(Ordering::Relaxed), CALLED.load(Ordering::Relaxed));
        report::done(name, format_args!("{written} times written, {called} calls"));
    }
    patch::run(milliseconds * 3 / 10);
}

/// Where a function is: some share lines.
fn place(n: usize) -> usize {
    n * if n.is_multiple_of(2) { 20 } else { 19 } + 8
}

/// Functions are written by their CPU, published as the architecture asks, and called by all.
fn hand_over() {
    let mut random = Random::new(7);
    let (mut written, mut called) = (0, 0);
    while !crew::is_over() {
        let n = random.below(FUNCTIONS);
        let function = &TABLE[n];
        if n % crew::count() == cpu() && random.below(4) == 0 {
            function.ready.store(0, Ordering::SeqCst);
            while function.callers.load(Ordering::SeqCst) != 0 {
                core::hint::spin_loop();
            }
            let number = (function.number.load(Ordering::Relaxed) as u32).wrapping_add(0x1_0001);
            write_function(&SHARED, place(n), number);
            publish_code(SHARED.at(place(n)), 4 * FUNCTION as u64);
            function.number.store(u64::from(number), Ordering::Relaxed);
            function.ready.store(1, Ordering::Release);
            written += 1;
            continue;
        }
        function.callers.fetch_add(1, Ordering::SeqCst);
        if function.ready.load(Ordering::SeqCst) != 0 {
            let wanted = function.number.load(Ordering::Relaxed);
            let got = call(SHARED.at(place(n)));
            if got != wanted {
                report::violation(format_args!("function {n} returned {got:#x}, not {wanted:#x}"));
            }
            called += 1;
        }
        function.callers.fetch_sub(1, Ordering::SeqCst);
    }
    note(written, called);
}

fn note(written: u64, called: u64) {
    WRITTEN.fetch_add(written, Ordering::Relaxed);
    CALLED.fetch_add(called, Ordering::Relaxed);
}

/// Each CPU changes functions of its own, in lines that hold those of others too.
fn own() {
    let mut random = Random::new(8);
    let mut numbers = [0_u32; 8];
    let (mut written, mut called) = (0, 0);
    let at = |n: usize| (n * CPUS + cpu()) * FUNCTION;
    for n in 0..numbers.len() {
        write_function(&OWN, at(n), 0);
        publish_code(OWN.at(at(n)), 4 * FUNCTION as u64);
    }
    while !crew::is_over() {
        let n = random.below(numbers.len());
        if random.below(3) == 0 {
            numbers[n] = random.next() as u32;
            write_function(&OWN, at(n), numbers[n]);
            publish_code(OWN.at(at(n)), 4 * FUNCTION as u64);
            written += 1;
        }
        let got = call_at_once(OWN.at(at(n)));
        if got != u64::from(numbers[n]) {
            report::violation(format_args!("function {n} returned {got:#x}, not {:#x}", numbers[n]));
        }
        called += 1;
    }
    note(written, called);
}

/// A page whose code stays while data in it, some in the same lines, is stored to at full speed.
static BESIDE: Page = Page::new();

fn beside() {
    let me = cpu();
    let function = 100 + 40 * me;
    let number = 0x1234_0000 + me as u32;
    write_function(&BESIDE, function, number);
    publish_code(BESIDE.at(function), 4 * FUNCTION as u64);
    crew::meet();
    let mut random = Random::new(9);
    let (mut written, mut called) = (0, 0);
    while !crew::is_over() {
        for _ in 0..50 {
            // Beside its own function, or far from all.
            let word = if random.below(3) == 0 { function + FUNCTION + random.below(8) } else { 800 + me };
            let value = random.next() as u32;
            BESIDE.write(word, value);
            if BESIDE.read(word) != value {
                report::violation(format_args!("word {word} has lost its value"));
            }
            written += 1;
        }
        let whose = random.below(crew::count());
        let got = call_at_once(BESIDE.at(100 + 40 * whose));
        if got != 0x1234_0000 + whose as u64 {
            report::violation(format_args!("the function of CPU {whose} returned {got:#x}"));
        }
        called += 1;
    }
    note(written, called);
}
