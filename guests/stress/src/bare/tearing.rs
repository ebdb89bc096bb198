//! Single-copy atomicity: CPUs store words of equal bytes, and none may see bytes of different stores.

use super::crew::{self, CPUS};
use super::random::Random;
use super::report;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use guest_support::mrs;
use guest_support::sysreg::cpu;

/// A byte in every place of eight.
const REPEAT: u64 = 0x0101_0101_0101_0101;

struct Width {
    name: &'static str,
    /// Distance from a boundary of 16 bytes.
    offset: usize,
    bytes: u32,
    /// Whether it needs FEAT_LSE2.
    lse2: bool,
    store: fn(*mut u8, u64),
    load: fn(*mut u8) -> [u64; 2],
}

macro_rules! width {
    ($name:literal, $offset:literal, $bytes:literal, $lse2:literal, [$($store:literal),+], [$($load:literal),+]) => {{
        fn store(at: *mut u8, value: u64) {
            // SAFETY: stores to a word of the test.
            unsafe {
                asm!(".arch_extension lse", $($store,)+ ".arch_extension nolse",
                      in("x0") at, in("x1") value, out("x2") _, out("x3") _, out("x4") _,
                     out("x5") _, out("x6") _, options(nostack))
            };
        }
        fn load(at: *mut u8) -> [u64; 2] {
            let (low, high);
            // SAFETY: loads of a word of the test.
            unsafe {
                asm!(".arch_extension lse", $($load,)+ ".arch_extension nolse", in("x0") at, out("x2") low,
                     out("x3") high, in("x4") 0_u64, in("x5") 0_u64, options(nostack))
            };
            [low, high]
        }
        Width { name: $name, offset: $offset, bytes: $bytes, lse2: $lse2, store, load }
    }};
}

const WIDTHS: [Width; 13] = [
    width!("str h, ldr h", 2, 2, false, ["strh w1, [x0]"], ["ldrh w2, [x0]", "mov x3, x2"]),
    width!("str w, ldr w", 4, 4, false, ["str w1, [x0]"], ["ldr w2, [x0]", "mov x3, x2"]),
    width!("str x, ldr x", 8, 8, false, ["str x1, [x0]"], ["ldr x2, [x0]", "mov x3, x2"]),
    width!("stlr x, ldar x", 0, 8, false, ["stlr x1, [x0]"], ["ldar x2, [x0]", "mov x3, x2"]),
    width!(
        "stxp x, ldxp x",
        0,
        16,
        false,
        ["2: ldxp x2, x3, [x0]", "stxp w4, x1, x1, [x0]", "cbnz w4, 2b"],
        ["2: ldxp x2, x3, [x0]", "stxp w5, x2, x3, [x0]", "cbnz w5, 2b"]
    ),
    width!(
        "casp x",
        0,
        16,
        false,
        ["mov x4, x1", "mov x5, x1", "ldxp x2, x3, [x0]", "casp x2, x3, x4, x5, [x0]"],
        ["mov x2, xzr", "mov x3, xzr", "casp x2, x3, x4, x5, [x0]"]
    ),
    width!("stp x, ldp x", 0, 16, true, ["stp x1, x1, [x0]"], ["ldp x2, x3, [x0]"]),
    width!(
        "stp w, ldp w",
        8,
        8,
        true,
        ["stp w1, w1, [x0]"],
        ["ldp w2, w3, [x0]", "orr x2, x2, x3, lsl #32", "mov x3, x2"]
    ),
    width!(
        "stp w, ldp w at 4",
        4,
        8,
        true,
        ["stp w1, w1, [x0]"],
        ["ldp w2, w3, [x0]", "orr x2, x2, x3, lsl #32", "mov x3, x2"]
    ),
    width!("str x, ldr x at 3", 3, 8, true, ["str x1, [x0]"], ["ldr x2, [x0]", "mov x3, x2"]),
    width!("str w, ldr w at 11", 11, 4, true, ["stur w1, [x0]"], ["ldur w2, [x0]", "mov x3, x2"]),
    width!("str h, ldr h at 7", 7, 2, true, ["strh w1, [x0]"], ["ldrh w2, [x0]", "mov x3, x2"]),
    width!(
        "stp x, casp x",
        0,
        16,
        true,
        ["stp x1, x1, [x0]"],
        ["mov x2, xzr", "mov x3, xzr", "casp x2, x3, x4, x5, [x0]"]
    ),
];

#[repr(align(64))]
struct Line([AtomicU64; 8]);
static LINE: Line = Line([const { AtomicU64::new(0) }; 8]);
static WIDTH: AtomicUsize = AtomicUsize::new(0);
static COUNTS: [[AtomicU64; 2]; CPUS] = [const { [const { AtomicU64::new(0) }; 2] }; CPUS];

pub(crate) fn run(milliseconds: u64) {
    // ID_AA64MMFR2_EL1.AT
    let has_lse2 = mrs!("S3_0_C0_C7_2") >> 32 & 0xf != 0;
    for (n, width) in WIDTHS.iter().enumerate() {
        if width.lse2 && !has_lse2 {
            report::skip(width.name, "no FEAT_LSE2");
            continue;
        }
        for word in &LINE.0 {
            word.store(0, Ordering::Relaxed);
        }
        COUNTS.iter().flatten().for_each(|count| count.store(0, Ordering::Relaxed));
        WIDTH.store(n, Ordering::Relaxed);
        crew::run(milliseconds / WIDTHS.len() as u64, job);
        let sum = |n: usize| COUNTS.iter().map(|row| row[n].load(Ordering::Relaxed)).sum::<u64>();
        report::done(width.name, format_args!("{} loads, {} saw a change", sum(0), sum(1)));
    }
}

fn job() {
    let width = &WIDTHS[WIDTH.load(Ordering::Relaxed)];
    // The second of four units of 16 bytes, so that nothing crosses a line.
    let at = LINE.0.as_ptr().cast::<u8>().cast_mut().wrapping_add(16 + width.offset);
    let mut random = Random::new(6);
    let (mut loads, mut changes, mut last) = (0, 0, 0);
    while !crew::is_over() {
        for _ in 0..100 {
            if random.below(4) == 0 {
                (width.store)(at, REPEAT * (random.next() & 0xff));
                random.pause(8);
                continue;
            }
            let [low, high] = (width.load)(at);
            let mask = u64::MAX >> (64 - (8 * width.bytes).min(64));
            let wanted = (REPEAT * (low & 0xff)) & mask;
            if low & mask != wanted || high & mask != wanted {
                report::violation(format_args!("{low:#x} and {high:#x}"));
            }
            loads += 1;
            changes += u64::from(low != last);
            last = low;
        }
    }
    COUNTS[cpu()][0].store(loads, Ordering::Relaxed);
    COUNTS[cpu()][1].store(changes, Ordering::Relaxed);
}
