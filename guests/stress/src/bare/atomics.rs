//! Counters that all CPUs increment, by every kind of instruction that can: none may lose an increment, and none may touch
//! its neighbours.

use super::crew::{self, CPUS};
use super::random::Random;
use super::report;
use core::arch::asm;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use guest_support::sysreg::cpu;

/// How to add one to a counter of some bytes.
struct Adder {
    name: &'static str,
    bytes: usize,
    add: fn(*mut u8),
}

macro_rules! adder {
    ($name:literal, $bytes:literal, $($line:expr),+) => {{
        fn add(at: *mut u8) {
            // SAFETY: read-modify-writes of a counter.
            unsafe {
                asm!(".arch_extension lse", $($line,)+ ".arch_extension nolse", in("x0") at, in("x1") 1_u64,
                     out("x2") _, out("x3") _, out("x4") _, out("x5") _, out("x6") _, out("x7") _,
                     out("x8") _, options(nostack))
            };
        }
        Adder { name: $name, bytes: $bytes, add }
    }};
}

/// By a load-exclusive and a store-exclusive, in registers of a kind.
macro_rules! exclusive {
    ($name:literal, $bytes:literal, $load:literal, $store:literal, $r:literal) => {
        adder!(
            $name,
            $bytes,
            concat!("2: ", $load, " ", $r, "2, [x0]"),
            concat!("add ", $r, "2, ", $r, "2, #1"),
            concat!($store, " w4, ", $r, "2, [x0]"),
            "cbnz w4, 2b"
        )
    };
}

/// The same of a pair of doublewords.
macro_rules! exclusive_pair {
    ($name:literal, $load:literal, $store:literal) => {
        adder!(
            $name,
            16,
            concat!("2: ", $load, " x2, x3, [x0]"),
            "adds x2, x2, #1",
            "adc x3, x3, xzr",
            concat!($store, " w4, x2, x3, [x0]"),
            "cbnz w4, 2b"
        )
    };
}

/// By compare and swap.
macro_rules! swapped {
    ($name:literal, $bytes:literal, $load:literal, $swap:literal, $r:literal) => {
        adder!(
            $name,
            $bytes,
            concat!($load, " ", $r, "2, [x0]"),
            concat!("2: mov ", $r, "4, ", $r, "2"),
            concat!("add ", $r, "3, ", $r, "2, #1"),
            concat!($swap, " ", $r, "2, ", $r, "3, [x0]"),
            concat!("cmp ", $r, "2, ", $r, "4"),
            "b.ne 2b"
        )
    };
}

const ADDERS: [Adder; 26] = [
    exclusive!("ldxrb", 1, "ldxrb", "stxrb", "w"),
    exclusive!("ldaxrb", 1, "ldaxrb", "stlxrb", "w"),
    adder!("ldaddalb", 1, "ldaddalb w1, w2, [x0]"),
    adder!("staddb", 1, "staddb w1, [x0]"),
    swapped!("casalb", 1, "ldrb", "casalb", "w"),
    exclusive!("ldxrh", 2, "ldxrh", "stlxrh", "w"),
    adder!("ldaddh", 2, "ldaddh w1, w2, [x0]"),
    swapped!("cash", 2, "ldrh", "cash", "w"),
    exclusive!("ldxr w", 4, "ldxr", "stxr", "w"),
    exclusive!("ldaxr w", 4, "ldaxr", "stlxr", "w"),
    adder!("ldadda w", 4, "ldadda w1, w2, [x0]"),
    adder!("stadd w", 4, "stadd w1, [x0]"),
    swapped!("casa w", 4, "ldr", "casa", "w"),
    exclusive!("ldxr x", 8, "ldxr", "stxr", "x"),
    exclusive!("ldaxr x", 8, "ldaxr", "stlxr", "x"),
    adder!("ldaddl x", 8, "ldaddl x1, x2, [x0]"),
    adder!("staddl x", 8, "staddl x1, [x0]"),
    swapped!("casl x", 8, "ldr", "casl", "x"),
    adder!(
        "ldxp w",
        8,
        "2: ldxp w2, w3, [x0]",
        "orr x2, x2, x3, lsl #32",
        "add x2, x2, #1",
        "lsr x3, x2, #32",
        "stxp w4, w2, w3, [x0]",
        "cbnz w4, 2b"
    ),
    adder!(
        "casp w",
        8,
        "ldr x6, [x0]",
        "2: mov x8, x6",
        "add x4, x6, #1",
        "lsr x5, x4, #32",
        "mov w4, w4",
        "lsr x3, x6, #32",
        "mov w2, w6",
        "caspal w2, w3, w4, w5, [x0]",
        "orr x6, x2, x3, lsl #32",
        "cmp x6, x8",
        "b.ne 2b"
    ),
    exclusive_pair!("ldxp x", "ldxp", "stxp"),
    exclusive_pair!("ldaxp x", "ldaxp", "stlxp"),
    adder!(
        "casp x",
        16,
        "ldp x2, x3, [x0]",
        "2: mov x6, x2",
        "mov x7, x3",
        "adds x4, x2, #1",
        "adc x5, x3, xzr",
        "casp x2, x3, x4, x5, [x0]",
        "cmp x2, x6",
        "ccmp x3, x7, #0, eq",
        "b.ne 2b"
    ),
    adder!(
        "swpa lock",
        8,
        "add x3, x0, #8",
        "2: swpa w1, w2, [x3]",
        "cbnz w2, 2b",
        "ldr x2, [x0]",
        "add x2, x2, #1",
        "str x2, [x0]",
        "stlr wzr, [x3]"
    ),
    adder!(
        "ldaxr lock",
        8,
        "add x3, x0, #8",
        "2: ldaxr w2, [x3]",
        "cbnz w2, 3f",
        "stxr w4, w1, [x3]",
        "cbz w4, 4f",
        "3: yield",
        "b 2b",
        "4: ldr x2, [x0]",
        "add x2, x2, #1",
        "str x2, [x0]",
        "stlr wzr, [x3]"
    ),
    adder!(
        "ticket lock",
        8,
        "add x3, x0, #8",
        "ldadda w1, w2, [x3]",
        "2: ldar w4, [x3, #0]",
        "add x5, x3, #4",
        "ldar w4, [x5]",
        "cmp w4, w2",
        "b.eq 3f",
        "yield",
        "b 2b",
        "3: ldr x2, [x0]",
        "add x2, x2, #1",
        "str x2, [x0]",
        "add w4, w4, #1",
        "stlr w4, [x5]"
    ),
];

/// Each counter has sixteen bytes and neighbours of its own.
#[repr(C, align(16))]
struct Cell([AtomicU8; 48]);
static CELLS: [Cell; ADDERS.len()] = [const { Cell([const { AtomicU8::new(0) }; 48]) }; ADDERS.len()];
/// Increments that each CPU has made, of each counter.
static MADE: [[AtomicU64; ADDERS.len()]; CPUS] =
    [const { [const { AtomicU64::new(0) }; ADDERS.len()] }; CPUS];

/// Where in its cell a counter of so many bytes is: short ones between neighbours.
fn place(bytes: usize) -> usize {
    if bytes == 16 { 16 } else { 16 + bytes * (8 / bytes - 1) }
}

pub(crate) fn run(milliseconds: u64) {
    crew::run(milliseconds, job);
    for (n, adder) in ADDERS.iter().enumerate() {
        let at = place(adder.bytes);
        let byte = |i: usize| u128::from(CELLS[n].0[i].load(Ordering::Relaxed));
        let value = (0..adder.bytes).fold(0, |sum, i| sum | byte(at + i) << (8 * i));
        let made: u64 = MADE.iter().map(|row| row[n].load(Ordering::Relaxed)).sum();
        let wanted = u128::from(made) & u128::MAX >> (128 - 8 * adder.bytes);
        if value != wanted {
            report::violation(format_args!("{} increments give {value:#x}", made));
        }
        // Eight bytes after a counter of eight bytes are its lock.
        let end = if adder.bytes == 8 { at + 16 } else { at + adder.bytes };
        if (0..at).chain(end..48).any(|i| byte(i) != 0) {
            report::violation(format_args!("its neighbours have changed"));
        }
        report::done(adder.name, format_args!("{made} increments"));
    }
}

fn job() {
    let mut random = Random::new(2);
    let made = &MADE[cpu()];
    while !crew::is_over() {
        // A few CPUs on one counter, most of the time.
        let n = (crew::now() >> 12) as usize % ADDERS.len();
        let n = if random.below(4) == 0 { random.below(ADDERS.len()) } else { n };
        let at = CELLS[n].0.as_ptr().cast::<u8>().cast_mut().wrapping_add(place(ADDERS[n].bytes));
        for _ in 0..64 {
            (ADDERS[n].add)(at);
        }
        made[n].fetch_add(64, Ordering::Relaxed);
    }
}
